//! A cluster with metadata nodes of its own: they are killed under load, all at once, and nobody notices.
#![allow(clippy::await_holding_lock)] // each test has a thread of its own to wait on

use crate::cluster::{Cluster, STARTING, connect, error_of};
use crate::folder::Folder;
use mysql_async::prelude::Queryable;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn pid(cluster: &Cluster, node: u16) -> i32 {
    let path = cluster.dir.join(format!("meta/n{node}/pid"));
    std::fs::read_to_string(path)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn signal(name: &str, pid: i32) {
    let done = std::process::Command::new("kill")
        .args([name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(done.success());
}

/// Point statements on two connections until `stop`; every error fails the test.
async fn load(port: u16, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let mut c = connect(port).await;
    c.query_drop("USE k").await.unwrap();
    while !stop.load(Ordering::Relaxed) {
        let id = done.fetch_add(1, Ordering::Relaxed);
        c.exec_drop("INSERT INTO t (id, v) VALUES (?, ?)", (id, id))
            .await
            .unwrap();
        let v: Option<u64> = c
            .exec_first("SELECT v FROM t WHERE id = ?", (id,))
            .await
            .unwrap();
        assert_eq!(v, Some(id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_killed_and_stopped_in_turn_without_a_client_error() {
    let cluster = Cluster::start("meta3", 2, &["--meta", "3"]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE k").await.unwrap();
    c.query_drop("USE k").await.unwrap();
    c.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT) SHARD BY HASH (id)")
        .await
        .unwrap();
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(1)),
    );
    let tasks: Vec<_> = (0..2)
        .map(|_| tokio::spawn(load(cluster.port, stop.clone(), done.clone())))
        .collect();
    let keep_their_ports = STARTING.lock().unwrap_or_else(|e| e.into_inner());
    for (round, node) in [1, 2, 3, 1].into_iter().enumerate() {
        let killed = pid(&cluster, node);
        if round == 2 {
            // It neither answers nor goes away, for longer than an election takes.
            signal("-STOP", killed);
        } else {
            signal("-KILL", killed);
        }
        c.query_drop(format!(
            "CREATE TABLE r{round} (id INT PRIMARY KEY) SHARD BY HASH (id)"
        ))
        .await
        .unwrap();
        if round == 2 {
            signal("-CONT", killed);
        }
        let until = Instant::now() + Duration::from_secs(10);
        while round != 2 && pid(&cluster, node) == killed {
            assert!(Instant::now() < until, "node {node} is not started again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    drop(keep_their_ports);
    // All at once: statements go on, a change of structure waits and then works or says why not.
    let before = done.load(Ordering::Relaxed);
    let pids = [1, 2, 3].map(|n| pid(&cluster, n));
    pids.iter().for_each(|p| signal("-STOP", *p));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let after = done.load(Ordering::Relaxed);
    assert!(
        after > before + 50,
        "{before} statements before, {after} after"
    );
    pids.iter().for_each(|p| signal("-CONT", *p));
    c.query_drop("CREATE TABLE last (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    stop.store(true, Ordering::Relaxed);
    for t in tasks {
        t.await.unwrap();
    }
    let tables: Vec<String> = c.query("SHOW TABLES").await.unwrap();
    assert_eq!(tables, ["last", "r0", "r1", "r2", "r3", "t"]);
    drop(c);
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_through_one_proxy_is_known_to_the_others_before_it_is_answered() {
    let cluster = Cluster::start("two", 2, &["--meta", "1"]);
    let node = std::fs::read_to_string(cluster.dir.join("meta/n1/port")).unwrap();
    let own = Folder::new("second");
    let more = format!(
        "endpoints = [\"127.0.0.1:{}\"]\ntoken_file = \"{}\"\ndir = \"{}\"\nname = \"second\"\n",
        node.trim(),
        cluster.dir.join("token").display(),
        own.display()
    );
    let servers = crate::configured::servers_of(&cluster, 2);
    let [native, _] = crate::configured::verifiers("pw");
    let users = format!("[[users]]\nname = \"app\"\npassword = [\"{native}\"]\n");
    let second = crate::configured::Configured::start_with("second", &servers, &users, &more);
    let mut c = connect(cluster.port).await;
    let mut d = crate::cluster::connect_as(second.port, "app", "pw").await;
    c.query_drop("CREATE DATABASE two").await.unwrap();
    for n in 0..10 {
        let (one, other) = if n % 2 == 0 {
            (&mut c, &mut d)
        } else {
            (&mut d, &mut c)
        };
        let sql = format!("CREATE TABLE two.t{n} (id INT PRIMARY KEY) SHARD BY HASH (id)");
        one.query_drop(sql).await.unwrap();
        other
            .query_drop(format!("INSERT INTO two.t{n} VALUES (1), (2), (3)"))
            .await
            .unwrap();
        let rows: Vec<u32> = one.query(format!("SELECT id FROM two.t{n}")).await.unwrap();
        assert_eq!(rows.len(), 3);
    }
    // A proxy that hears nothing: nothing is changed behind its back.
    signal("-STOP", second.pid());
    let (code, text) = error_of(&mut c, "ALTER TABLE two.t0 ADD COLUMN v INT").await;
    assert!(code == 1105 && text.contains("second"), "{code}: {text}");
    signal("-CONT", second.pid());
    c.query_drop("ALTER TABLE two.t0 ADD COLUMN v INT")
        .await
        .unwrap();
    d.query_drop("INSERT INTO two.t0 VALUES (9, 9)")
        .await
        .unwrap();
    drop((c, d));
    drop(second);
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_starts_without_the_service_from_its_last_catalog() {
    let cluster = Cluster::start("cached", 1, &["--meta", "1"]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE k").await.unwrap();
    c.query_drop("CREATE TABLE k.t (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO k.t VALUES (1)").await.unwrap();
    let token = cluster.dir.join("token");
    let own = Folder::new("second");
    // The first proxy has written its cache; a second one that gets a copy starts without any node.
    std::fs::copy(
        cluster.dir.join("meta/catalog.cache"),
        own.join("catalog.cache"),
    )
    .unwrap();
    let more = format!(
        "endpoints = [\"127.0.0.1:9\"]\ntoken_file = \"{}\"\ndir = \"{}\"\n",
        token.display(),
        own.display()
    );
    let servers = crate::configured::servers_of(&cluster, 1);
    let [native, _] = crate::configured::verifiers("pw");
    let users = format!("[[users]]\nname = \"app\"\npassword = [\"{native}\"]\n");
    let second = crate::configured::Configured::start_with("second", &servers, &users, &more);
    let mut d = crate::cluster::connect_as(second.port, "app", "pw").await;
    let id: Option<u32> = d
        .query_first("SELECT id FROM k.t WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(id, Some(1));
    d.query_drop("INSERT INTO k.t VALUES (2)").await.unwrap();
    let (code, text) = error_of(&mut d, "CREATE TABLE k.u (id INT PRIMARY KEY)").await;
    assert_eq!(code, 1105, "{text}");
    assert!(
        text.contains("metadata service") && text.contains("127.0.0.1:9"),
        "{text}"
    );
    drop((c, d));
    cluster.stop();
}

/// A metadata node that is killed when dropped.
struct Node(std::process::Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_service_is_founded_from_outside() {
    let dir = Folder::new("found");
    let token = dir.join("token");
    std::fs::write(&token, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let start = |id: u16| {
        let at = format!("127.0.0.1:{}", crate::cluster::free_port());
        let child = Command::new(crate::binaries::SHARDWRIGHT)
            .args(["meta", "--id", &id.to_string(), "--listen", &at, "--dir"])
            .arg(dir.join(id.to_string()))
            .arg("--token-file")
            .arg(&token)
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(&at).is_err() {
            assert!(Instant::now() < until, "node {id} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        (Node(child), at)
    };
    let shardctl = |args: &[&str]| {
        let out = Command::new(crate::binaries::shardctl())
            .arg("--token-file")
            .arg(&token)
            .args(args)
            .output()
            .unwrap();
        let text = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8(text).unwrap())
    };
    let (_one, at) = start(1);
    let (code, text) = shardctl(&["cluster", "init", &at]);
    assert!(code == Some(0) && text.contains("leader 1"), "{text}");
    let (code, text) = shardctl(&["cluster", "init", &at]);
    assert!(
        code == Some(1) && text.contains("belongs to a service already"),
        "{text}"
    );
    let (code, text) = shardctl(&["cluster", "init", "192.0.2.1:7001"]);
    assert!(code == Some(1) && text.contains("--tls-ca"), "{text}");
    std::fs::write(&token, "another0another0another0another0").unwrap();
    let (code, text) = shardctl(&["cluster", "init", &at]);
    assert!(code == Some(1) && text.contains("token"), "{text}");
}
