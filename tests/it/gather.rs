//! Statements that run on copies of several shards' rows: bounded, interruptible, and nothing stays behind.

use crate::cluster::{Cluster, connect, connect_as, database, error_of, shared};
use crate::configured::{Configured, servers_of, verifiers};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};

/// A table with rows 1 to `n` on both shards.
async fn fill(c: &mut Conn, n: u32) {
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    let rows: Vec<String> = (1..=n).map(|i| format!("({i}, {})", i % 10)).collect();
    c.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", ")))
        .await
        .unwrap();
}

async fn count(c: &mut Conn) -> u32 {
    c.query_first("SELECT COUNT(DISTINCT id) FROM t")
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn copies_are_gone_when_the_statement_is_over() {
    let (mut c, _db) = database().await;
    fill(&mut c, 100).await;
    for round in 1..=10 {
        assert_eq!(count(&mut c).await, 100);
        let set = format!("UPDATE t SET v = {} WHERE id = {round}", 1000 + round);
        c.query_drop(set).await.unwrap();
        // Whichever pooled connection answers, it is the real table.
        for _ in 0..5 {
            let read = format!("SELECT v FROM t WHERE id = {round}");
            let v: Option<u32> = c.query_first(read).await.unwrap();
            assert_eq!(v, Some(1000 + round));
        }
    }
    let top: Vec<u32> = c
        .exec("SELECT v FROM t WHERE v > ? ORDER BY v DESC LIMIT 3", (5,))
        .await
        .unwrap();
    assert_eq!(top, [1010, 1009, 1008]);
}

#[tokio::test]
async fn a_transaction_reads_its_own_changes() {
    let (mut c, _db) = database().await;
    fill(&mut c, 20).await;
    c.query_drop("START TRANSACTION").await.unwrap();
    c.query_drop("DELETE FROM t WHERE id <= 5").await.unwrap();
    assert_eq!(count(&mut c).await, 15);
    c.query_drop("SAVEPOINT a").await.unwrap();
    c.query_drop("DELETE FROM t WHERE id = 6").await.unwrap();
    assert_eq!(count(&mut c).await, 14);
    c.query_drop("ROLLBACK TO a").await.unwrap();
    assert_eq!(count(&mut c).await, 15);
    c.query_drop("ROLLBACK").await.unwrap();
    assert_eq!(count(&mut c).await, 20);
    c.query_drop("START TRANSACTION READ ONLY").await.unwrap();
    assert_eq!(count(&mut c).await, 20);
    c.query_drop("COMMIT").await.unwrap();
}

#[tokio::test]
async fn what_a_statement_may_copy_is_bounded() {
    let cluster = Cluster::start("gather_bound", 2, &[]);
    let servers = servers_of(&cluster, 2);
    let [native, crypt] = verifiers("pw");
    let users = format!(
        "[[users]]\nname = \"app\"\npassword = [\"{native}\", \"{crypt}\"]\n[pool]\ngather_rows_max = 50\n"
    );
    let proxy = Configured::start("gather_bound_proxy", &servers, &users);
    let mut c = connect_as(proxy.port, "app", "pw").await;
    c.query_drop("CREATE DATABASE bound").await.unwrap();
    c.query_drop("USE bound").await.unwrap();
    fill(&mut c, 51).await;
    let (code, text) = error_of(&mut c, "SELECT COUNT(DISTINCT v) FROM t").await;
    assert_eq!(code, 3170, "{text}");
    assert!(
        text.contains("50 rows") && text.contains("gather_rows_max"),
        "{text}"
    );
    c.query_drop("DELETE FROM t WHERE id = 51").await.unwrap();
    let values: Option<u32> = c
        .query_first("SELECT COUNT(DISTINCT v) FROM t")
        .await
        .unwrap();
    assert_eq!(values, Some(10));
    drop(c);
    drop(proxy);
    cluster.stop();
}

#[tokio::test]
async fn kill_ends_a_statement_on_copies() {
    let (mut c, db) = database().await;
    fill(&mut c, 20).await;
    let id: u64 = c
        .query_first("SELECT CONNECTION_ID()")
        .await
        .unwrap()
        .unwrap();
    let started = Instant::now();
    let slow = tokio::spawn(async move {
        let (code, _) = error_of(&mut c, "SELECT SUM(SLEEP(1)) FROM t").await;
        (code, c)
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut other = connect(shared().port).await;
    other.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    let (code, mut c) = slow.await.unwrap();
    assert_eq!(code, 1317);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(count(&mut c).await, 20);
    assert_eq!(
        c.query_first::<String, _>("SELECT DATABASE()")
            .await
            .unwrap(),
        Some(db)
    );
}

#[tokio::test]
async fn many_sessions_gather_at_once() {
    let (mut c, db) = database().await;
    fill(&mut c, 200).await;
    let mut tasks = Vec::new();
    for n in 0..16u32 {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            let mut c = connect(shared().port).await;
            c.query_drop(format!("USE {db}")).await.unwrap();
            for _ in 0..5 {
                let sql = format!("SELECT v, COUNT(*) FROM t WHERE v = {} GROUP BY v", n % 10);
                let rows: Vec<(u32, u32)> = c.query(sql).await.unwrap();
                assert_eq!(rows, [(n % 10, 20)]);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_shard_that_is_gone_gives_an_error_and_no_short_result() {
    let cluster = Cluster::start("gather_gone", 2, &[]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE gone").await.unwrap();
    c.query_drop("USE gone").await.unwrap();
    fill(&mut c, 50).await;
    assert_eq!(count(&mut c).await, 50);
    cluster.kill_shard("s2");
    for _ in 0..5 {
        let read: Result<Option<u32>, _> = c.query_first("SELECT COUNT(*) FROM t").await;
        match read {
            Err(mysql_async::Error::Server(e)) => assert_ne!(e.code, 0, "{e}"),
            other => panic!("{other:?}"),
        }
    }
    drop(c);
    cluster.stop();
}

#[tokio::test]
async fn copies_stay_out_of_a_binary_log_of_statements() {
    let log = ["log-bin=log", "binlog-format=MIXED"];
    let options = log.map(|o| ["--shard-option", o]).concat();
    let cluster = Cluster::start("gather_log", 2, &options);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE logged").await.unwrap();
    c.query_drop("USE logged").await.unwrap();
    fill(&mut c, 20).await;
    let read = "SELECT COUNT(DISTINCT v) FROM t";
    let (code, text) = error_of(&mut c, read).await;
    assert!(code == 1235 && text.contains("binlog_format"), "{text}");
    // A change that rows may forbid is tried on copies elsewhere.
    let change = "ALTER TABLE t MODIFY v BIGINT";
    c.query_drop(change).await.unwrap();
    let mut shard = connect(cluster.shard_port).await;
    let events: Vec<mysql_async::Row> = shard.query("SHOW BINLOG EVENTS").await.unwrap();
    let events: Vec<String> = events.iter().map(|e| e.get("Info").unwrap()).collect();
    assert!(events.iter().any(|e| e.contains(change)), "{events:?}");
    assert!(
        !events.iter().any(|e| e.contains("TEMPORARY TABLE `")),
        "{events:?}"
    );
    drop((c, shard));
    cluster.stop();
}
