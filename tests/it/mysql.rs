//! Shards that are real MySQL servers, where one can be had: `tests/servers/mysql.sh get DIR`, then
//! SHARDWRIGHT_MYSQL=DIR and the feature mysql-server (`make test-mysql` does all three). Without the
//! feature this is no test, so that nobody takes what was not run for a pass.

use crate::cluster::{connect, connect_as, free_port};
use crate::compare::Pair;
use crate::configured::{Configured, Server};
use crate::logins::{PASSWORD, users};
use mysql_async::prelude::Queryable;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A server that ends with the test.
struct MySql {
    port: u16,
    pid: i32,
}

impl MySql {
    fn start(root: &Path, dir: &Path) -> MySql {
        let port = free_port();
        let out = Command::new("tests/servers/mysql.sh")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .arg("start")
            .args([root, &dir.join(format!("mysql-{port}"))])
            .arg(port.to_string())
            .output()
            .unwrap();
        let pid = String::from_utf8(out.stdout).unwrap();
        let pid = pid.trim().parse().unwrap_or_else(|_| {
            panic!(
                "MySQL does not start: {}",
                String::from_utf8_lossy(&out.stderr)
            )
        });
        MySql { port, pid }
    }
}

impl Drop for MySql {
    fn drop(&mut self) {
        // At once: a server that ends slowly while its folder goes runs on for ever.
        let pid = self.pid.to_string();
        let _ = Command::new("kill").args(["-9", &pid]).status();
        let until = Instant::now() + Duration::from_secs(10);
        while Path::new("/proc").join(&pid).exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

const SHARD_PASSWORD: &str = "shard-pw";

#[tokio::test]
async fn mysql_shards_answer_like_one_mysql_server() {
    let root = std::env::var_os("SHARDWRIGHT_MYSQL").map(PathBuf::from);
    let root = root.expect("SHARDWRIGHT_MYSQL names the folder of a MySQL server");
    let dir = crate::folder::Folder::new("mysql");
    let servers: Vec<MySql> = (0..3).map(|_| MySql::start(&root, &dir)).collect();
    for s in &servers {
        let mut c = connect(s.port).await;
        let user = format!("'sw'@'%' IDENTIFIED WITH caching_sha2_password BY '{SHARD_PASSWORD}'");
        c.query_drop(format!("CREATE USER {user}")).await.unwrap();
        c.query_drop("GRANT ALL ON *.* TO 'sw'@'%' WITH GRANT OPTION")
            .await
            .unwrap();
        // Off by default there, and one scenario loads a file.
        c.query_drop("SET GLOBAL local_infile = 1").await.unwrap();
    }
    crate::definitions::check(servers[2].port, "sw", SHARD_PASSWORD).await;
    let shards: Vec<Server> = servers[..2]
        .iter()
        .map(|s| Server {
            port: s.port,
            user: "sw",
            password: SHARD_PASSWORD,
            manages: true,
        })
        .collect();
    let proxy = Configured::start("mysql-proxy", &shards, &users());
    let ours = connect_as(proxy.port, "sha2", PASSWORD).await;
    let theirs = connect(servers[2].port).await;
    let mut pair = Pair::between(ours, theirs, "corpus").await;
    pair.corpus(include_str!("../compare/one_shard.sql")).await;
    let sql = "SELECT @@collation_connection, @@version, @@transaction_isolation";
    pair.read(sql).await;
    pair.check(400);
    let mut shard = connect(servers[0].port).await;
    let own = "SELECT User FROM mysql.user WHERE User LIKE 'shardwright\\_%'";
    let own: Option<String> = shard.query_first(own).await.unwrap();
    assert_eq!(own.as_deref(), Some("shardwright_1"));
    drop(pair);
    for seed in crate::random::seeds().take(4) {
        let ours = connect_as(proxy.port, "sha2", PASSWORD).await;
        crate::random::compare(seed, ours, connect(servers[2].port).await).await;
    }
    for driver in crate::clients::DRIVERS {
        crate::clients::run(driver, proxy.port, "sha2", PASSWORD);
    }
    a_shard_of_another_kind_is_not_used(&servers[2]).await;
}

async fn a_shard_of_another_kind_is_not_used(other: &MySql) {
    let mut shards = crate::configured::servers_of(crate::cluster::plain(), 1);
    shards.push(Server {
        port: other.port,
        user: "sw",
        password: SHARD_PASSWORD,
        manages: true,
    });
    let proxy = Configured::start("mixed-kinds", &shards, &users());
    let mut c = connect_as(proxy.port, "sha2", PASSWORD).await;
    let shown: Vec<mysql_async::Row> = c.query("SHOW SHARDS").await.unwrap();
    let states: Vec<String> = shown.iter().map(|r| r.get("State").unwrap()).collect();
    assert_eq!(states[0], "up");
    let why = "it is a MySQL server, and the other shards are MariaDB";
    assert!(states[1].contains(why), "{states:?}");
}
