//! Private MariaDB servers: own data folders, loopback only, ended with us.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// First port that is tried for a shard.
const FIRST_PORT: u16 = 3311;
/// How long a server may take to answer.
const START_TIME: Duration = Duration::from_secs(60);
/// Ports that are tried for one server.
const PORT_TRIES: u32 = 5;
/// Made at this size at once; a server that finds another size writes it anew.
const REDO_LOG: &str = "--innodb-log-file-size=64M";
/// How long a server may take to end.
const STOP_TIME: Duration = Duration::from_secs(60);

/// A server that runs.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Name of the shard.
    pub(crate) name: String,
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
}

/// True if a process with this id exists.
#[allow(unsafe_code)]
pub(crate) fn is_alive(pid: i32) -> bool {
    // SAFETY: kill with signal 0 only asks; no memory is involved.
    pid > 0 && unsafe { libc::kill(pid, 0) } == 0
}

/// Asks a process to end.
#[allow(unsafe_code)]
pub(crate) fn terminate(pid: i32) {
    if pid > 0 {
        // SAFETY: a signal to a process id; no memory is involved.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
}

fn shard_dirs(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("shards"))
        .into_iter()
        .flatten()
        .flatten();
    let mut out: Vec<_> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
    out.sort();
    out
}

fn pid_of(shard: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(shard.join("pid")).ok()?;
    let pid = text.trim().parse().ok().filter(|p| is_alive(*p))?;
    // The number may belong to somebody else by now.
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).into_owned();
    command.contains(&*shard.to_string_lossy()).then_some(pid)
}

/// Ends every server of a folder and waits for it.
pub(crate) fn stop_all(dir: &Path) -> Result<(), String> {
    let pids: Vec<_> = shard_dirs(dir).iter().filter_map(|d| pid_of(d)).collect();
    pids.iter().for_each(|p| terminate(*p));
    let until = Instant::now() + STOP_TIME;
    for pid in pids {
        while is_running(pid) {
            if Instant::now() > until {
                return Err(format!(
                    "the shard server with process id {pid} does not end"
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// Alive, and not only waiting to be reaped by whoever started it.
pub(crate) fn is_running(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|s| s.trim().chars().next());
    is_alive(pid) && !matches!(state, Some('Z') | None)
}

/// What an option must not change: where a server is found, and who reaches it.
const KEPT_OPTIONS: [&str; 8] = [
    "datadir",
    "pid-file",
    "tmpdir",
    "port",
    "socket",
    "server-id",
    "bind-address",
    "user",
];

/// Checks an option for the servers (`name=value` or a bare name).
pub(crate) fn option(text: &str) -> Result<String, String> {
    let name = text.split('=').next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !starts || !name.chars().all(fits) {
        return Err(format!(
            "{text:?} is not NAME=VALUE, such as innodb-buffer-pool-size=4G"
        ));
    }
    if KEPT_OPTIONS.contains(&&*name.replace('_', "-").to_ascii_lowercase()) {
        return Err(format!("the quickstart itself chooses {name}"));
    }
    Ok(text.to_string())
}

/// Starts `count` servers (or finds them running) and waits until they answer.
pub(crate) fn start(
    dir: &Path,
    count: u16,
    options: &[String],
    say: fn(&str),
) -> Result<Vec<Server>, String> {
    for program in ["mariadbd", "mariadb-install-db"] {
        if !in_path(program) {
            return Err(format!(
                "{program} is not installed; `make quickstart` installs it, or: \
                 apt-get install mariadb-server"
            ));
        }
    }
    let known = shard_dirs(dir).len();
    let count = usize::from(count).max(known);
    let mut started = Vec::new();
    for i in 1..=count {
        started.push(start_one(dir, i, options, say)?);
    }
    let mut servers = Vec::new();
    for (i, (mut server, mut child)) in started.into_iter().enumerate() {
        let mut tries = 0;
        while !wait_for(&server, child.as_mut(), dir)? {
            // Somebody else took the port in the meantime.
            tries += 1;
            if tries == PORT_TRIES {
                return Err(failed_to_start(&server.name, dir));
            }
            (server, child) = start_one(dir, i + 1, options, say)?;
        }
        servers.push(server);
    }
    Ok(servers)
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(more)
        .any(|d| d.join(program).is_file())
}

fn command(program: &str) -> Command {
    let mut c = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    c.env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin"));
    c
}

fn start_one(
    dir: &Path,
    number: usize,
    options: &[String],
    say: fn(&str),
) -> Result<(Server, Option<Child>), String> {
    let name = format!("s{number}");
    let home = dir.join("shards").join(&name);
    let data = home.join("data");
    let port_file = home.join("port");
    let saved = std::fs::read_to_string(&port_file)
        .ok()
        .and_then(|p| p.trim().parse().ok());
    if let (Some(_), Some(port)) = (pid_of(&home), saved) {
        say(&format!("shard {name} is running on port {port}"));
        return Ok((Server { name, port }, None));
    }
    if !data.join("mysql").is_dir() {
        say(&format!("making shard {name}"));
        install(&home, &data, options)?;
    }
    let port = saved
        .filter(|p| is_free(*p))
        .map_or_else(|| free_port(dir), Ok)?;
    std::fs::write(&port_file, port.to_string()).map_err(|e| e.to_string())?;
    say(&format!("starting shard {name} on port {port}"));
    let log = std::fs::File::create(home.join("log")).map_err(|e| e.to_string())?;
    let err = log.try_clone().map_err(|e| e.to_string())?;
    let child = command("mariadbd")
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--pid-file={}", home.join("pid").display()))
        .arg(own_tmp(&home)?)
        .arg(format!("--port={port}"))
        .arg(format!("--server-id={number}"))
        .args(user_option())
        .args([
            "--socket=mysqld.sock",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
            "--performance-schema=OFF",
            // As a production server is set: `shardctl inspect` finds nothing to say.
            "--log-bin=binlog",
            "--binlog-format=ROW",
            "--sync-binlog=1",
            "--expire-logs-days=1",
            "--plugin-load-add=disks",
            "--max-connections=1000",
            "--max-prepared-stmt-count=200000",
            "--max-allowed-packet=1073741824",
            "--innodb-buffer-pool-size=256M",
            REDO_LOG,
        ])
        .args(flags(options))
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(err)
        .process_group(0)
        .spawn()
        .map_err(|e| format!("mariadbd: {e}"))?;
    Ok((Server { name, port }, Some(child)))
}

/// MariaDB refuses to run as root unless it is asked to by name.
#[allow(unsafe_code)]
fn user_option() -> Option<String> {
    // SAFETY: geteuid has no preconditions.
    (unsafe { libc::geteuid() } == 0).then(|| "--user=root".to_string())
}

/// A folder for temporary tables: in a shared one, a server that starts removes those of others.
fn own_tmp(home: &Path) -> Result<String, String> {
    let tmp = home.join("tmp");
    std::fs::create_dir_all(&tmp).map_err(|e| format!("{}: {e}", tmp.display()))?;
    Ok(format!("--tmpdir={}", tmp.display()))
}

fn flags(options: &[String]) -> impl Iterator<Item = String> {
    options.iter().map(|o| format!("--{o}"))
}

fn install(home: &Path, data: &Path, options: &[String]) -> Result<(), String> {
    std::fs::create_dir_all(home).map_err(|e| format!("{}: {e}", home.display()))?;
    let tmp = own_tmp(home)?;
    let out = command("mariadb-install-db")
        .args([
            "--no-defaults",
            &tmp,
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ])
        .args(user_option())
        .arg(format!("--datadir={}", data.display()))
        .arg(REDO_LOG)
        .args(flags(options).filter(|o| o.starts_with("--innodb")))
        .output()
        .map_err(|e| format!("mariadb-install-db: {e}"))?;
    if out.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    Err(format!(
        "mariadb-install-db failed: {text}{}",
        String::from_utf8_lossy(&out.stdout)
    ))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A port that nobody uses, nor a shard or node of this folder.
pub(crate) fn free_port(dir: &Path) -> Result<u16, String> {
    let nodes = (1..=super::nodes::known(dir)).map(|n| super::nodes::home(dir, n));
    let taken: Vec<u16> = shard_dirs(dir)
        .into_iter()
        .chain(nodes)
        .filter_map(|d| {
            std::fs::read_to_string(d.join("port"))
                .ok()?
                .trim()
                .parse()
                .ok()
        })
        .collect();
    let mut ports = (FIRST_PORT..FIRST_PORT + 1000).filter(|p| !taken.contains(p));
    ports
        .find(|p| is_free(*p))
        .ok_or_else(|| "no free port for a shard".to_string())
}

/// Waits until the server itself answers; false if it ended because its port was taken.
fn wait_for(server: &Server, mut child: Option<&mut Child>, dir: &Path) -> Result<bool, String> {
    let until = Instant::now() + START_TIME;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.port));
    let home = dir.join("shards").join(&server.name);
    // The process id file is written once the port is bound: who answers without it is another server.
    while pid_of(&home).is_none()
        || TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_err()
    {
        let ended = child
            .as_mut()
            .is_some_and(|c| matches!(c.try_wait(), Ok(Some(_))));
        let log = || std::fs::read_to_string(home.join("log")).unwrap_or_default();
        if ended && log().contains("Bind on TCP/IP port") {
            let _ = std::fs::remove_file(home.join("port"));
            return Ok(false);
        }
        if ended || Instant::now() > until {
            return Err(failed_to_start(&server.name, dir));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(true)
}

fn failed_to_start(name: &str, dir: &Path) -> String {
    let log = dir.join("shards").join(name).join("log");
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let tail: Vec<_> = log.lines().rev().take(15).collect();
    let tail: Vec<_> = tail.into_iter().rev().collect();
    format!("shard {name} does not start:\n{}", tail.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::option;

    #[test]
    fn options_may_not_move_a_server() {
        for good in ["innodb-buffer-pool-size=4G", "skip_log_bin", "sql-mode="] {
            assert_eq!(option(good).as_deref(), Ok(good));
        }
        for bad in [
            "port=3306",
            "Bind_Address=0.0.0.0",
            "--port=1",
            "",
            "a b=1",
            "=1",
        ] {
            assert!(option(bad).is_err(), "{bad}");
        }
    }
}
