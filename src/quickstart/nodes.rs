//! Metadata nodes as processes of their own, restarted when one ends.

use super::servers;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Pause before a node that ended is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(500);

/// The nodes and the threads that keep them running.
pub(crate) struct Nodes {
    /// Host and port of each.
    pub(crate) endpoints: Vec<String>,
    stopping: Arc<AtomicBool>,
    keepers: Vec<JoinHandle<()>>,
}

/// Folder of a node.
pub(crate) fn home(dir: &Path, n: u16) -> PathBuf {
    dir.join("meta").join(format!("n{n}"))
}

/// Number of nodes that an earlier start made.
pub(crate) fn known(dir: &Path) -> u16 {
    (1..).take_while(|n| home(dir, *n).is_dir()).count() as u16
}

/// Starts `count` nodes; the first founds the service, the others join it.
pub(crate) fn start(
    dir: &Path,
    count: u16,
    token_file: &Path,
    say: fn(&str),
) -> Result<Nodes, String> {
    let stopping = Arc::new(AtomicBool::new(false));
    let mut nodes = Nodes {
        endpoints: Vec::new(),
        stopping: stopping.clone(),
        keepers: Vec::new(),
    };
    for n in 1..=count {
        let home = home(dir, n);
        std::fs::create_dir_all(&home).map_err(|e| format!("{}: {e}", home.display()))?;
        let port_file = home.join("port");
        let saved = std::fs::read_to_string(&port_file).ok();
        // A node is known to the others by its address, so it keeps its port.
        let port: u16 = match saved.and_then(|p| p.trim().parse().ok()) {
            Some(port) => port,
            None => servers::free_port(dir)?,
        };
        std::fs::write(&port_file, port.to_string()).map_err(|e| e.to_string())?;
        let address = format!("127.0.0.1:{port}");
        say(&format!("starting metadata node {n} on port {port}"));
        let exe = std::env::current_exe().map_err(|e| e.to_string())?;
        let mut args: Vec<String> = ["meta", "--until-stdin-closes", "--id"]
            .map(String::from)
            .into();
        args.extend([n.to_string(), "--dir".into(), home.display().to_string()]);
        args.extend(["--listen".into(), address.clone()]);
        args.extend(["--token-file".into(), token_file.display().to_string()]);
        match nodes.endpoints.first() {
            None => args.push("--init".into()),
            Some(first) => args.extend(["--join".into(), first.clone()]),
        }
        let start = move || spawn(&exe, &args, &home);
        let first = start()?;
        let stopping = stopping.clone();
        let keeper = std::thread::spawn(move || keep(first, start, &stopping));
        nodes.keepers.push(keeper);
        nodes.endpoints.push(address);
    }
    Ok(nodes)
}

fn spawn(exe: &Path, args: &[String], home: &Path) -> Result<Child, String> {
    use std::os::unix::process::CommandExt;
    let mut options = std::fs::OpenOptions::new();
    let log = options.create(true).append(true).open(home.join("log"));
    let log = log.map_err(|e| format!("{}: {e}", home.display()))?;
    let child = Command::new(exe)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(|e| e.to_string())?;
    // Renamed into place: nobody reads half a number.
    let (pid, new) = (home.join("pid"), home.join("pid.new"));
    std::fs::write(&new, child.id().to_string())
        .and_then(|()| std::fs::rename(&new, &pid))
        .map_err(|e| format!("{}: {e}", pid.display()))?;
    Ok(child)
}

/// Waits for a node's end and starts it again, until the quickstart stops.
fn keep(mut child: Child, start: impl Fn() -> Result<Child, String>, stopping: &AtomicBool) {
    loop {
        while let Ok(None) = child.try_wait() {
            if stopping.load(Ordering::Acquire) {
                servers::terminate(child.id() as i32);
                let _ = child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if stopping.load(Ordering::Acquire) {
            return;
        }
        tracing::warn!(
            pid = child.id(),
            "a metadata node has ended; starting it again"
        );
        std::thread::sleep(RESTART_PAUSE);
        match start() {
            Ok(again) => child = again,
            Err(error) => {
                tracing::error!(%error, "cannot start the metadata node again");
                std::thread::sleep(RESTART_PAUSE * 10);
            }
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        for k in self.keepers.drain(..) {
            let _ = k.join();
        }
    }
}
