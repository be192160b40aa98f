//! Changes of structure wait for statements that were planned before them, at every proxy, and for no others.

use crate::cluster::{Cluster, connect, connect_as, error_of};
use crate::peers::{Many, signal};
use crate::protocol::Raw;
use crate::shardctl::fine;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};

/// Tables a, b and c with one row each.
async fn tables(port: u16) -> Conn {
    let mut c = connect(port).await;
    c.query_drop("CREATE DATABASE d").await.unwrap();
    c.query_drop("USE d").await.unwrap();
    for sql in [
        "CREATE TABLE a (id INT PRIMARY KEY) SHARD BY HASH (id)",
        "CREATE TABLE b (id INT PRIMARY KEY) SHARD BY HASH (id)",
        "CREATE TABLE c (id INT PRIMARY KEY)",
    ] {
        c.query_drop(sql).await.unwrap();
    }
    for table in ["a", "b", "c"] {
        c.query_drop(format!("INSERT INTO {table} VALUES (1)"))
            .await
            .unwrap();
    }
    c
}

/// A statement on a table that takes a while, once it runs.
async fn long_read(mut c: Conn, table: &str, seconds: u32) -> tokio::task::JoinHandle<Conn> {
    let sql = format!("SELECT id, SLEEP({seconds}) FROM d.{table} WHERE id = 1");
    let running = tokio::spawn(async move {
        c.query_drop(sql).await.unwrap();
        c
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    running
}

async fn jobs(c: &mut Conn) -> usize {
    let rows: Vec<mysql_async::Row> = c.query("SHOW DDL JOBS").await.unwrap();
    rows.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_waits_for_statements_on_its_table_and_for_no_others() {
    let cluster = Cluster::start("epochs", 2, &[]);
    let mut c = tables(cluster.port).await;
    let reader = connect(cluster.port).await;
    let id = reader.id();
    let running = long_read(reader, "a", 5).await;
    // Others go on, and so do statements on the table.
    let start = Instant::now();
    c.query_drop("ALTER TABLE b ADD COLUMN v INT")
        .await
        .unwrap();
    c.query_drop("ALTER TABLE c ADD COLUMN v INT")
        .await
        .unwrap();
    c.query_drop("CREATE TABLE e (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO a VALUES (2), (3)").await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(3));
    c.query_drop("SET lock_wait_timeout = 1").await.unwrap();
    let (code, text) = error_of(&mut c, "ALTER TABLE a ADD COLUMN v INT").await;
    assert_eq!(code, 1205, "{text}");
    let named = text.contains(&format!("session {id} ")) && text.contains("d.a");
    assert!(named && text.contains("nothing was changed"), "{text}");
    assert_eq!(jobs(&mut c).await, 0);
    let (code, text) = error_of(&mut c, "DROP DATABASE d").await;
    assert!(
        code == 1205 && text.contains("has used d for"),
        "{code}: {text}"
    );
    c.query_drop("SET lock_wait_timeout = 60").await.unwrap();
    let start = Instant::now();
    c.query_drop("ALTER TABLE a ADD COLUMN v INT")
        .await
        .unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
    let mut reader = running.await.unwrap();
    let row: Option<(i32, Option<i32>)> = reader
        .query_first("SELECT * FROM d.a WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(row, Some((1, None)));
    drop((c, reader));
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_waits_can_be_killed_and_leaves_nothing() {
    let cluster = Cluster::start("epochs-kill", 1, &[]);
    let mut c = tables(cluster.port).await;
    let running = long_read(connect(cluster.port).await, "a", 6).await;
    for query in [true, false] {
        let mut changing = connect(cluster.port).await;
        let kill = format!(
            "KILL {}{}",
            if query { "QUERY " } else { "" },
            changing.id()
        );
        let start = Instant::now();
        let change = async {
            changing
                .query_drop("ALTER TABLE d.a ADD COLUMN v INT")
                .await
        };
        let (changed, ()) = tokio::join!(change, async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(jobs(&mut c).await, 1);
            c.query_drop(kill).await.unwrap();
        });
        assert!(changed.is_err() && start.elapsed() < Duration::from_secs(3));
        let until = Instant::now() + Duration::from_secs(3);
        while jobs(&mut c).await > 0 {
            assert!(Instant::now() < until, "its job stays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    running.await.unwrap();
    c.query_drop("ALTER TABLE d.a ADD COLUMN v INT")
        .await
        .unwrap();
    drop(c);
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_other_proxies_are_waited_for_and_named() {
    let many = Many::start("epochs-two");
    let second = many.add("second", "");
    let mut c = tables(many.first.port).await;
    let reader = connect_as(second.port, "app", "pw").await;
    let id = reader.id();
    let running = long_read(reader, "a", 4).await;
    c.query_drop("SET lock_wait_timeout = 1").await.unwrap();
    let (code, text) = error_of(&mut c, "ALTER TABLE a ADD COLUMN v INT").await;
    let named = format!("session {id} of proxy second has used d.a");
    assert!(code == 1205 && text.contains(&named), "{code}: {text}");
    c.query_drop("ALTER TABLE b ADD COLUMN v INT")
        .await
        .unwrap();
    // As the text says.
    c.query_drop(format!("KILL {id}")).await.unwrap();
    c.query_drop("ALTER TABLE a ADD COLUMN v INT")
        .await
        .unwrap();
    assert!(running.await.is_err());
    drop((c, second));
    many.first.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_cursor_is_waited_for_until_it_is_closed() {
    let cluster = Cluster::start("epochs-cursor", 1, &[]);
    let mut c = tables(cluster.port).await;
    let port = cluster.port;
    let mut raw = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::log_in_at(port);
        raw.send(0, b"\x16SELECT id FROM d.a WHERE id = 1");
        let head = raw.read().unwrap();
        assert_eq!(head[0], 0, "{head:?}");
        // The column and the EOF packet behind it.
        let _ = [(); 2].map(|()| raw.read().unwrap());
        // With a cursor.
        raw.send(0, &[0x17, 1, 0, 0, 0, 1, 1, 0, 0, 0]);
        let answers = [(); 3].map(|()| raw.read().unwrap());
        assert_eq!(answers[2][0], 0xfe, "{answers:?}");
        raw
    })
    .await
    .unwrap();
    c.query_drop("SET lock_wait_timeout = 1").await.unwrap();
    assert_eq!(
        error_of(&mut c, "ALTER TABLE a ADD COLUMN v INT").await.0,
        1205
    );
    c.query_drop("ALTER TABLE b ADD COLUMN v INT")
        .await
        .unwrap();
    raw.send(0, &[0x19, 1, 0, 0, 0]);
    c.query_drop("ALTER TABLE a ADD COLUMN v INT")
        .await
        .unwrap();
    drop((c, raw));
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_proxy_is_waited_for_until_it_is_fenced() {
    let many = Many::start("epochs-fence");
    let second = many.add("second", "[peers]\nfollow_timeout_ms = 60000\n");
    let third = many.add("third", "");
    drop(tables(many.first.port).await);
    let settings = ["settings", "set", "fence_after_ms", "5000"];
    fine(&many.first, &settings);
    let mut c = connect_as(second.port, "app", "pw").await;
    signal("-STOP", third.pid());
    let start = Instant::now();
    c.query_drop("ALTER TABLE d.a ADD COLUMN v INT")
        .await
        .unwrap();
    let took = start.elapsed();
    assert!(
        took > Duration::from_secs(2) && took < Duration::from_secs(25),
        "{took:?}"
    );
    // It wakes up, registers anew and knows the change before it does anything.
    signal("-CONT", third.pid());
    let mut d = connect_as(third.port, "app", "pw").await;
    let row: Option<(i32, Option<i32>)> = d.query_first("SELECT * FROM d.a").await.unwrap();
    assert_eq!(row, Some((1, None)));
    drop((c, d, second, third));
    many.first.stop();
}
