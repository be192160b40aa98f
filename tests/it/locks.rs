//! LOCK TABLES on one shard and on several, DDL under it; and nothing that waits for a lock outlives KILL or
//! its client.

use crate::cluster::{connect, database, error_of, shared};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use std::time::Duration;

/// Ends a test that hangs.
async fn soon<T>(work: impl Future<Output = T>, what: &str) -> T {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| panic!("{what} hangs"))
}

async fn drops(c: &mut Conn, list: &[&str]) {
    for sql in list {
        soon(c.query_drop(*sql), sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

#[tokio::test]
async fn a_dump_switches_keys_under_its_locks() {
    let (mut c, _) = database().await;
    let tables = [
        "CREATE TABLE post (id INT PRIMARY KEY, n INT, KEY (n))",
        "CREATE TABLE spread (id INT PRIMARY KEY, n INT, KEY (n)) SHARD BY HASH (id)",
        "CREATE TABLE everywhere (id INT PRIMARY KEY, n INT, KEY (n)) SHARD BY REFERENCE",
    ];
    drops(&mut c, &tables).await;
    for table in ["post", "spread", "everywhere"] {
        // As every dump does it.
        let sql = [
            format!("LOCK TABLES `{table}` WRITE"),
            format!("/*!40000 ALTER TABLE `{table}` DISABLE KEYS */"),
            format!("INSERT INTO `{table}` VALUES (1,1),(2,2),(3,3),(4,4)"),
            format!("/*!40000 ALTER TABLE `{table}` ENABLE KEYS */"),
        ];
        drops(&mut c, &sql.each_ref().map(|s| s.as_str())).await;
        let sql = format!("ALTER TABLE {table} ADD COLUMN more INT");
        let refused = soon(error_of(&mut c, &sql), &sql).await;
        assert_eq!(refused.0, 1192);
        drops(&mut c, &["UNLOCK TABLES"]).await;
        let sum: Option<u32> = c
            .query_first(format!("SELECT SUM(n) FROM {table}"))
            .await
            .unwrap();
        assert_eq!(sum, Some(10), "{table}");
    }
}

#[tokio::test]
async fn tables_on_several_shards_are_locked_on_all_of_them() {
    let (mut c, db) = database().await;
    let setup = [
        "CREATE TABLE one (id INT PRIMARY KEY) ENGINE=InnoDB",
        "CREATE TABLE spread (id INT PRIMARY KEY, n INT) SHARD BY HASH (id)",
        "INSERT INTO spread VALUES (1,0),(2,0),(3,0),(4,0),(5,0),(6,0)",
        "LOCK TABLES one READ, spread AS s READ LOCAL, spread WRITE",
        // Several shards: one statement is one transaction, and the locks stay.
        "UPDATE spread SET n = n + 1",
    ];
    drops(&mut c, &setup).await;
    let (code, _) = error_of(&mut c, "INSERT INTO spread VALUES (7,0),(8,0),(1,0)").await;
    assert_eq!(code, 1062);
    let counted: Vec<Row> = c.query("SELECT n FROM spread WHERE n = 1").await.unwrap();
    assert_eq!(counted.len(), 6, "nothing of the INSERT stayed");
    let (code, _) = error_of(&mut c, "INSERT INTO one VALUES (1)").await;
    assert_eq!(code, 1099, "locked for reading");
    // Another session waits, on whichever shard the row is.
    let mut other = connect(shared().port).await;
    other.query_drop(format!("USE {db}")).await.unwrap();
    other.query_drop("SET lock_wait_timeout = 1").await.unwrap();
    for id in 1..=6 {
        let sql = format!("UPDATE spread SET n = 9 WHERE id = {id}");
        assert_eq!(error_of(&mut other, &sql).await.0, 1205, "{id}");
    }
    // A new LOCK TABLES, BEGIN and UNLOCK TABLES end the locks.
    for ends in ["LOCK TABLES one READ", "BEGIN", "UNLOCK TABLES"] {
        drops(&mut c, &["LOCK TABLES spread WRITE", ends]).await;
        let update = "UPDATE spread SET n = 2 WHERE id = 1 OR id = 2";
        soon(other.query_drop(update), ends).await.unwrap();
        drops(&mut c, &["ROLLBACK", "UNLOCK TABLES"]).await;
    }
    // What fails on a shard leaves no locks on the others.
    let sql = "LOCK TABLES spread WRITE, nothing WRITE";
    assert_eq!(error_of(&mut c, sql).await.0, 1146);
    soon(
        other.query_drop("UPDATE spread SET n = 3"),
        "after a failure",
    )
    .await
    .unwrap();
    // With the last of the session, its locks go too.
    drops(&mut c, &["SET autocommit = 0", "LOCK TABLES spread WRITE"]).await;
    drops(&mut c, &["UPDATE spread SET n = 4", "COMMIT"]).await;
    let sql = "UPDATE spread SET n = 9 WHERE id = 1";
    assert_eq!(
        error_of(&mut other, sql).await.0,
        1205,
        "COMMIT keeps locks"
    );
    drop(c);
    soon(
        other.query_drop("UPDATE spread SET n = n + 1"),
        "after its end",
    )
    .await
    .unwrap();
    let sql = "SELECT MIN(n), MAX(n) FROM spread";
    let n: Option<(u32, u32)> = other.query_first(sql).await.unwrap();
    assert_eq!(n, Some((5, 5)));
}

/// Runs a statement that waits, and gives its session's number.
async fn waits(
    db: &str,
    sql: &'static str,
    prepared: bool,
) -> (u32, tokio::task::JoinHandle<Option<u16>>) {
    let mut c = connect(shared().port).await;
    c.query_drop(format!("USE {db}")).await.unwrap();
    let id = c
        .query_first("SELECT CONNECTION_ID()")
        .await
        .unwrap()
        .unwrap();
    let task = tokio::spawn(async move {
        let done = match prepared {
            true => c.exec_drop(sql, ()).await,
            false => c.query_drop(sql).await,
        };
        match done {
            Ok(()) => None,
            Err(mysql_async::Error::Server(e)) => Some(e.code),
            Err(_) => Some(0),
        }
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!task.is_finished(), "{sql} does not wait");
    (id, task)
}

#[tokio::test]
async fn whatever_waits_ends_with_kill_and_with_its_client() {
    let (mut c, db) = database().await;
    let setup = [
        "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB",
        "CREATE TABLE s (id INT PRIMARY KEY) SHARD BY HASH (id)",
        "LOCK TABLES t WRITE, s WRITE",
    ];
    drops(&mut c, &setup).await;
    let waiting = [
        ("ALTER TABLE t ADD COLUMN a INT", false),
        ("ALTER TABLE s ADD COLUMN a INT", false),
        ("DROP TABLE t", false),
        ("TRUNCATE s", false),
        ("SELECT * FROM t", true),
        ("SELECT COUNT(DISTINCT s.id, t.id) FROM s, t", false),
        ("SET @n = (SELECT COUNT(*) FROM t)", false),
        ("SET @n = SLEEP(1000)", false),
        ("LOCK TABLES t READ", false),
        ("LOCK TABLES s READ", false),
        (
            "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
            false,
        ),
    ];
    for (sql, prepared) in waiting {
        let (id, task) = waits(&db, sql, prepared).await;
        c.query_drop(format!("KILL QUERY {id}")).await.unwrap();
        assert_eq!(
            soon(task, sql).await.unwrap(),
            Some(1317),
            "KILL QUERY of {sql}"
        );
        let (id, task) = waits(&db, sql, prepared).await;
        c.query_drop(format!("KILL {id}")).await.unwrap();
        assert!(soon(task, sql).await.unwrap().is_some(), "KILL of {sql}");
        let (id, task) = waits(&db, sql, prepared).await;
        task.abort();
        let gone = async {
            while sessions(&mut c).await.contains(&id) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        soon(gone, sql).await;
    }
    drops(&mut c, &["UNLOCK TABLES"]).await;
    // Nothing of it was done, and nothing waits any more.
    let columns: Vec<Row> = c.query("SHOW COLUMNS FROM s").await.unwrap();
    assert_eq!(columns.len(), 1);
    drops(
        &mut c,
        &[
            "ALTER TABLE t ADD COLUMN b INT",
            "ALTER TABLE s ADD COLUMN b INT",
        ],
    )
    .await;
}

async fn sessions(c: &mut Conn) -> Vec<u32> {
    let rows: Vec<Row> = c.query("SHOW PROXY SESSIONS").await.unwrap();
    rows.iter()
        .filter_map(|r| r.get("Id").or_else(|| r.get(0)))
        .collect()
}
