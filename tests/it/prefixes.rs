//! What goes ahead of a statement on its connection (BEGIN, settings, the database, savepoints) travels with
//! it: where that fails, the statement has not run, and a KILL hits the statement alone.

use crate::cluster::{Cluster, connect, database, error_of, shared};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, WhiteListFsHandler};
use std::time::Duration;

const TABLE: &str = "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50)) SHARD BY HASH (id)";

/// A key of table `t` on a shard.
async fn key_on(c: &mut Conn, shard: &str) -> u32 {
    for id in 1..100 {
        let sql = format!("EXPLAIN SHARD SELECT * FROM t WHERE id = {id}");
        let lines: Vec<(String, String)> = c.query(sql).await.unwrap();
        if lines.iter().any(|(k, v)| k == "shards" && v == shard) {
            return id;
        }
    }
    panic!("no key on {shard}");
}

/// Past the proxy, to a shard of the shared cluster.
async fn behind(cluster: &Cluster, shard: &str) -> Conn {
    let text = std::fs::read_to_string(cluster.dir.join(format!("shards/{shard}/port"))).unwrap();
    connect(text.trim().parse().unwrap()).await
}

async fn rows(c: &mut Conn) -> Vec<u32> {
    c.query("SELECT id FROM t").await.unwrap()
}

/// Runs `failing` as the first statement on the second shard, of a transaction that has written the first
/// one already, and by itself: as text and prepared. Nothing of any of it may be there afterwards.
async fn nothing_stays(c: &mut Conn, [one, two]: [u32; 2], code: u16) {
    for prepared in [false, true] {
        for in_transaction in [false, true] {
            if in_transaction {
                c.query_drop("BEGIN").await.unwrap();
                let sql = format!("INSERT INTO t VALUES ({one}, 'x')");
                c.query_drop(sql).await.unwrap();
            }
            let done = match prepared {
                false => {
                    c.query_drop(format!("INSERT INTO t VALUES ({two}, 'x')"))
                        .await
                }
                true => c.exec_drop("INSERT INTO t VALUES (?, 'x')", (two,)).await,
            };
            let Err(mysql_async::Error::Server(e)) = done else {
                panic!("prepared {prepared}, in a transaction {in_transaction}: {done:?}");
            };
            assert!([code, 1213].contains(&e.code), "{e:?}");
            c.query_drop("COMMIT").await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_setting_that_one_shard_refuses_stops_the_statement() {
    let (mut c, db) = database().await;
    c.query_drop(TABLE).await.unwrap();
    let keys = [key_on(&mut c, "s1").await, key_on(&mut c, "s2").await];
    // A time zone that the first shard alone knows, which judges a SET.
    let mut first = behind(shared(), "s1").await;
    for sql in [
        "INSERT INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (900, 'N')",
        "INSERT INTO mysql.time_zone_name (Name, Time_zone_id) VALUES ('Test/Only_here', 900)",
        "INSERT INTO mysql.time_zone_transition_type VALUES (900, 0, 3600, 0, 'OH')",
    ] {
        first.query_drop(sql).await.unwrap();
    }
    c.query_drop("SET time_zone = 'Test/Only_here'")
        .await
        .unwrap();
    nothing_stays(&mut c, keys, 1298).await;
    c.query_drop("SET time_zone = DEFAULT").await.unwrap();
    assert!(rows(&mut c).await.is_empty(), "{db}");
    for table in ["time_zone", "time_zone_name", "time_zone_transition_type"] {
        let sql = format!("DELETE FROM mysql.{table} WHERE Time_zone_id = 900");
        first.query_drop(sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_one_shard_lost_stops_the_statement() {
    let (mut c, db) = database().await;
    c.query_drop(TABLE).await.unwrap();
    let keys = [key_on(&mut c, "s1").await, key_on(&mut c, "s2").await];
    let mut second = behind(shared(), "s2").await;
    second
        .query_drop(format!("DROP DATABASE {db}"))
        .await
        .unwrap();
    nothing_stays(&mut c, keys, 1049).await;
    let mut first = behind(shared(), "s1").await;
    let left: Option<u32> = first
        .query_first(format!("SELECT COUNT(*) FROM {db}.t"))
        .await
        .unwrap();
    assert_eq!(left, Some(0));
    second
        .query_drop(format!("CREATE DATABASE {db}"))
        .await
        .unwrap();
    second
        .query_drop(format!(
            "CREATE TABLE {db}.t (id INT PRIMARY KEY, v VARCHAR(50))"
        ))
        .await
        .unwrap();
}

#[tokio::test]
async fn texts_with_semicolons_are_one_statement() {
    let (mut c, _db) = database().await;
    c.query_drop(TABLE).await.unwrap();
    let key = key_on(&mut c, "s2").await;
    let text = "a; DELETE FROM t; -- ";
    c.query_drop(format!("SET @x = '{text}', time_zone = '+01:00'"))
        .await
        .unwrap();
    for _ in 0..3 {
        c.query_drop("BEGIN").await.unwrap();
        c.query_drop(format!("INSERT INTO t VALUES ({key}, '{text}')"))
            .await
            .unwrap();
        let seen: Option<(String, String)> = c
            .query_first(format!("SELECT v, @x FROM t WHERE id = {key};"))
            .await
            .unwrap();
        assert_eq!(seen, Some((text.to_string(), text.to_string())));
        c.query_drop("ROLLBACK").await.unwrap();
    }
    assert!(rows(&mut c).await.is_empty());
    // Several statements are still several answers, each with what goes ahead of it.
    let sql = format!("BEGIN; INSERT INTO t VALUES ({key}, 'x;y'); SELECT v FROM t; ROLLBACK");
    let mut results = c.query_iter(sql).await.unwrap();
    let mut seen = Vec::new();
    while !results.is_empty() {
        seen.push(results.collect::<String>().await.unwrap());
    }
    drop(results);
    assert_eq!(seen.concat(), ["x;y"]);
    assert!(rows(&mut c).await.is_empty());
}

#[tokio::test]
async fn a_file_is_loaded_behind_a_beginning() {
    let (mut c, db) = database().await;
    c.query_drop("CREATE TABLE s (id INT PRIMARY KEY)")
        .await
        .unwrap();
    let dir = crate::folder::Folder::new("prefix-file");
    let file = dir.join("rows");
    std::fs::write(&file, "1\n2\n3\n").unwrap();
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(shared().port)
        .user(Some("root"))
        .db_name(Some(db))
        .local_infile_handler(Some(WhiteListFsHandler::new([&file])));
    let mut loader = Conn::new(opts).await.unwrap();
    let load = format!("LOAD DATA LOCAL INFILE '{}' INTO TABLE s", file.display());
    loader.query_drop("BEGIN").await.unwrap();
    loader.query_drop(load.as_str()).await.unwrap();
    loader.query_drop("ROLLBACK").await.unwrap();
    let sql = "SELECT COUNT(*) FROM s";
    assert_eq!(c.query_first(sql).await.unwrap(), Some(0));
    loader.query_drop("SET time_zone = '+02:00'").await.unwrap();
    loader.query_drop(load.as_str()).await.unwrap();
    assert_eq!(c.query_first(sql).await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_kill_hits_the_statement_and_not_what_goes_ahead() {
    let (mut c, db) = database().await;
    c.query_drop(TABLE).await.unwrap();
    let [one, two] = [key_on(&mut c, "s1").await, key_on(&mut c, "s2").await];
    c.query_drop(format!("INSERT INTO t VALUES ({one}, '0'), ({two}, '0')"))
        .await
        .unwrap();
    let mut victim = connect(shared().port).await;
    victim.query_drop(format!("USE {db}")).await.unwrap();
    let id: u32 = victim
        .query_first("SELECT CONNECTION_ID()")
        .await
        .unwrap()
        .unwrap();
    for round in 0..40u64 {
        // Each transaction begins anew on both shards, with a savepoint and a setting to take along.
        victim
            .query_drop(format!("SET time_zone = '+00:{:02}'", round % 50))
            .await
            .unwrap();
        victim.query_drop("BEGIN").await.unwrap();
        victim
            .query_drop(format!("UPDATE t SET v = '{round}' WHERE id = {one}"))
            .await
            .unwrap();
        victim.query_drop("SAVEPOINT a").await.unwrap();
        let slow = format!("SELECT SLEEP(20) FROM t WHERE id = {two}");
        let task = tokio::spawn(async move {
            let done = victim.query_drop(slow).await;
            (victim, done)
        });
        tokio::time::sleep(Duration::from_micros(round * 100)).await;
        // One that comes before the statement is forgotten with the one before it.
        while !task.is_finished() {
            c.query_drop(format!("KILL QUERY {id}")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (back, done) = task.await.unwrap();
        victim = back;
        if let Err(e) = done {
            let interrupted = matches!(&e, mysql_async::Error::Server(e) if e.code == 1317);
            assert!(interrupted, "round {round}: {e}");
        }
        victim.query_drop("ROLLBACK TO SAVEPOINT a").await.unwrap();
        victim.query_drop("COMMIT").await.unwrap();
        let v: Option<String> = c
            .query_first(format!("SELECT v FROM t WHERE id = {one}"))
            .await
            .unwrap();
        assert_eq!(v, Some(round.to_string()), "the transaction is there");
    }
}

/// Three shards: a statement that fails on two of them leaves the third as it was, though an earlier
/// statement has set its savepoint there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_is_undone_on_its_own_shards_alone() {
    let cluster = Cluster::start("undone", 3, &[]);
    let mut c = connect(cluster.port).await;
    for sql in ["CREATE DATABASE u", "USE u", TABLE] {
        c.query_drop(sql).await.unwrap();
    }
    let mut keys = Vec::new();
    for shard in ["s1", "s2", "s3"] {
        keys.push(key_on(&mut c, shard).await);
    }
    let [one, two, three] = keys[..] else {
        panic!("{keys:?}")
    };
    c.query_drop("BEGIN").await.unwrap();
    let all = format!("INSERT INTO t VALUES ({one}, 'x'), ({two}, 'x'), ({three}, 'x')");
    c.query_drop(all).await.unwrap();
    c.query_drop(format!("UPDATE t SET v = 'y' WHERE id = {one}"))
        .await
        .unwrap();
    let again = format!(
        "UPDATE t SET v = IF(id = {three}, 1 / (v = 'z'), 'z') WHERE id IN ({two}, {three})"
    );
    c.query_drop("SET sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO'")
        .await
        .unwrap();
    assert_eq!(error_of(&mut c, &again).await.0, 1365);
    c.query_drop("COMMIT").await.unwrap();
    let mut v: Vec<(u32, String)> = c.query("SELECT id, v FROM t").await.unwrap();
    v.sort_by(|a, b| a.1.cmp(&b.1));
    let values: Vec<_> = v.iter().map(|(_, v)| v.as_str()).collect();
    assert_eq!(values, ["x", "x", "y"]);
    drop(c);
    cluster.stop();
}
