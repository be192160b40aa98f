//! Shards that die under load, and clients that fall silent: what was acknowledged is there, nothing is
//! half done, and nobody else notices.
#![allow(clippy::await_holding_lock)] // each test has a thread of its own to wait on

use crate::cluster::{Cluster, STARTING, connect, shared};
use crate::configured::{Configured, servers_of};
use crate::protocol::Raw;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A shard's server that a test kills and starts again.
struct Victim {
    pid: i32,
    command: Vec<String>,
}

impl Victim {
    fn of(cluster: &Cluster, shard: &str) -> Victim {
        let path = cluster.dir.join(format!("shards/{shard}/pid"));
        let pid: i32 = std::fs::read_to_string(path)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        let words = line.split(|b| *b == 0).filter(|w| !w.is_empty());
        let command = words
            .map(|w| String::from_utf8(w.to_vec()).unwrap())
            .collect();
        Victim { pid, command }
    }

    fn kill(&self) {
        let done = Command::new("kill")
            .args(["-9", &self.pid.to_string()])
            .status()
            .unwrap();
        assert!(done.success());
        // Until its files are free: gone, or only waiting to be reaped.
        let until = Instant::now() + Duration::from_secs(20);
        let stat =
            || std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        while !matches!(
            stat().rsplit(") ").next().and_then(|s| s.chars().next()),
            None | Some('Z')
        ) {
            assert!(Instant::now() < until, "the shard does not die");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn spawn(&self) -> std::process::Child {
        Command::new(&self.command[0])
            .args(&self.command[1..])
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts it again and waits until the proxy reaches it. The quickstart ends it.
    #[allow(clippy::zombie_processes)]
    async fn start(&self, c: &mut Conn, table: &str) {
        let mut child = self.spawn();
        let until = Instant::now() + Duration::from_secs(40);
        while c
            .query_drop(format!("SELECT * FROM {table}"))
            .await
            .is_err()
        {
            if child.try_wait().unwrap().is_some() {
                child = self.spawn();
            }
            assert!(Instant::now() < until, "the shard does not come back");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

const TABLE: &str = "CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)";

/// A key on each shard, by asking.
async fn keys(c: &mut Conn) -> [u32; 2] {
    let mut out = [0, 0];
    for id in 1..100 {
        let sql = format!("EXPLAIN SHARD SELECT * FROM t WHERE id = {id}");
        let lines: Vec<(String, String)> = c.query(sql).await.unwrap();
        let shard = lines.iter().find(|(k, _)| k == "shards").unwrap();
        out[if shard.1 == "s1" { 0 } else { 1 }] = id;
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_dies_in_the_middle_of_things() {
    let cluster = Cluster::start("dies", 2, &[]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE f").await.unwrap();
    c.query_drop("USE f").await.unwrap();
    c.query_drop(TABLE).await.unwrap();
    let [one, two] = keys(&mut c).await;
    let sql = format!("INSERT INTO t VALUES ({one}, 0), ({two}, 0)");
    c.query_drop(sql).await.unwrap();

    // In the middle of a result: an error, never an end that looks like a whole answer.
    let mut reader = connect(cluster.port).await;
    reader.query_drop("USE f").await.unwrap();
    let victim = Victim::of(&cluster, "s1");
    // Gigabytes from the database's own shard, which is the first.
    let sql = "CREATE TABLE big (id INT PRIMARY KEY, v LONGTEXT)";
    reader.query_drop(sql).await.unwrap();
    for id in 0..40 {
        let sql = format!("INSERT INTO big VALUES ({id}, REPEAT('x', 100000))");
        reader.query_drop(sql).await.unwrap();
    }
    let sql = "SELECT a.v FROM big a, big b, big c";
    let mut rows = reader.query_iter(sql).await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    // And in the middle of a transaction over both shards.
    let mut writer = connect(cluster.port).await;
    writer.query_drop("USE f").await.unwrap();
    writer.query_drop("BEGIN").await.unwrap();
    writer
        .query_drop(format!("UPDATE t SET v = 1 WHERE id IN ({one}, {two})"))
        .await
        .unwrap();
    let keeps_its_port = STARTING.lock().unwrap_or_else(|e| e.into_inner());
    victim.kill();
    let mut end = Ok(());
    while end.is_ok() {
        match rows.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the result of a dead shard ended as if it was whole"),
            Err(e) => end = Err(e),
        }
    }
    let committed = writer.query_drop("COMMIT").await;
    assert!(committed.is_err(), "a commit without one of its branches");
    drop(rows);
    drop((reader, writer));
    // The other shard serves meanwhile, and errors come quickly.
    let v: Option<u32> = c
        .query_first(format!("SELECT v FROM t WHERE id = {two}"))
        .await
        .unwrap();
    assert_eq!(v, Some(0), "half of a transaction stayed");
    let started = Instant::now();
    assert!(
        c.query_drop(format!("SELECT v FROM t WHERE id = {one}"))
            .await
            .is_err()
    );
    assert!(started.elapsed() < Duration::from_secs(12));
    victim.start(&mut c, "t").await;
    drop(keeps_its_port);
    let v: Vec<u32> = c.query("SELECT v FROM t").await.unwrap();
    assert_eq!(v, [0, 0]);
    drop(c);
    cluster.stop();
}

/// Inserts until told to stop; remembers what was acknowledged.
async fn insert(port: u16, from: u32, stop: Arc<AtomicBool>, done: Arc<Mutex<Vec<u32>>>) {
    let mut c = connect(port).await;
    c.query_drop("USE f").await.unwrap();
    for id in from.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        match c.exec_drop("INSERT INTO t VALUES (?, ?)", (id, id)).await {
            Ok(()) => done.lock().unwrap().push(id),
            Err(mysql_async::Error::Server(_)) => {}
            Err(e) => panic!("the session itself broke: {e}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_the_death_of_a_shard() {
    let cluster = Cluster::start("acked", 2, &[]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE f").await.unwrap();
    c.query_drop("USE f").await.unwrap();
    c.query_drop(TABLE).await.unwrap();
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            tokio::spawn(insert(
                cluster.port,
                n * 1_000_000,
                stop.clone(),
                done.clone(),
            ))
        })
        .collect();
    for shard in ["s1", "s2"] {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let victim = Victim::of(&cluster, shard);
        let keeps_its_port = STARTING.lock().unwrap_or_else(|e| e.into_inner());
        victim.kill();
        tokio::time::sleep(Duration::from_millis(300)).await;
        victim.start(&mut c, "t").await;
        drop(keeps_its_port);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    for t in tasks {
        t.await.unwrap();
    }
    let there: std::collections::HashSet<u32> = c
        .query("SELECT id FROM t")
        .await
        .unwrap()
        .into_iter()
        .collect();
    let acknowledged = done.lock().unwrap().clone();
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !there.contains(id))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {} lost",
        lost.len(),
        acknowledged.len()
    );
    drop(c);
    cluster.stop();
}

#[test]
fn a_client_that_says_nothing_is_shown_out() {
    let own = Configured::start("silent", &servers_of(shared(), 1), &crate::logins::users());
    let started = Instant::now();
    let mut raw = Raw::connect(own.port);
    assert!(raw.read().is_some(), "the greeting");
    // Either an error packet or the end; what counts is that it comes.
    while raw.read().is_some() {}
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
}
