//! Servers for the tests: one quickstart of two shards for all, and one plain server to compare with.

use crate::folder::Folder;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running quickstart. It ends with the test process, whose end closes its standard input.
pub struct Cluster {
    /// Port of the proxy.
    pub port: u16,
    /// Port of the admin endpoint.
    pub admin: u16,
    /// Port of the first shard.
    pub shard_port: u16,
    /// Its folder.
    pub dir: Folder,
    _stdin: ChildStdin,
    child: std::sync::Mutex<Child>,
}

/// One cluster starts at a time, so that none takes a port that another is about to bind. A test that
/// kills a server holds it too until the server is back, or a new cluster takes the server's port.
pub static STARTING: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Cluster {
    /// Starts one in a folder of its own.
    pub fn start(name: &str, shards: u16, more: &[&str]) -> Cluster {
        let _one_at_a_time = STARTING.lock().unwrap_or_else(|e| e.into_inner());
        Self::start_alone(Folder::new(name), shards, more)
    }

    /// Ends it and starts it again over the same data; nobody takes its ports in between.
    pub fn restart(self, shards: u16, more: &[&str]) -> Cluster {
        let _one_at_a_time = STARTING.lock().unwrap_or_else(|e| e.into_inner());
        Self::start_alone(self.end(), shards, more)
    }

    #[allow(clippy::zombie_processes)] // waited for in stop(), or ended with the test process
    fn start_alone(dir: Folder, shards: u16, more: &[&str]) -> Cluster {
        let (port, admin) = (free_port(), free_port());
        let mut child = Command::new(crate::binaries::SHARDWRIGHT)
            .args(["quickstart", "--until-stdin-closes", "--no-demo"])
            .args([
                "--shards",
                &shards.to_string(),
                "--dir",
                dir.to_str().unwrap(),
            ])
            .args([
                "--mysql-port",
                &port.to_string(),
                "--admin-port",
                &admin.to_string(),
            ])
            // Many servers run at once: none needs the room of a production server.
            .args(["--shard-option", "innodb-log-file-size=16M"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut seen = Vec::new();
        for line in out.lines() {
            let line = line.unwrap();
            if line == "ready" {
                let text = std::fs::read_to_string(dir.join("shards/s1/port")).unwrap();
                let shard_port = text.trim().parse().unwrap();
                let child = std::sync::Mutex::new(child);
                return Cluster {
                    port,
                    admin,
                    shard_port,
                    dir,
                    _stdin: stdin,
                    child,
                };
            }
            seen.push(line);
        }
        panic!("quickstart did not become ready: {seen:?}");
    }

    /// Kills it, and starts it again at once, before anybody has noticed that it is gone.
    pub fn kill_and_start(self, shards: u16) -> Cluster {
        let _one_at_a_time = STARTING.lock().unwrap_or_else(|e| e.into_inner());
        let Cluster { dir, child, .. } = self;
        let mut child = child.into_inner().unwrap();
        child.kill().unwrap();
        let again = Self::start_alone(dir, shards, &[]);
        child.wait().unwrap();
        again
    }

    /// Ends a shard's server with kill -9.
    pub fn kill_shard(&self, name: &str) {
        let pid = std::fs::read_to_string(self.dir.join(format!("shards/{name}/pid"))).unwrap();
        let kill = Command::new("kill").args(["-9", pid.trim()]).status();
        assert!(kill.unwrap().success());
    }

    /// Ends it, waits, and removes its folder.
    pub fn stop(self) {
        drop(self.end());
    }

    fn end(self) -> Folder {
        let Cluster {
            dir, _stdin, child, ..
        } = self;
        drop(_stdin);
        child.into_inner().unwrap().wait().unwrap();
        dir
    }
}

/// The cluster that most tests share.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start("shared", 2, &["--tls-self-signed"]))
}

/// A plain server: the shard of a cluster of its own.
pub fn plain() -> &'static Cluster {
    static PLAIN: OnceLock<Cluster> = OnceLock::new();
    PLAIN.get_or_init(|| Cluster::start("plain", 1, &[]))
}

/// A connection to a port on loopback, as root without a password.
pub async fn connect(port: u16) -> Conn {
    connect_as(port, "root", "").await
}

/// A connection to a port on loopback.
pub async fn connect_as(port: u16, user: &str, password: &str) -> Conn {
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port)
        .user(Some(user))
        .pass(Some(password))
        .prefer_socket(false);
    Conn::new(opts).await.unwrap()
}

/// A connection to the shared proxy with a new database of its own, which is current.
pub async fn database() -> (Conn, String) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("db{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut c = connect(shared().port).await;
    c.query_drop(format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    c.query_drop(format!("USE {name}")).await.unwrap();
    (c, name)
}

/// Code of the server error that a statement gives.
pub async fn error_of(c: &mut Conn, sql: &str) -> (u16, String) {
    match c.query_drop(sql).await {
        Err(mysql_async::Error::Server(e)) => (e.code, e.message),
        other => panic!("{sql}: {other:?}"),
    }
}
