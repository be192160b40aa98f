//! Insert ids as one server tells them, where ids come from blocks: each step on the proxy and on a plain
//! server, with "new" for an id that the step made.

use crate::cluster::{connect, database, plain};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

const TABLE: &str = "CREATE TABLE t (id BIGINT NOT NULL AUTO_INCREMENT, u INT NOT NULL, m INT NOT NULL, \
                     v BIGINT, PRIMARY KEY (id, u), UNIQUE KEY (u, m))";

/// What a client learns of ids from one statement: the OK packet's, and LAST_INSERT_ID() after it.
async fn step(
    c: &mut Conn,
    sql: &str,
    prepared: bool,
    known: &mut Vec<u64>,
) -> (String, String, u64) {
    match prepared {
        true => c.exec_drop(sql, ()).await.unwrap(),
        false => c.query_drop(sql).await.unwrap(),
    }
    let told = c.last_insert_id().unwrap_or(0);
    let affected = c.affected_rows();
    let after: u64 = c
        .query_first("SELECT LAST_INSERT_ID()")
        .await
        .unwrap()
        .unwrap();
    let rows: Vec<u64> = c
        .query("SELECT id FROM t WHERE u = 1 ORDER BY id")
        .await
        .unwrap();
    // Ids by their place among those of u = 1; the numbers themselves differ.
    let name = |id: u64| match (id, rows.iter().position(|r| *r == id)) {
        (0, _) => "none".to_string(),
        (id, _) if id >= 1 << 40 => id.to_string(),
        (_, Some(at)) => format!("row {at}"),
        (id, None) => match known.contains(&id) {
            true => "an old id".to_string(),
            false => format!("{id}, which no row has"),
        },
    };
    let names = (name(told), name(after), affected);
    known.extend([told, after]);
    names
}

#[tokio::test]
async fn ids_of_inserts_that_insert_nothing() {
    for rule in ["HASH (u)", "REFERENCE"] {
        for prepared in [false, true] {
            let (mut ours, db) = database().await;
            let mut theirs = connect(plain().shard_port).await;
            theirs
                .query_drop(format!("CREATE DATABASE {db}"))
                .await
                .unwrap();
            theirs.query_drop(format!("USE {db}")).await.unwrap();
            ours.query_drop(format!("{TABLE} SHARD BY {rule}"))
                .await
                .unwrap();
            theirs.query_drop(TABLE).await.unwrap();
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for sql in [
                "INSERT INTO t (u, m, v) VALUES (1, 1, 1)",
                "INSERT IGNORE INTO t (u, m, v) VALUES (1, 1, 2)",
                "INSERT INTO t (u, m, v) VALUES (1, 2, 1)",
                "INSERT INTO t (u, m, v) VALUES (1, 1, 5) ON DUPLICATE KEY UPDATE v = VALUES(v)",
                "INSERT INTO t (u, m, v) VALUES (1, 1, 5) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
                "INSERT INTO t (u, m, v) VALUES (1, 2, 7) ON DUPLICATE KEY UPDATE \
                 id = LAST_INSERT_ID(id), v = VALUES(v)",
                "INSERT INTO t (u, m, v) VALUES (1, 3, 7) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
                "INSERT INTO t (id, u, m) VALUES (1099511627776, 1, 9)",
                "INSERT IGNORE INTO t (u, m, v) VALUES (1, 1, 2), (1, 2, 2)",
                "INSERT INTO t (u, m, v) VALUES (1, 10, 2), (1, 11, 2)",
                "UPDATE t SET v = LAST_INSERT_ID(1099511627777) WHERE u = 1 AND m = 1",
                "SELECT LAST_INSERT_ID(1099511627778)",
            ] {
                let x = step(&mut ours, sql, prepared, &mut a).await;
                let y = step(&mut theirs, sql, prepared, &mut b).await;
                assert_eq!(x, y, "{rule}, prepared {prepared}: {sql}");
            }
            theirs
                .query_drop(format!("DROP DATABASE {db}"))
                .await
                .unwrap();
        }
    }
}
