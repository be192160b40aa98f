//! Which statements are pipelined, whatever else happens on the pool: counted, not timed.

use crate::cluster::{Cluster, connect};
use mysql_async::prelude::Queryable;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Clients that start at once; the pool has fewer connections.
const CLIENTS: u32 = 200;

/// A counter of /metrics.
pub async fn counter(admin: u16, name: &str) -> u64 {
    let mut http = tokio::net::TcpStream::connect(("127.0.0.1", admin))
        .await
        .unwrap();
    let ask = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    http.write_all(ask).await.unwrap();
    let mut text = String::new();
    http.read_to_string(&mut text).await.unwrap();
    let line = text.lines().find(|l| l.starts_with(&format!("{name} ")));
    let value = line.and_then(|l| l.rsplit(' ').next());
    value
        .unwrap_or_else(|| panic!("no {name}"))
        .parse()
        .unwrap()
}

async fn statements(admin: u16, path: &str) -> u64 {
    let name = format!("shardwright_statements_total{{path=\"{path}\"}}");
    counter(admin, &name).await
}

/// Pipelined and other statements so far.
async fn counts(cluster: &Cluster) -> (u64, u64) {
    (
        statements(cluster.admin, "pipelined").await,
        statements(cluster.admin, "exclusive").await,
    )
}

/// Clients that read until they are told to stop.
struct Readers {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Readers {
    /// All of them connect, and only then read: `sql` with a key behind it.
    async fn start(port: u16, sql: &'static str) -> Readers {
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(AtomicU64::new(0));
        let all_here = Arc::new(tokio::sync::Barrier::new(CLIENTS as usize));
        let tasks = (0..CLIENTS).map(|n| {
            let (stop, answers, all_here) = (stop.clone(), answers.clone(), all_here.clone());
            tokio::spawn(async move {
                let mut c = connect(port).await;
                c.query_drop("USE p").await.unwrap();
                all_here.wait().await;
                let mut key = n;
                while !stop.load(Ordering::Relaxed) {
                    key = key % 100 + 1;
                    let found: Vec<u32> = c.query(format!("{sql}{key}")).await.unwrap();
                    assert_eq!(found, [key]);
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        let tasks = tasks.collect();
        Readers {
            stop,
            answers,
            tasks,
        }
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for t in self.tasks {
            t.await.unwrap();
        }
    }
}

/// Clients rush in; one second later, what part of the statements is pipelined.
async fn pipelined_after_a_second(cluster: &Cluster, sql: &'static str) -> f64 {
    let readers = Readers::start(cluster.port, sql).await;
    while readers.answers.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = counts(cluster).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = counts(cluster).await;
    readers.end().await;
    let (pipelined, others) = (after.0 - before.0, after.1 - before.1);
    assert!(pipelined + others > 100, "{pipelined} + {others}");
    pipelined as f64 / (pipelined + others) as f64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fast_reads_are_pipelined() {
    // 64 connections to each shard, as anybody has who did not change it.
    let cluster = Cluster::start("rush", 2, &[]);
    let mut c = connect(cluster.port).await;
    for sql in [
        "CREATE DATABASE p",
        "USE p",
        "CREATE TABLE h (id INT AUTO_INCREMENT PRIMARY KEY) SHARD BY HASH (id)",
        "CREATE TABLE s (id INT PRIMARY KEY)",
    ] {
        c.query_drop(sql).await.unwrap();
    }
    let rows: Vec<_> = (1..=100).map(|id| format!("({id})")).collect();
    for table in ["h", "s"] {
        let sql = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
        c.query_drop(sql).await.unwrap();
    }
    drop(c);
    a_rush_of_clients(&cluster).await;
    sessions_of_many_databases(&cluster).await;
    settings_that_matter(&cluster).await;
    a_locked_table(&cluster).await;
    cluster.stop();
}

/// Clients that all start at once leave no pipeline without a connection.
async fn a_rush_of_clients(cluster: &Cluster) {
    for sql in [
        "SELECT id FROM h WHERE id = ",
        "SELECT id FROM s WHERE id = ",
    ] {
        let part = pipelined_after_a_second(cluster, sql).await;
        assert!(part >= 0.95, "{sql}: {part:.3} pipelined");
    }
}

/// More session profiles than a pool has room for: the one that was not used for longest gives way.
async fn sessions_of_many_databases(cluster: &Cluster) {
    let mut c = connect(cluster.port).await;
    for n in 0..40 {
        c.query_drop(format!("CREATE DATABASE m{n}")).await.unwrap();
        c.query_drop(format!("USE m{n}")).await.unwrap();
        let sql = "CREATE TABLE h (id INT AUTO_INCREMENT PRIMARY KEY) SHARD BY HASH (id)";
        c.query_drop(sql).await.unwrap();
        c.query_drop("INSERT INTO h VALUES (7)").await.unwrap();
    }
    let before = counts(cluster).await;
    for n in (0..40).chain(0..40) {
        c.query_drop(format!("USE m{n}")).await.unwrap();
        let found: Vec<u32> = c.query("SELECT id FROM h WHERE id = 7").await.unwrap();
        assert_eq!(found, [7]);
    }
    let after = counts(cluster).await;
    assert_eq!(after.0 - before.0, 80, "pipelined of 80");
    assert_eq!(after.1, before.1);
}

/// A session with its own settings may share a pipeline, but never sees another's settings.
async fn settings_that_matter(cluster: &Cluster) {
    for (name, value) in [
        ("foreign_key_checks", "0"),
        ("sql_mode", "ANSI_QUOTES"),
        ("time_zone", "+03:00"),
    ] {
        let mut c = connect(cluster.port).await;
        c.query_drop("USE p").await.unwrap();
        let sql = format!("SET SESSION {name} = '{value}'");
        let set = if value == "0" {
            sql.replace('\'', "")
        } else {
            sql
        };
        c.query_drop(set).await.unwrap();
        let (read, seen) = (
            "SELECT id FROM h WHERE id = 7",
            format!("SELECT @@{name} FROM h WHERE id = 7"),
        );
        for _ in 0..10 {
            let id: Option<u32> = c.query_first(read).await.unwrap();
            let setting: Option<String> = c.query_first(seen.as_str()).await.unwrap();
            assert_eq!((id, setting.as_deref()), (Some(7), Some(value)), "{name}");
        }
    }
    let mut c = connect(cluster.port).await;
    c.query_drop("USE p").await.unwrap();
    for _ in 0..10 {
        let sql =
            "SELECT @@foreign_key_checks, @@sql_mode LIKE '%ANSI_QUOTES%' FROM h WHERE id = 7";
        let seen: Option<(u8, u8)> = c.query_first(sql).await.unwrap();
        assert_eq!(seen, Some((1, 0)));
    }
}

/// A read that waits for a locked table does not hold up those behind it for long.
async fn a_locked_table(cluster: &Cluster) {
    let mut c = connect(cluster.port).await;
    c.query_drop("USE p").await.unwrap();
    c.query_drop("CREATE TABLE locked (id INT PRIMARY KEY)")
        .await
        .unwrap();
    // One worker after the other: which of them serves a client is chance.
    let mut readers = Vec::new();
    for _ in 0..8 {
        let mut r = connect(cluster.port).await;
        r.query_drop("USE p").await.unwrap();
        for sql in [
            "SELECT id FROM locked WHERE id = 1",
            "SELECT id FROM s WHERE id = 1",
        ] {
            for _ in 0..4 {
                r.query_drop(sql).await.unwrap();
            }
        }
        readers.push(r);
    }
    c.query_drop("LOCK TABLES locked WRITE").await.unwrap();
    let others = readers.split_off(4);
    let stuck: Vec<_> = readers
        .into_iter()
        .map(|mut r| {
            tokio::spawn(async move { r.query_drop("SELECT id FROM locked WHERE id = 1").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for mut r in others {
        for _ in 0..50 {
            let read = r.query_first::<u32, _>("SELECT id FROM s WHERE id = 1");
            let read = tokio::time::timeout(Duration::from_secs(20), read).await;
            assert_eq!(read.expect("held up by a locked table").unwrap(), Some(1));
        }
    }
    assert!(stuck.iter().all(|t| !t.is_finished()));
    c.query_drop("UNLOCK TABLES").await.unwrap();
    for t in stuck {
        t.await.unwrap().unwrap();
    }
}
