//! Structure: rules, refusals, jobs that reach every shard, and data that survives a restart.

use crate::cluster::{Cluster, connect, database, error_of};
use mysql_async::prelude::Queryable;

#[tokio::test]
async fn rows_without_a_column_list_are_placed_by_the_order_that_the_catalog_knows() {
    let (mut c, db) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    // As an ALTER TABLE that a statement waits for: the shards have another order by now.
    for shard in ["s1", "s2"] {
        let path = crate::cluster::shared()
            .dir
            .join(format!("shards/{shard}/port"));
        let port = std::fs::read_to_string(path)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let mut server = connect(port).await;
        server
            .query_drop(format!("ALTER TABLE {db}.t MODIFY v INT FIRST"))
            .await
            .unwrap();
    }
    c.query_drop("INSERT INTO t VALUES (1, 100), (2, 200), (3, 300)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO t VALUE (4, 400)").await.unwrap();
    c.exec_drop("INSERT INTO t VALUES (?, ?)", (5, 500))
        .await
        .unwrap();
    c.exec_drop("REPLACE INTO t VALUES (?, ?), (6, ?)", (5, 501, 600))
        .await
        .unwrap();
    for (id, v) in [(1, 100), (2, 200), (3, 300), (4, 400), (5, 501), (6, 600)] {
        let found: Option<u32> = c
            .exec_first("SELECT v FROM t WHERE id = ?", (id,))
            .await
            .unwrap();
        assert_eq!(found, Some(v), "{id}");
    }
}

#[tokio::test]
async fn an_index_over_a_prefix_of_the_key_is_not_unique_over_shards() {
    let (mut c, _) = database().await;
    c.query_drop("CREATE TABLE x (n VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY) SHARD BY HASH (n)")
        .await
        .unwrap();
    for sql in [
        "CREATE UNIQUE INDEX u ON x (n(3))",
        "ALTER TABLE x ADD UNIQUE KEY u (n(3))",
    ] {
        let (code, text) = error_of(&mut c, sql).await;
        assert!(
            code == 1235 && text.contains("sharding key column n"),
            "{text}"
        );
    }
    // It was refused before any shard was asked.
    c.query_drop("DROP TABLE x").await.unwrap();
}

#[tokio::test]
async fn rules_that_cannot_be_are_refused_and_leave_nothing() {
    let (mut c, db) = database().await;
    let bad = [
        (
            "CREATE TABLE x (id INT PRIMARY KEY, u INT UNIQUE) SHARD BY HASH (id)",
            "unique key u",
        ),
        (
            // Equal prefixes of keys on different shards: no shard could tell.
            "CREATE TABLE x (n VARCHAR(9) NOT NULL, UNIQUE KEY u (n(3))) SHARD BY HASH (n)",
            "unique key u (n(3)) does not contain",
        ),
        (
            "CREATE TABLE x (id INT PRIMARY KEY) SHARD BY HASH (nope)",
            "no column nope",
        ),
        (
            "CREATE TABLE x (id FLOAT PRIMARY KEY) SHARD BY HASH (id)",
            "type float",
        ),
        (
            "CREATE TABLE x (id INT PRIMARY KEY) SHARD BY HASH (id) ON (s9)",
            "no shard s9",
        ),
        (
            "CREATE TABLE x (id INT PRIMARY KEY) SHARD BY RANGE (id) (PARTITION a VALUES LESS THAN \
             (5) ON s1, PARTITION b VALUES LESS THAN (5) ON s2)",
            "bounds must ascend",
        ),
        (
            "CREATE TABLE x (id INT PRIMARY KEY) SHARD BY LIST (id) (PARTITION a VALUES IN (1) ON \
             s1, PARTITION b VALUES IN (1) ON s2)",
            "partition a and again in b",
        ),
        (
            "CREATE TABLE x (id INT PRIMARY KEY) SHARD BY MAGIC (id)",
            "HASH, RANGE, LIST",
        ),
        (
            "CREATE TABLE x (n VARCHAR(9) COLLATE utf8mb4_german2_ci PRIMARY KEY) SHARD BY HASH (n)",
            "utf8mb4_german2_ci",
        ),
    ];
    for (sql, part) in bad {
        let (_, message) = error_of(&mut c, sql).await;
        assert!(message.contains(part), "{sql}: {message}");
        assert!(
            c.query::<String, _>("SHOW TABLES")
                .await
                .unwrap()
                .is_empty(),
            "{sql}"
        );
    }
    let jobs: Vec<(String, String, String, String, String)> =
        c.query("SHOW DDL JOBS").await.unwrap();
    assert!(
        !jobs.iter().any(|j| j.1.contains(&format!("{db}."))),
        "{jobs:?}"
    );
}

#[tokio::test]
async fn alter_keeps_the_sharding_key_as_it_is() {
    let (mut c, _) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    for sql in [
        "ALTER TABLE t DROP COLUMN id",
        "ALTER TABLE t MODIFY id BIGINT",
        "ALTER TABLE t ADD UNIQUE (v)",
        "CREATE UNIQUE INDEX u ON t (v)",
    ] {
        assert_eq!(error_of(&mut c, sql).await.0, 1235, "{sql}");
    }
    c.query_drop("ALTER TABLE t ADD COLUMN w INT DEFAULT 1")
        .await
        .unwrap();
    c.query_drop("CREATE UNIQUE INDEX u ON t (v, id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO t VALUES (1, 2, 3), (2, 3, 4)")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_job_that_fails_on_one_shard_says_so_and_goes_on_when_repeated() {
    let cluster = Cluster::start("jobs", 2, &[]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE d").await.unwrap();
    c.query_drop("USE d").await.unwrap();
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY i (v)) SHARD BY HASH (id)")
        .await
        .unwrap();
    // The second shard alone does not have the index any more: what the first has done cannot be undone.
    let text = std::fs::read_to_string(cluster.dir.join("shards/s2/port")).unwrap();
    let mut s2 = connect(text.trim().parse().unwrap()).await;
    s2.query_drop("ALTER TABLE d.t DROP INDEX i").await.unwrap();
    let sql = "DROP INDEX i ON t";
    let (_, message) = error_of(&mut c, sql).await;
    assert!(
        message.contains("s1: done") && message.contains("s2: "),
        "{message}"
    );
    let jobs: Vec<mysql_async::Row> = c.query("SHOW DDL JOBS").await.unwrap();
    assert_eq!(jobs.len(), 2);
    s2.query_drop("ALTER TABLE d.t ADD INDEX i (v)")
        .await
        .unwrap();
    c.query_drop(sql).await.unwrap();
    c.query_drop("INSERT INTO t (id) VALUES (1), (2), (3)")
        .await
        .unwrap();
    drop((c, s2));
    // The catalog and the rows are there again after a restart.
    let again = cluster.restart(2, &[]);
    let mut c = connect(again.port).await;
    let rows: Vec<u32> = c.query("SELECT id FROM d.t").await.unwrap();
    assert_eq!(rows.len(), 3);
    let jobs: Vec<mysql_async::Row> = c.query("SHOW DDL JOBS").await.unwrap();
    assert!(jobs.is_empty());
    drop(c);
    again.stop();
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let (mut c, _) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
        .await
        .unwrap();
    for (sql, part) in [
        ("SELECT @a := COUNT(*) FROM t", "user variables"),
        ("SELECT my_function(v) FROM t ORDER BY v", "my_function"),
        ("UPDATE t SET id = 9 WHERE id = 1", "sharding key"),
        (
            "INSERT INTO t SELECT id + 100, v FROM t",
            "INSERT ... SELECT",
        ),
        ("SET GLOBAL max_connections = 5", "SET GLOBAL"),
        ("XA START 'x'", "XA"),
        ("GRANT SELECT ON t TO x", "users"),
        ("FLUSH LOGS", "FLUSH"),
        ("CREATE VIEW v AS SELECT * FROM t", "view"),
        (
            "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @a = 1",
            "uses a table",
        ),
        ("SELECT * FROM t INTO OUTFILE '/tmp/x'", "OUTFILE"),
    ] {
        let (code, message) = error_of(&mut c, sql).await;
        assert!(
            code == 1235 && message.contains(part),
            "{sql}: {code} {message}"
        );
    }
    assert_eq!(
        c.query::<u32, _>("SELECT id FROM t").await.unwrap().len(),
        4
    );
}
