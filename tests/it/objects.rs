//! What runs inside one server, and changes that one server refuses: nothing is left that would answer from a
//! part of the rows, and nothing is half done.

use crate::cluster::{Cluster, connect, database, error_of, plain, shared};
use crate::compare::{Seen, see};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Params};

/// Connections to the two shards of the shared cluster.
async fn shards() -> [Conn; 2] {
    let port = |shard: &str| {
        let text = std::fs::read_to_string(shared().dir.join(format!("shards/{shard}/port")));
        text.unwrap().trim().parse().unwrap()
    };
    [connect(port("s1")).await, connect(port("s2")).await]
}

async fn run(c: &mut Conn, list: &[&str]) {
    for sql in list {
        c.query_drop(*sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

/// Objects that use the table vt of a database: their CREATE, what drops them, and their kind.
fn users_of_vt(db: &str, other: &str) -> Vec<(String, String, &'static str)> {
    vec![
        (
            "CREATE VIEW x AS SELECT v FROM vt".to_string(),
            "VIEW x".to_string(),
            "view",
        ),
        (
            "CREATE PROCEDURE x() INSERT INTO vt VALUES (1, 1)".into(),
            "PROCEDURE x".into(),
            "procedure",
        ),
        (
            "CREATE FUNCTION x() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM vt)"
                .into(),
            "FUNCTION x".into(),
            "function",
        ),
        (
            "CREATE TRIGGER x AFTER INSERT ON a FOR EACH ROW INSERT INTO vt VALUES (NEW.id, 1)"
                .into(),
            "TRIGGER x".into(),
            "trigger",
        ),
        (
            "CREATE EVENT x ON SCHEDULE EVERY 1 DAY DO DELETE FROM vt".into(),
            "EVENT x".into(),
            "event",
        ),
        (
            format!("CREATE VIEW {other}.x AS SELECT v FROM {db}.vt"),
            format!("VIEW {other}.x"),
            "view",
        ),
    ]
}

/// A name that an object uses becomes a table on several shards in no way, as long as the object is there.
async fn stands_in_the_way(c: &mut Conn, create: &str, drop: &str, object: &str) {
    let sharded = "CREATE TABLE vt (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)";
    run(
        c,
        &[
            "CREATE TABLE vt (id INT PRIMARY KEY, v INT)",
            create,
            "DROP TABLE vt",
        ],
    )
    .await;
    let (code, text) = error_of(c, sharded).await;
    assert!(
        code == 1235 && text.contains(object) && text.contains(".x"),
        "{create}: {code} {text}"
    );
    // Another name that becomes this one is no better.
    run(
        c,
        &["CREATE TABLE w (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)"],
    )
    .await;
    for rename in ["RENAME TABLE w TO vt", "ALTER TABLE w RENAME TO vt"] {
        let (code, text) = error_of(c, rename).await;
        assert!(
            code == 1235 && text.contains(object),
            "{create}: {code} {text}"
        );
    }
    let named = "CREATE SHARDING RULE FOR vt HASH (id)";
    run(c, &["DROP TABLE w", named]).await;
    let (code, _) = error_of(c, "CREATE TABLE vt (id INT PRIMARY KEY, v INT)").await;
    assert_eq!(code, 1235, "{create}");
    run(
        c,
        &[
            "DROP SHARDING RULE FOR vt",
            &format!("DROP {drop}"),
            sharded,
        ],
    )
    .await;
    run(
        c,
        &[
            "INSERT INTO vt VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
            "DROP TABLE vt",
        ],
    )
    .await;
}

#[tokio::test]
async fn nothing_that_is_older_than_a_sharded_table_uses_it_inside_one_server() {
    let (mut c, db) = database().await;
    let other = format!("{db}_other");
    run(
        &mut c,
        &[
            "CREATE TABLE a (id INT PRIMARY KEY, v INT)",
            "CREATE TABLE log (id INT PRIMARY KEY)",
            &format!("CREATE DATABASE {other}"),
        ],
    )
    .await;
    for (create, drop, object) in users_of_vt(&db, &other) {
        stands_in_the_way(&mut c, &create, &drop, object).await;
    }
    // A view may read a table that is the same everywhere; a routine must not write it on one shard.
    run(
        &mut c,
        &[
            "CREATE TABLE vt (id INT PRIMARY KEY, v INT)",
            "CREATE VIEW x AS SELECT v FROM vt",
            "DROP TABLE vt",
            "CREATE TABLE vt (id INT PRIMARY KEY, v INT) SHARD BY REFERENCE",
            "INSERT INTO vt VALUES (1, 7)",
        ],
    )
    .await;
    assert_eq!(
        c.query_first::<u8, _>("SELECT v FROM x").await.unwrap(),
        Some(7)
    );
    let jobs: Vec<mysql_async::Row> = c.query("SHOW DDL JOBS").await.unwrap();
    let ours = |r: &mysql_async::Row| format!("{r:?}").contains(&format!("{db}."));
    assert!(!jobs.iter().any(ours), "{jobs:?}");
}

#[tokio::test]
async fn a_prepared_text_means_what_its_names_mean_when_it_runs() {
    let (mut c, _) = database().await;
    run(
        &mut c,
        &[
            "CREATE TABLE vt (id INT PRIMARY KEY)",
            "INSERT INTO vt VALUES (1)",
            "PREPARE s FROM 'SELECT COUNT(*) FROM vt'",
            "PREPARE i FROM 'INSERT INTO vt VALUES (2)'",
            "CREATE TABLE other (id INT PRIMARY KEY)",
            "EXECUTE i",
        ],
    )
    .await;
    assert_eq!(c.query_first::<u8, _>("EXECUTE s").await.unwrap(), Some(2));
    let sharded = "CREATE TABLE vt (id INT PRIMARY KEY) SHARD BY HASH (id)";
    run(&mut c, &["DROP TABLE vt", sharded]).await;
    run(&mut c, &["INSERT INTO vt VALUES (1), (2), (3), (4)"]).await;
    for sql in ["EXECUTE s", "EXECUTE i"] {
        let (code, text) = error_of(&mut c, sql).await;
        assert!([1235, 1615].contains(&code), "{sql}: {code} {text}");
    }
    let moved = "CREATE TABLE vt (id INT PRIMARY KEY) SHARD BY SINGLE ON s2";
    run(&mut c, &["DROP TABLE vt", moved]).await;
    assert_eq!(error_of(&mut c, "EXECUTE s").await.0, 1615);
    run(&mut c, &["PREPARE s FROM 'SELECT COUNT(*) FROM vt'"]).await;
    assert_eq!(c.query_first::<u8, _>("EXECUTE s").await.unwrap(), Some(0));
}

#[tokio::test]
async fn a_value_of_each_server_is_one_value_in_an_answer() {
    let (mut c, _) = database().await;
    run(
        &mut c,
        &[
            "CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)",
            "INSERT INTO t (id) VALUES (1), (2), (3), (4), (5), (6)",
        ],
    )
    .await;
    let mut ports: Vec<u16> = c.query("SELECT @@port FROM t").await.unwrap();
    ports.dedup();
    assert_eq!(ports.len(), 1, "{ports:?}");
    let sql = "UPDATE t SET v = @@port";
    assert_eq!(error_of(&mut c, sql).await.0, 1235);
    run(&mut c, &["UPDATE t SET v = @@port WHERE id = 1"]).await;
}

#[tokio::test]
async fn words_are_not_weighed_by_the_rows_of_one_shard() {
    let (mut c, _) = database().await;
    run(
        &mut c,
        &[
            "CREATE TABLE t (id INT PRIMARY KEY, w TEXT, FULLTEXT KEY (w)) SHARD BY HASH (id)",
            "INSERT INTO t VALUES (1, 'red apple'), (2, 'an apple'), (3, 'sky'), (4, 'red sky')",
        ],
    )
    .await;
    for sql in [
        "SELECT MATCH(w) AGAINST('apple') FROM t WHERE id = 1",
        "SELECT id FROM t WHERE id = 1 AND MATCH(w) AGAINST('apple')",
        "SELECT id FROM t ORDER BY MATCH(w) AGAINST('apple' IN BOOLEAN MODE)",
        "UPDATE t SET w = MATCH(w) AGAINST('sky' IN BOOLEAN MODE) WHERE id = 3",
        "DELETE FROM t WHERE id = 1 AND MATCH(w) AGAINST('apple') > 0.1",
    ] {
        let (code, text) = error_of(&mut c, sql).await;
        assert!(
            code == 1235 && text.contains("BOOLEAN MODE"),
            "{sql}: {text}"
        );
    }
    let sql = "SELECT id FROM t WHERE MATCH(w) AGAINST('+apple -red' IN BOOLEAN MODE)";
    assert_eq!(c.query::<u8, _>(sql).await.unwrap(), [2]);
    let sql = "SELECT id FROM t WHERE id = 4 AND MATCH(w) AGAINST('sky' IN BOOLEAN MODE)";
    assert_eq!(c.query::<u8, _>(sql).await.unwrap(), [4]);
}

#[tokio::test]
async fn structure_does_not_change_inside_a_server() {
    let (mut c, _) = database().await;
    for sql in [
        "CREATE PROCEDURE p() CREATE TABLE x (a INT)",
        "CREATE PROCEDURE p() BEGIN DROP TABLE x; END",
        "CREATE PROCEDURE p() TRUNCATE TABLE x",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO RENAME TABLE a TO b",
        "BEGIN NOT ATOMIC EXECUTE IMMEDIATE 'CREATE TABLE x (a INT)'; END",
        "BEGIN NOT ATOMIC CREATE TABLE x (a INT); END",
        "IF 1 THEN DROP TABLE IF EXISTS x; END IF",
    ] {
        let (code, text) = error_of(&mut c, sql).await;
        assert!(
            code == 1235 && text.contains("not supported"),
            "{sql}: {code} {text}"
        );
    }
    run(&mut c, &[
        "CREATE PROCEDURE p() BEGIN CREATE TEMPORARY TABLE x (a INT); DROP TEMPORARY TABLE x; END",
        "CALL p()",
        "BEGIN NOT ATOMIC DECLARE n INT DEFAULT 1; SET n = TRUNCATE(n, 0); END",
    ])
    .await;
}

#[tokio::test]
async fn a_change_that_the_rows_of_one_shard_forbid_changes_nothing() {
    let (mut c, db) = database().await;
    run(
        &mut c,
        &[
            "CREATE TABLE city (id INT PRIMARY KEY) SHARD BY REFERENCE",
            "INSERT INTO city VALUES (1), (2)",
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(9), c INT) SHARD BY HASH (id)",
        ],
    )
    .await;
    let mut behind = shards().await;
    let shown = async |s: &mut Conn| -> String {
        let row: Option<(String, String)> = s
            .query_first(format!("SHOW CREATE TABLE {db}.t"))
            .await
            .unwrap();
        row.unwrap().1
    };
    // The bad row is on either shard in turn.
    for bad in 1..9 {
        let rows: Vec<_> = (1..9)
            .map(|n| match n == bad {
                true => format!("({n}, -1, NULL, 9)"),
                false => format!("({n}, {n}, 'b{n}', 1)"),
            })
            .collect();
        run(
            &mut c,
            &[
                "DELETE FROM t",
                &format!("INSERT INTO t VALUES {}", rows.join(", ")),
            ],
        )
        .await;
        let before = shown(&mut behind[0]).await;
        for (sql, code) in [
            ("ALTER TABLE t MODIFY a INT UNSIGNED", 1264),
            ("ALTER TABLE t MODIFY b VARCHAR(9) NOT NULL", 1265),
            ("ALTER TABLE t ADD CHECK (a > 0)", 4025),
            (
                "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES city (id)",
                1452,
            ),
        ] {
            assert_eq!(error_of(&mut c, sql).await.0, code, "{sql} with {bad}");
            for shard in &mut behind {
                assert_eq!(shown(shard).await, before, "{sql} with {bad}");
            }
        }
    }
    run(
        &mut c,
        &[
            "UPDATE t SET a = 1, b = 'x', c = 1",
            "ALTER TABLE t MODIFY a INT UNSIGNED NOT NULL",
        ],
    )
    .await;
    assert_eq!(
        error_of(&mut c, "INSERT INTO t VALUES (20, -1, 'x', 1)")
            .await
            .0,
        1264
    );
    // A table that is in the way on one shard leaves nothing on the other.
    run(
        &mut behind[1],
        &[&format!("CREATE TABLE {db}.stray (x INT)")],
    )
    .await;
    let sql = "CREATE TABLE stray (id INT PRIMARY KEY) SHARD BY HASH (id)";
    assert_eq!(error_of(&mut c, sql).await.0, 1050);
    let on_first: Vec<String> = behind[0]
        .query(format!("SHOW TABLES FROM {db} LIKE 'stray'"))
        .await
        .unwrap();
    assert!(on_first.is_empty());
    run(&mut behind[1], &[&format!("DROP TABLE {db}.stray")]).await;
    run(&mut c, &[sql, "INSERT INTO stray VALUES (1), (2), (3)"]).await;
}

#[tokio::test]
async fn a_function_without_tables_is_on_every_shard() {
    let (mut c, db) = database().await;
    run(
        &mut c,
        &[
            "CREATE TABLE t (id INT PRIMARY KEY) SHARD BY HASH (id)",
            "INSERT INTO t VALUES (1), (2), (3), (4), (5), (6)",
            "CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN x + 1",
        ],
    )
    .await;
    for id in 1..7 {
        let sql = format!("SELECT f(id) FROM t WHERE id = {id}");
        assert_eq!(c.query_first::<u8, _>(sql).await.unwrap(), Some(id + 1));
    }
    assert_eq!(error_of(&mut c, "SELECT SUM(f(id)) FROM t").await.0, 1235);
    // Whatever a shard has of that name is not what was asked for.
    run(
        &mut shards().await[1],
        &[&format!(
            "CREATE FUNCTION {db}.g() RETURNS INT DETERMINISTIC RETURN 1"
        )],
    )
    .await;
    run(
        &mut c,
        &[
            "CREATE FUNCTION g() RETURNS INT DETERMINISTIC RETURN 2",
            "ALTER FUNCTION f COMMENT 'x'",
        ],
    )
    .await;
    for id in 1..7 {
        let sql = format!("SELECT g() FROM t WHERE id = {id}");
        assert_eq!(c.query_first::<u8, _>(sql).await.unwrap(), Some(2));
    }
    run(
        &mut c,
        &[
            "CREATE OR REPLACE FUNCTION g() RETURNS INT DETERMINISTIC RETURN 3",
            "DROP FUNCTION f",
        ],
    )
    .await;
    for id in 1..7 {
        let sql = format!("SELECT g() FROM t WHERE id = {id}");
        assert_eq!(c.query_first::<u8, _>(sql).await.unwrap(), Some(3));
        assert_eq!(
            error_of(&mut c, &format!("SELECT f(1) FROM t WHERE id = {id}"))
                .await
                .0,
            1305
        );
    }
}

/// What both sides say of one statement after the other.
async fn same(list: &[&str]) {
    let (mut ours, db) = database().await;
    let mut theirs = connect(plain().shard_port).await;
    run(
        &mut theirs,
        &[&format!("CREATE DATABASE {db}"), &format!("USE {db}")],
    )
    .await;
    for sql in list {
        let one = see(&mut ours, sql, false, Params::Empty, false).await;
        let other = see(&mut theirs, sql, false, Params::Empty, false).await;
        match (one, other) {
            // Numbers of ids and flags of columns are not the question.
            (
                Seen::Answer {
                    rows: a,
                    warnings: v,
                    ..
                },
                Seen::Answer {
                    rows: b,
                    warnings: w,
                    ..
                },
            ) => {
                assert_eq!((a, v), (b, w), "{sql}");
            }
            (one, other) => assert_eq!(one, other, "{sql}"),
        }
    }
}

#[tokio::test]
async fn changes_of_what_is_there_or_not_are_answered_as_by_a_server() {
    same(&[
        "CREATE TABLE s (id INT PRIMARY KEY, v INT) COMMENT 'shard by hash(id)'",
        "ALTER TABLE IF EXISTS nope ADD x INT",
        "RENAME TABLE IF EXISTS nope TO nope2",
        "SHOW WARNINGS",
        "RENAME TABLE IF EXISTS nope TO nope2, s NOWAIT TO s2",
        "RENAME TABLE s2 WAIT 3 TO s",
        "CREATE VIEW IF NOT EXISTS w AS SELECT 1 AS a",
        "CREATE VIEW IF NOT EXISTS w AS SELECT 2 AS a",
        "SHOW WARNINGS",
        "SELECT * FROM w",
        "CREATE VIEW IF NOT EXISTS s AS SELECT 2 AS a",
        "ALTER TABLE s NOWAIT ADD x INT",
        "ALTER TABLE s WAIT 5 ADD y INT",
        "ALTER TABLE IF EXISTS s WAIT 5 DROP y",
        "TRUNCATE TABLE s NOWAIT",
        "CREATE INDEX i ON s (v) NOWAIT",
        "DROP INDEX i ON s WAIT 1",
        "CREATE SEQUENCE q",
        "SELECT NEXTVAL(q)",
        "DROP SEQUENCE q",
        "DROP SEQUENCE IF EXISTS q",
        "DROP TABLE s WAIT 1",
    ])
    .await;
}

#[tokio::test]
async fn ids_follow_those_that_statements_give() {
    same(&[
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT) COMMENT 'shard by hash(id)'",
        "INSERT INTO t VALUES (1, 1), (NULL, 2)",
        "INSERT INTO t VALUES (NULL, 3), (500, 4), (NULL, 5)",
        "SELECT v FROM t ORDER BY id",
        "SELECT COUNT(*) FROM t WHERE id > 500 AND v = 5",
        "DROP TABLE t",
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT) AUTO_INCREMENT = 7000 \
         COMMENT 'shard by hash(id)'",
        "INSERT INTO t (v) VALUES (1), (2)",
        "SELECT id FROM t ORDER BY id",
        "ALTER TABLE t AUTO_INCREMENT = 900000",
        "INSERT INTO t (v) VALUES (1)",
        "SELECT id FROM t ORDER BY id",
        "SET auto_increment_increment = 10, auto_increment_offset = 3",
        "INSERT INTO t (v) VALUES (1), (2), (3)",
        "SELECT id FROM t ORDER BY id",
        "INSERT INTO t (v) VALUES (4)",
        "SELECT id % 10 FROM t WHERE v = 4",
    ])
    .await;
    // Blocks that other workers hold lie behind an explicit id too.
    let (mut c, db) = database().await;
    let table = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT) SHARD BY HASH (id)";
    run(&mut c, &[table, "INSERT INTO t (v) VALUES (1)"]).await;
    let mut more = Vec::new();
    for _ in 0..6 {
        let mut other = connect(shared().port).await;
        run(
            &mut other,
            &[&format!("USE {db}"), "INSERT INTO t (v) VALUES (1)"],
        )
        .await;
        more.push(other);
    }
    run(&mut c, &["INSERT INTO t VALUES (450, 1)"]).await;
    for other in &mut more {
        run(other, &["INSERT INTO t (v) VALUES (2)"]).await;
        assert!(other.last_insert_id() > Some(450));
    }
}

#[tokio::test]
async fn a_new_shard_has_what_every_shard_has() {
    let cluster = Cluster::start("joins", 1, &[]);
    let mut c = connect(cluster.port).await;
    run(&mut c, &[
        "CREATE DATABASE joins",
        "USE joins",
        "CREATE TABLE users (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)",
        "CREATE TABLE a_orders (id INT, u INT, PRIMARY KEY (u, id), FOREIGN KEY (u) REFERENCES users (id)) \
         SHARD BY HASH (u)",
        "CREATE TABLE lone (id INT PRIMARY KEY)",
        "CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN x + 1",
    ])
    .await;
    let server = Cluster::start("joining", 1, &[]);
    let port = server.shard_port.to_string();
    let add = ["shard", "add", "s2", "127.0.0.1", "--port", &port];
    crate::shardctl::fine(&cluster, &add);
    run(
        &mut c,
        &[
            "ALTER TABLE users ADD w INT",
            "ALTER TABLE a_orders ADD w INT",
            "CREATE TABLE new (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)",
            "INSERT INTO new VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)",
            "INSERT INTO users VALUES (1, 1, 1), (2, 2, 2)",
        ],
    )
    .await;
    for id in 1..7 {
        let sql = format!("SELECT f(v) FROM new WHERE id = {id}");
        assert_eq!(c.query_first::<u8, _>(sql).await.unwrap(), Some(id + 1));
    }
    let mut behind = connect(server.shard_port).await;
    let tables: Vec<String> = behind.query("SHOW TABLES FROM joins").await.unwrap();
    assert_eq!(tables, ["a_orders", "new", "users"]);
    run(
        &mut c,
        &[
            "DROP TABLE a_orders",
            "DROP TABLE users",
            "DROP DATABASE joins",
        ],
    )
    .await;
    cluster.stop();
    server.stop();
}

#[tokio::test]
async fn copies_of_a_reference_table_do_not_get_a_servers_own_values() {
    let (mut c, _) = database().await;
    run(
        &mut c,
        &[
            "CREATE TABLE r (id INT PRIMARY KEY, n VARCHAR(99)) SHARD BY REFERENCE",
            "INSERT INTO r VALUES (1, 'x')",
            "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
            "UPDATE r SET n = @@sql_mode",
        ],
    )
    .await;
    for value in [
        "@@port",
        "@@datadir",
        "@@server_uid",
        "@@rand_seed1",
        "@@hostname",
        "@@global.socket",
        "@@server_id",
        "f()",
    ] {
        for sql in [
            format!("UPDATE r SET n = {value}"),
            format!("INSERT INTO r VALUES (2, {value})"),
            format!("INSERT INTO r SET id = 2, n = {value}"),
            format!("INSERT INTO r VALUES (1, 2) ON DUPLICATE KEY UPDATE n = {value}"),
            format!("DELETE FROM r WHERE n = {value}"),
        ] {
            assert_eq!(error_of(&mut c, &sql).await.0, 1235, "{sql}");
        }
    }
    let seen = see(
        &mut c,
        "SELECT COUNT(*) FROM r",
        false,
        Params::Empty,
        false,
    )
    .await;
    assert!(matches!(seen, Seen::Answer { .. }));
}
