//! Streams of several shards that are merged: interruptible, never short, and nothing stays behind.

use crate::cluster::{Cluster, connect, database, error_of, shared};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};

/// A table with rows 1 to `n` on both shards.
async fn fill(c: &mut Conn, n: u32) {
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT, s VARCHAR(300)) SHARD BY HASH (id)")
        .await
        .unwrap();
    for from in (1..=n).step_by(1000) {
        let ids = from..(from + 1000).min(n + 1);
        let rows: Vec<String> = ids
            .map(|i| format!("({i}, {}, REPEAT('x', 200))", i * 7919 % 10_007))
            .collect();
        c.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", ")))
            .await
            .unwrap();
    }
}

async fn plan_of(c: &mut Conn, sql: &str) -> String {
    let lines: Vec<(String, String)> = c.query(format!("EXPLAIN SHARD {sql}")).await.unwrap();
    lines[0].1.clone()
}

#[tokio::test]
async fn kill_ends_a_merge_and_its_transaction_goes_on() {
    let (mut c, _db) = database().await;
    fill(&mut c, 20).await;
    let id: u64 = c
        .query_first("SELECT CONNECTION_ID()")
        .await
        .unwrap()
        .unwrap();
    c.query_drop("BEGIN").await.unwrap();
    c.query_drop("UPDATE t SET v = 5 WHERE id IN (1, 2, 3, 4)")
        .await
        .unwrap();
    let slow = "SELECT id, SLEEP(1) FROM t ORDER BY v, id";
    assert_eq!(plan_of(&mut c, slow).await, "merge");
    let task = tokio::spawn(async move {
        let (code, _) = error_of(&mut c, slow).await;
        (code, c, Instant::now())
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let killed = Instant::now();
    let mut other = connect(shared().port).await;
    other.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    let (code, mut c, ended) = task.await.unwrap();
    assert_eq!(code, 1317);
    assert!(ended - killed < Duration::from_secs(3));
    let fives: Option<u32> = c
        .query_first("SELECT COUNT(*) FROM t WHERE v = 5")
        .await
        .unwrap();
    assert_eq!(fives, Some(4));
    c.query_drop("ROLLBACK").await.unwrap();
    let fives: Option<u32> = c
        .query_first("SELECT COUNT(*) FROM t WHERE v = 5")
        .await
        .unwrap();
    assert_eq!(fives, Some(0));
}

#[tokio::test]
async fn rows_that_nobody_wants_do_not_stay_on_connections() {
    let (mut c, db) = database().await;
    fill(&mut c, 20_000).await;
    let all: Vec<(u32, u32)> = c.query("SELECT v, id FROM t ORDER BY v, id").await.unwrap();
    assert_eq!(all.len(), 20_000);
    assert!(all.is_sorted());
    let grouped: Vec<(u32, u32)> = c
        .query("SELECT v, COUNT(*) FROM t GROUP BY v ORDER BY v")
        .await
        .unwrap();
    assert_eq!(grouped.iter().map(|g| g.1).sum::<u32>(), 20_000);
    let mut tasks = Vec::new();
    for n in 0..8usize {
        let (db, all) = (db.clone(), all.clone());
        tasks.push(tokio::spawn(async move {
            let mut c = connect(shared().port).await;
            c.query_drop(format!("USE {db}")).await.unwrap();
            for round in 0..10 {
                let offset = n * 1000 + round * 100;
                let sql = format!("SELECT v, id FROM t ORDER BY v, id LIMIT {offset}, 3");
                let rows: Vec<(u32, u32)> = c.query(sql).await.unwrap();
                assert_eq!(rows, all[offset..offset + 3]);
                let sql = "SELECT v, id FROM t ORDER BY v, id LIMIT ? OFFSET ?";
                let rows: Vec<(u32, u32)> = c.exec(sql, (3, offset)).await.unwrap();
                assert_eq!(rows, all[offset..offset + 3]);
                let some: Vec<(u32, String)> =
                    c.query("SELECT id, s FROM t LIMIT 5").await.unwrap();
                assert_eq!(some.len(), 5);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_shard_that_dies_in_the_middle_gives_an_error_and_no_short_result() {
    let cluster = Cluster::start("merge_gone", 2, &[]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE gone").await.unwrap();
    c.query_drop("USE gone").await.unwrap();
    fill(&mut c, 50).await;
    let slow = "SELECT id, SLEEP(0.2) FROM t ORDER BY id";
    assert_eq!(plan_of(&mut c, slow).await, "merge");
    let task = tokio::spawn(async move {
        let read: Result<Vec<(u32, u32)>, _> = c.query(slow).await;
        (read, c)
    });
    tokio::time::sleep(Duration::from_millis(1500)).await;
    cluster.kill_shard("s2");
    let (read, mut c) = task.await.unwrap();
    match read {
        Err(mysql_async::Error::Server(e)) => assert_ne!(e.code, 0, "{e}"),
        other => panic!("{other:?}"),
    }
    let count: Result<Option<u32>, _> = c.query_first("SELECT COUNT(*) FROM t").await;
    assert!(count.is_err());
    drop(c);
    cluster.stop();
}

/// An id of a row on this shard.
async fn id_on(c: &mut Conn, shard: &str) -> u32 {
    for id in 1..=50 {
        let sql = format!("EXPLAIN SHARD SELECT v FROM t WHERE id = {id}");
        let lines: Vec<(String, String)> = c.query(sql).await.unwrap();
        if lines.iter().any(|(k, v)| k == "shards" && v == shard) {
            return id;
        }
    }
    panic!("no row on {shard}")
}

#[tokio::test]
async fn two_merges_that_lock_each_others_rows_do_not_wait_for_ever() {
    let (mut a, db) = database().await;
    fill(&mut a, 50).await;
    let mut b = connect(shared().port).await;
    b.query_drop(format!("USE {db}")).await.unwrap();
    let (first, second) = (id_on(&mut a, "s1").await, id_on(&mut a, "s2").await);
    for (c, id) in [(&mut a, first), (&mut b, second)] {
        c.query_drop("BEGIN").await.unwrap();
        let lock = format!("UPDATE t SET v = -1 WHERE id = {id}");
        c.query_drop(lock).await.unwrap();
    }
    let locking = "SELECT id FROM t ORDER BY v, id FOR UPDATE";
    assert_eq!(plan_of(&mut a, locking).await, "merge");
    let started = Instant::now();
    let run = |mut c: Conn| async move {
        let read: Result<Vec<u32>, _> = c.query(locking).await;
        let end = if read.is_ok() { "COMMIT" } else { "ROLLBACK" };
        c.query_drop(end).await.unwrap();
        read
    };
    let (x, y) = tokio::join!(run(a), run(b));
    assert!(started.elapsed() < Duration::from_secs(10));
    let code = |r: &Result<Vec<u32>, mysql_async::Error>| match r {
        Ok(rows) => {
            assert_eq!(rows.len(), 50);
            0
        }
        Err(mysql_async::Error::Server(e)) => e.code,
        Err(e) => panic!("{e}"),
    };
    let codes = [code(&x), code(&y)];
    assert!(codes.contains(&1213), "{codes:?}");
    assert!(codes.iter().all(|c| [0, 1213].contains(c)), "{codes:?}");
}
