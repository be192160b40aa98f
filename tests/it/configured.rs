//! A proxy from a configuration file, over servers that run already.

use crate::cluster::{Cluster, free_port};
use crate::folder::Folder;
use std::fmt::Write;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long a start may take.
const START: Duration = Duration::from_secs(30);

/// A running `shardwright proxy`, killed when dropped.
pub struct Configured {
    /// Port for clients.
    pub port: u16,
    /// Port of the admin endpoint.
    pub admin: u16,
    child: Child,
    _dir: Folder,
}

/// A server that a proxy is to use.
pub struct Server {
    /// Port on loopback.
    pub port: u16,
    /// Account.
    pub user: &'static str,
    /// Its password.
    pub password: &'static str,
    /// The account makes others, one for each start of the proxy.
    pub manages: bool,
}

/// The shards of a quickstart.
pub fn servers_of(cluster: &Cluster, shards: u16) -> Vec<Server> {
    let port = |n| std::fs::read_to_string(cluster.dir.join(format!("shards/s{n}/port"))).unwrap();
    (1..=shards)
        .map(|n| Server {
            port: port(n).trim().parse().unwrap(),
            user: "root",
            password: "",
            manages: false,
        })
        .collect()
}

/// What `shardwright hash-password` prints for a password: the two verifiers, native first.
pub fn verifiers(password: &str) -> [String; 2] {
    wire::password::verifiers(password).unwrap()
}

impl Configured {
    /// Starts one; `users` is the text of the `[[users]]` tables.
    pub fn start(name: &str, servers: &[Server], users: &str) -> Configured {
        Self::start_with(name, servers, users, "")
    }

    /// The same with settings of the environment.
    pub fn start_set(
        name: &str,
        servers: &[Server],
        users: &str,
        settings: &[(&str, &str)],
    ) -> Configured {
        Self::start_all(name, servers, users, "", settings)
    }

    /// The same with a `[meta]` section of these lines instead of an embedded node.
    pub fn start_with(name: &str, servers: &[Server], users: &str, meta: &str) -> Configured {
        Self::start_all(name, servers, users, meta, &[])
    }

    fn start_all(
        name: &str,
        servers: &[Server],
        users: &str,
        meta: &str,
        settings: &[(&str, &str)],
    ) -> Configured {
        let dir = Folder::new(name);
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
        std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let (port, admin, at) = (free_port(), free_port(), dir.display());
        let embedded = format!("dir = \"{at}/meta\"\n");
        let meta = if meta.is_empty() { &embedded } else { meta };
        let mut text = format!(
            "[proxy]\nlisten = \"127.0.0.1:{port}\"\nhandshake_timeout_ms = 2000\n\
             explicit_ids = true\ntls_cert = \"{at}/cert.pem\"\n\
             tls_key = \"{at}/key.pem\"\n[meta]\n{meta}\
             [admin]\nlisten = \"127.0.0.1:{admin}\"\n"
        );
        for (i, s) in servers.iter().enumerate() {
            let (
                n,
                Server {
                    port,
                    user,
                    password,
                    manages,
                },
            ) = (i + 1, s);
            let of = if *manages { "manager_" } else { "" };
            writeln!(
                text,
                "[[shards]]\nname = \"s{n}\"\nhost = \"127.0.0.1\"\nport = {port}\n\
                 {of}user = \"{user}\"\n{of}password = \"{password}\""
            )
            .unwrap();
        }
        text.push_str(users);
        let file = dir.join("shardwright.toml");
        std::fs::write(&file, text).unwrap();
        let mut child = Command::new(crate::binaries::SHARDWRIGHT)
            .args(["proxy", "--config", file.to_str().unwrap()])
            .env("SHARDWRIGHT_ADMIN__DRIFT_CHECK_S", "1")
            .env("SHARDWRIGHT_ADMIN__CONNECTIONS_MAX", "20")
            .env("SHARDWRIGHT_ADMIN__HEAD_TIMEOUT_MS", "1000")
            .envs(settings.iter().copied())
            .spawn()
            .unwrap();
        let until = Instant::now() + START;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the proxy does not listen");
            assert!(child.try_wait().unwrap().is_none(), "the proxy ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        Configured {
            port,
            admin,
            child,
            _dir: dir,
        }
    }
}

impl Configured {
    /// Its process.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
