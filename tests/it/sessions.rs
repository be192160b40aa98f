//! Sessions: state that follows them over shared connections, KILL, prepared statements, big data.

use crate::cluster::{Cluster, connect, database, error_of, shared};
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};

/// Rounds of the test below; 300 make more than 10^6 checked answers and 4,500 cancelled statements.
fn rounds() -> u32 {
    let set = std::env::var("SHARDWRIGHT_MIX_ROUNDS").ok();
    set.and_then(|n| n.parse().ok()).unwrap_or(4)
}

#[tokio::test]
async fn many_clients_on_few_connections_never_mix_answers() {
    let cluster = Cluster::start("few", 2, &["--connections", "8"]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE d").await.unwrap();
    c.query_drop("CREATE TABLE d.t (id INT PRIMARY KEY, tag VARCHAR(40)) SHARD BY HASH (id)")
        .await
        .unwrap();
    let rows: Vec<_> = (0..500).map(|i| format!("({i}, 'tag-{i}')")).collect();
    c.query_drop(format!("INSERT INTO d.t VALUES {}", rows.join(", ")))
        .await
        .unwrap();
    let port = cluster.port;
    let mut tasks = Vec::new();
    for client in 0..60u32 {
        tasks.push(tokio::spawn(async move {
            let mut n = client;
            let mut checked = 0;
            for round in 0..rounds() {
                let mut c = connect(port).await;
                let settings = format!("SET @who = {client}, time_zone = '+{:02}:00'", client % 12);
                c.query_drop(settings).await.unwrap();
                let statement = c
                    .prep("SELECT id, tag FROM d.t WHERE id = ?")
                    .await
                    .unwrap();
                for i in 0..60 {
                    n = n.wrapping_mul(1_103_515_245).wrapping_add(12_345) % 500;
                    let row: Option<(u32, String)> = match i % 3 {
                        0 => c.exec_first(&statement, (n,)).await.unwrap(),
                        _ => {
                            let sql = format!("SELECT id, tag FROM d.t WHERE id = {n}");
                            c.query_first(sql).await.unwrap()
                        }
                    };
                    assert_eq!(row, Some((n, format!("tag-{n}"))));
                    checked += 1;
                }
                let who: Option<u32> = c.query_first("SELECT @who").await.unwrap();
                assert_eq!(who, Some(client));
                let zone: Option<String> = c.query_first("SELECT @@time_zone").await.unwrap();
                assert_eq!(zone, Some(format!("+{:02}:00", client % 12)));
                if round % 4 == 2 {
                    // Leaves in the middle of a statement; its answer must reach nobody else.
                    let mut late = connect(port).await;
                    let slow = late.query_drop("SELECT 'stray', SLEEP(0.3)");
                    let _ = tokio::time::timeout(Duration::from_millis(20), slow).await;
                }
            }
            checked
        }));
    }
    let mut checked = 0;
    for t in tasks {
        checked += t.await.unwrap();
    }
    assert_eq!(checked, 60 * rounds() * 60);
    let shards: Vec<mysql_async::Row> = c.query("SHOW SHARDS").await.unwrap();
    assert_eq!(shards.len(), 2);
    drop(c);
    cluster.stop();
}

#[tokio::test]
async fn kill_query_ends_the_statement_and_kill_the_session() {
    let (mut c, _) = database().await;
    let mut victim = connect(shared().port).await;
    let id: u32 = victim
        .query_first("SELECT CONNECTION_ID()")
        .await
        .unwrap()
        .unwrap();
    let started = Instant::now();
    let (slow, ()) = tokio::join!(victim.query::<u32, _>("SELECT SLEEP(30)"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        c.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    });
    assert!(started.elapsed() < Duration::from_secs(10));
    // SLEEP itself answers 1 when it is interrupted; other statements get error 1317.
    if let Ok(rows) = slow {
        assert_eq!(rows, [1]);
    }
    let again: Option<u32> = victim.query_first("SELECT 7").await.unwrap();
    assert_eq!(again, Some(7));
    c.query_drop(format!("KILL {id}")).await.unwrap();
    assert!(victim.query_drop("SELECT 1").await.is_err());
    assert_eq!(error_of(&mut c, "KILL 4000000").await.0, 1094);
}

#[tokio::test]
async fn prepared_statements_of_every_kind() {
    let (mut c, _) = database().await;
    c.query_drop(
        "CREATE TABLE t (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT, b TEXT) \
         SHARD BY HASH (id)",
    )
    .await
    .unwrap();
    let insert = c
        .prep("INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, 'x')")
        .await
        .unwrap();
    for round in 0..20 {
        c.exec_drop(&insert, (round, "first", round + 1, "second", round + 2))
            .await
            .unwrap();
        assert_eq!(c.last_insert_id(), Some(round as u64 * 3 + 1));
        assert_eq!(c.affected_rows(), 3);
    }
    let null_id = c.prep("INSERT INTO t VALUES (?, ?, ?)").await.unwrap();
    c.exec_drop(&null_id, (None::<u64>, 5, "null id"))
        .await
        .unwrap();
    let id = c.last_insert_id().unwrap();
    assert_eq!(id, 61);
    let select = c.prep("SELECT a, b FROM t WHERE id = ?").await.unwrap();
    for _ in 0..8 {
        let row: Option<(i32, String)> = c.exec_first(&select, (id,)).await.unwrap();
        assert_eq!(row, Some((5, "null id".to_string())));
        let row: Option<(i32, String)> = c.exec_first(&select, (id.to_string(),)).await.unwrap();
        assert_eq!(row, Some((5, "null id".to_string())));
    }
    let scatter = c.prep("SELECT id FROM t WHERE a >= ?").await.unwrap();
    let mut ids: Vec<u64> = c.exec(&scatter, (0,)).await.unwrap();
    ids.sort_unstable();
    assert_eq!(ids, (1..=61).collect::<Vec<_>>());
    let update = c.prep("UPDATE t SET b = ? WHERE a = ?").await.unwrap();
    c.exec_drop(&update, ("changed", 1)).await.unwrap();
    assert_eq!(c.affected_rows(), 2);
    for sql in ["BEGIN", "COMMIT", "SET @x = 1", "SHOW SHARDS"] {
        let s = c.prep(sql).await.unwrap();
        c.exec_drop(&s, ()).await.unwrap();
    }
    assert!(c.prep("SELECT nope FROM t").await.is_err());
    c.query_drop("ALTER TABLE t ADD COLUMN z INT DEFAULT 9")
        .await
        .unwrap();
    let row: Option<(i32, String)> = c.exec_first(&select, (id,)).await.unwrap();
    assert_eq!(row, Some((5, "null id".to_string())));
}

#[tokio::test]
async fn several_statements_at_once_are_numbered_as_one_answer() {
    let (mut c, _) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)")
        .await
        .unwrap();
    for _ in 0..20 {
        let sql = "SELECT v FROM t WHERE id = 1; SELECT v FROM t; SELECT v FROM t WHERE id = 3";
        let mut r = c.query_iter(sql).await.unwrap();
        assert_eq!(r.collect::<u32>().await.unwrap(), [10]);
        assert_eq!(r.collect::<u32>().await.unwrap().len(), 3);
        assert_eq!(r.collect::<u32>().await.unwrap(), [30]);
        drop(r);
        let one: Option<u32> = c.query_first("SELECT v FROM t WHERE id = 1").await.unwrap();
        assert_eq!(one, Some(10));
    }
}

#[tokio::test]
async fn a_failed_write_to_a_reference_table_stops_no_clock() {
    let (mut c, _) = database().await;
    c.query_drop(
        "CREATE TABLE r (id INT PRIMARY KEY, at DATETIME(6) DEFAULT NOW(6)) SHARD BY REFERENCE",
    )
    .await
    .unwrap();
    c.query_drop("INSERT INTO r (id) VALUES (1)").await.unwrap();
    for _ in 0..8 {
        assert_eq!(
            error_of(&mut c, "INSERT INTO r (id) VALUES (1)").await.0,
            1062
        );
    }
    let clock = "SELECT UNIX_TIMESTAMP(NOW(6)) * 1000000 DIV 1";
    let before: u64 = c.query_first(clock).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let after: u64 = c.query_first(clock).await.unwrap().unwrap();
    assert!(after > before, "{before} {after}");
}

#[tokio::test]
async fn large_values_both_ways() {
    let (mut c, _) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB) SHARD BY HASH (id)")
        .await
        .unwrap();
    let big = "x".repeat(17 << 20);
    c.query_drop(format!("INSERT INTO t VALUES (1, '{big}')"))
        .await
        .unwrap();
    let back: Option<Vec<u8>> = c.query_first("SELECT v FROM t WHERE id = 1").await.unwrap();
    assert!(back.unwrap() == big.as_bytes());
    c.exec_drop("INSERT INTO t VALUES (?, ?)", (2, big.as_bytes()))
        .await
        .unwrap();
    let back: Option<Vec<u8>> = c
        .exec_first("SELECT v FROM t WHERE id = ?", (2,))
        .await
        .unwrap();
    assert!(back.unwrap() == big.as_bytes());
}

#[tokio::test]
async fn session_functions_tell_of_the_client_everywhere() {
    let (mut c, _) = database().await;
    let table = "CREATE TABLE t (id INT PRIMARY KEY, who VARCHAR(60), n BIGINT) SHARD BY HASH (id)";
    c.query_drop(table).await.unwrap();
    c.query_drop("CREATE TABLE s (id INT PRIMARY KEY, who VARCHAR(60))")
        .await
        .unwrap();
    let me: Option<String> = c.query_first("SELECT CURRENT_USER()").await.unwrap();
    assert_eq!(me.as_deref(), Some("root@%"));
    let id: u32 = c
        .query_first("SELECT CONNECTION_ID()")
        .await
        .unwrap()
        .unwrap();

    // In what is prepared: as text and with parameters, again and again.
    let select = c
        .prep("SELECT CURRENT_USER() AS who, CONNECTION_ID() AS id, ? AS n")
        .await
        .unwrap();
    for n in [3u64, 4] {
        let row: Option<(String, u32, u64)> = c.exec_first(&select, (n,)).await.unwrap();
        assert_eq!(row, Some(("root@%".to_string(), id, n)));
    }
    c.exec_drop("INSERT INTO s VALUES (?, CURRENT_USER())", (1,))
        .await
        .unwrap();
    let found = c.prep("SELECT FOUND_ROWS() AS n").await.unwrap();
    c.query_drop("SELECT 1 UNION SELECT 2 UNION SELECT 3")
        .await
        .unwrap();
    assert_eq!(c.exec_first(&found, ()).await.unwrap(), Some(3));

    // In rows that are spread over shards.
    let insert = "INSERT INTO t VALUES (1, CURRENT_USER(), CONNECTION_ID()), (2, CURRENT_USER(), 0), \
                  (3, 'x', CONNECTION_ID()), (4, CURRENT_USER(), 1)";
    c.query_drop(insert).await.unwrap();
    for (id, who) in [(1, "root@%"), (2, "root@%"), (3, "x"), (4, "root@%")] {
        let sql = format!("SELECT who FROM t WHERE id = {id}");
        let row: Option<String> = c.query_first(sql).await.unwrap();
        assert_eq!(row.as_deref(), Some(who), "{id}");
    }
    let n: Option<u32> = c.query_first("SELECT n FROM t WHERE id = 3").await.unwrap();
    assert_eq!(n, Some(id));
    let refused = c
        .exec_drop("INSERT INTO t VALUES (?, CURRENT_USER(), 0)", (9,))
        .await;
    assert!(refused.unwrap_err().to_string().contains("as a parameter"));
}

#[tokio::test]
async fn warnings_are_told_wherever_the_statement_ran() {
    let (mut c, _) = database().await;
    let table = "CREATE TABLE t (id INT PRIMARY KEY, v TINYINT) SHARD BY HASH (id)";
    c.query_drop(table).await.unwrap();
    c.query_drop("SET sql_mode = ''").await.unwrap();
    // Rows on both shards, each cut to what fits.
    let rows: Vec<_> = (1..=8).map(|id| format!("({id}, 1000)")).collect();
    let insert = format!("INSERT INTO t VALUES {}", rows.join(", "));
    c.query_drop(insert).await.unwrap();
    let told: Vec<(String, u16, String)> = c.query("SHOW WARNINGS").await.unwrap();
    assert_eq!(told.len(), 8, "{told:?}");
    assert!(told.iter().all(|w| w.1 == 1264), "{told:?}");

    // A read that has shown itself fast goes to a shared connection; its warnings are there all the same.
    for n in 0..12 {
        let bad = if n == 11 { "0" } else { "1" };
        let sql = format!("SELECT v / {bad} FROM t WHERE id = 1");
        let _: Vec<Option<f64>> = c.query(sql).await.unwrap();
    }
    c.query_drop("SET sql_mode = 'ERROR_FOR_DIVISION_BY_ZERO'")
        .await
        .unwrap();
    for _ in 0..12 {
        let _: Vec<Option<f64>> = c.query("SELECT v / 1 FROM t WHERE id = 2").await.unwrap();
    }
    let _: Vec<Option<f64>> = c.query("SELECT v / 0 FROM t WHERE id = 2").await.unwrap();
    let told: Vec<(String, u16, String)> = c.query("SHOW WARNINGS").await.unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1, 1365);
}

#[tokio::test]
async fn set_statement_holds_for_one_statement_on_one_shard() {
    let (mut c, _) = database().await;
    let table = "CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)";
    c.query_drop(table).await.unwrap();
    c.query_drop("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
        .await
        .unwrap();
    let sql = "SET STATEMENT max_statement_time = 5 FOR SELECT v FROM t WHERE id = 2";
    assert_eq!(c.query_first(sql).await.unwrap(), Some(2));
    let sql = "SET STATEMENT lock_wait_timeout = 77 FOR SELECT @@lock_wait_timeout";
    assert_eq!(c.query_first(sql).await.unwrap(), Some(77));
    let after: Option<u64> = c.query_first("SELECT @@lock_wait_timeout").await.unwrap();
    assert_ne!(after, Some(77));
    for mode in ["sql_mode", "`SQL_Mode`"] {
        let read = format!("SET STATEMENT {mode} = 'ANSI_QUOTES' FOR SELECT v FROM t WHERE id = 1");
        assert_eq!(crate::cluster::error_of(&mut c, &read).await.0, 1235);
    }
    let several = "SET STATEMENT max_statement_time = 5 FOR SELECT v FROM t";
    assert_eq!(crate::cluster::error_of(&mut c, several).await.0, 1235);
    let update = "SET STATEMENT lock_wait_timeout = 5 FOR UPDATE t SET v = 9 WHERE id = 1";
    c.query_drop(update).await.unwrap();
    let v: Option<i32> = c.query_first("SELECT v FROM t WHERE id = 1").await.unwrap();
    assert_eq!(v, Some(9));
}

/// A server that is not strict stores 0 where one of several rows says NULL: placed as NULL, such a row
/// would be where nobody looks for 0.
#[tokio::test]
async fn a_null_key_that_the_server_would_change_is_refused() {
    let (mut c, _db) = database().await;
    let sql = "CREATE TABLE t (id INT NOT NULL, v INT, KEY (id)) SHARD BY RANGE (id) \
               (PARTITION a VALUES LESS THAN (0) ON s1, PARTITION b VALUES LESS THAN (MAXVALUE) ON s2)";
    c.query_drop(sql).await.unwrap();
    c.query_drop("SET sql_mode = ''").await.unwrap();
    for sql in [
        "INSERT INTO t VALUES (NULL, 1), (NULL, 2)",
        "INSERT IGNORE INTO t VALUES (NULL, 1)",
        "REPLACE INTO t VALUES (0, 1), (NULL, 2)",
    ] {
        let (code, text) = error_of(&mut c, sql).await;
        assert!(
            code == 1235 && text.contains("NOT NULL"),
            "{sql}: {code} {text}"
        );
    }
    for mode in ["''", "DEFAULT", "'TRADITIONAL'"] {
        c.query_drop(format!("SET sql_mode = {mode}"))
            .await
            .unwrap();
        let (code, _) = error_of(&mut c, "INSERT INTO t VALUES (NULL, 1)").await;
        assert_eq!(code, 1048, "{mode}");
    }
    let (code, _) = error_of(&mut c, "INSERT INTO t VALUES (NULL, 1), (NULL, 2)").await;
    assert_eq!(code, 1048, "a strict server changes nothing");
}
