//! What would quietly mean something else on several servers than on one: it means the same, or is refused.

use crate::cluster::{connect, database, error_of, shared};
use mysql_async::prelude::Queryable;

#[tokio::test]
async fn a_row_limit_of_the_session_is_not_one_of_each_shard() {
    let (mut c, _db) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO t VALUES (1), (2), (3), (4), (5), (6)")
        .await
        .unwrap();
    c.query_drop("SET sql_select_limit = 1").await.unwrap();
    assert_eq!(error_of(&mut c, "SELECT * FROM t").await.0, 1235);
    assert_eq!(
        c.query::<u8, _>("SELECT * FROM t WHERE id = 3")
            .await
            .unwrap(),
        [3]
    );
    c.query_drop("SET sql_select_limit = DEFAULT")
        .await
        .unwrap();
    assert_eq!(c.query::<u8, _>("SELECT * FROM t").await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_clock_that_the_session_has_set_holds_on_every_shard() {
    let (mut c, _db) = database().await;
    let sql = "CREATE TABLE r (id INT PRIMARY KEY, t DATETIME) SHARD BY REFERENCE";
    c.query_drop(sql).await.unwrap();
    c.query_drop("SET time_zone = '+00:00', timestamp = 1000")
        .await
        .unwrap();
    c.query_drop("INSERT INTO r VALUES (1, NOW())")
        .await
        .unwrap();
    c.query_drop("UPDATE r SET id = 2, t = NOW()")
        .await
        .unwrap();
    for sql in [
        "SELECT CAST(t AS CHAR) FROM r",
        "SELECT CAST(NOW() AS CHAR)",
    ] {
        let t: Option<String> = c.query_first(sql).await.unwrap();
        assert_eq!(t.as_deref(), Some("1970-01-01 00:16:40"), "{sql}");
    }
    c.query_drop("SET timestamp = DEFAULT").await.unwrap();
    c.query_drop("INSERT INTO r VALUES (3, NOW())")
        .await
        .unwrap();
    let sql = "SELECT t > '2020-01-01' AND NOW() > '2020-01-01' FROM r WHERE id = 3";
    assert_eq!(c.query_first::<u8, _>(sql).await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_named_lock_excludes_sessions_of_every_database() {
    let mut a = connect(shared().port).await;
    let mut b = connect(shared().port).await;
    for (c, n) in [(&mut a, 1), (&mut b, 2)] {
        let sql = format!("CREATE DATABASE locks{n} DEFAULT SHARD s{n}");
        c.query_drop(sql).await.unwrap();
        c.query_drop(format!("USE locks{n}")).await.unwrap();
    }
    let get = "SELECT GET_LOCK('only one', 0)";
    assert_eq!(a.query_first::<u8, _>(get).await.unwrap(), Some(1));
    assert_eq!(b.query_first::<u8, _>(get).await.unwrap(), Some(0));
    let free = "SELECT IS_FREE_LOCK('only one')";
    assert_eq!(b.query_first::<u8, _>(free).await.unwrap(), Some(0));
    a.query_drop("DO RELEASE_LOCK('only one')").await.unwrap();
    assert_eq!(b.query_first::<u8, _>(get).await.unwrap(), Some(1));
    a.query_drop("CREATE TABLE t (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    let sql = "SELECT GET_LOCK('x', 0) FROM t WHERE id IN (1, 2, 3, 4, 5, 6)";
    assert_eq!(error_of(&mut a, sql).await.0, 1235);
    a.query_drop("SET @x = GET_LOCK('x', 0)").await.unwrap();
    let seen: Option<(u8, u8)> = a.query_first("SELECT @x, IS_FREE_LOCK('x')").await.unwrap();
    assert_eq!(seen, Some((1, 0)));
    let get = "SELECT GET_LOCK('x', 0)";
    assert_eq!(b.query_first::<u8, _>(get).await.unwrap(), Some(0));
}

#[tokio::test]
async fn no_definition_makes_shards_differ() {
    let (mut c, _db) = database().await;
    for sql in [
        "CREATE TABLE t (id INT PRIMARY KEY, u CHAR(36) DEFAULT (UUID())) SHARD BY REFERENCE",
        "CREATE TABLE t (id INT PRIMARY KEY, u DOUBLE DEFAULT (rand())) COMMENT 'shard by reference'",
        "CREATE TABLE t (id INT PRIMARY KEY, who VARCHAR(99) DEFAULT (CURRENT_USER))",
        "CREATE TABLE t (id INT PRIMARY KEY, who VARCHAR(99) DEFAULT (USER()))",
        "CREATE PROCEDURE p() EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM t'",
        "CREATE PROCEDURE p() BEGIN PREPARE s FROM @x; EXECUTE s; DEALLOCATE PREPARE s; END",
        "SET sql_auto_is_null = 1",
        "CREATE VIEW v AS SELECT table_name FROM information_schema.tables",
        "CREATE TABLE t AS SELECT table_name FROM information_schema.tables",
    ] {
        let (code, text) = error_of(&mut c, sql).await;
        assert_eq!(code, 1235, "{sql}: {text}");
    }
    c.query_drop("SET sql_auto_is_null = 0").await.unwrap();
    let sql = "CREATE TABLE t (id INT PRIMARY KEY, user INT, rand INT, u CHAR(36) DEFAULT (UUID()), \
               KEY user (user), KEY rand (rand)) SHARD BY HASH (id)";
    c.query_drop(sql).await.unwrap();
    c.query_drop("CREATE TABLE r (id INT PRIMARY KEY) SHARD BY REFERENCE")
        .await
        .unwrap();
    let (code, _) = error_of(
        &mut c,
        "ALTER TABLE r ADD COLUMN u CHAR(36) DEFAULT (UUID())",
    )
    .await;
    assert_eq!(code, 1235);
    for sql in ["INSERT INTO r VALUES (SYSDATE() + 0)", "CHECKSUM TABLE t"] {
        assert_eq!(error_of(&mut c, sql).await.0, 1235, "{sql}");
    }
}

#[tokio::test]
async fn set_takes_the_values_of_the_session() {
    let (mut c, _db) = database().await;
    c.query_drop("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO t (v) VALUES (1)").await.unwrap();
    let id = c.last_insert_id().unwrap();
    for _ in 0..3 {
        c.query_drop("SET @id = LAST_INSERT_ID(), @who = USER(), @me = CONNECTION_ID()")
            .await
            .unwrap();
        let sql = "SELECT @id, @who = USER(), @me = CONNECTION_ID()";
        let seen: Option<(u64, u8, u8)> = c.query_first(sql).await.unwrap();
        assert_eq!(seen, Some((id, 1, 1)));
    }
    c.query_drop("UPDATE t SET v = 2").await.unwrap();
    c.query_drop("SET @rows = ROW_COUNT()").await.unwrap();
    assert_eq!(
        c.query_first::<i64, _>("SELECT @rows").await.unwrap(),
        Some(1)
    );
    c.query_drop("SET @x = LAST_INSERT_ID(77)").await.unwrap();
    let seen: Option<(u64, u64)> = c.query_first("SELECT @x, LAST_INSERT_ID()").await.unwrap();
    assert_eq!(seen, Some((77, 77)));
    c.query_drop("SET @x = (@y := 5) + 1").await.unwrap();
    let seen: Option<(u64, u64)> = c.query_first("SELECT @x, @y").await.unwrap();
    assert_eq!(seen, Some((6, 5)));
}

#[tokio::test]
async fn last_insert_id_of_an_expression_is_one_value() {
    let (mut c, _db) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)")
        .await
        .unwrap();
    for sql in [
        "SELECT LAST_INSERT_ID(id) FROM t",
        "UPDATE t SET v = LAST_INSERT_ID(v + 1)",
    ] {
        assert_eq!(error_of(&mut c, sql).await.0, 1235, "{sql}");
    }
    // Asking for it must not cost what else is known of the statement.
    let sql =
        "SELECT SQL_CALC_FOUND_ROWS LAST_INSERT_ID(id) FROM (SELECT 5 id UNION SELECT 6) q LIMIT 1";
    c.query_drop(sql).await.unwrap();
    assert_eq!(
        c.query_first::<u64, _>("SELECT FOUND_ROWS()")
            .await
            .unwrap(),
        Some(2)
    );
    c.query_drop("SELECT LAST_INSERT_ID(9), 1 / 0, CAST('x' AS SIGNED)")
        .await
        .unwrap();
    let warnings: Vec<(String, u16, String)> = c.query("SHOW WARNINGS").await.unwrap();
    assert_eq!(
        warnings.iter().map(|w| w.1).collect::<Vec<_>>(),
        [1365, 1292]
    );
    assert_eq!(
        c.query_first::<u64, _>("SELECT LAST_INSERT_ID()")
            .await
            .unwrap(),
        Some(9)
    );
}

#[tokio::test]
async fn locked_tables_stay_locked() {
    let (mut c, _db) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("CREATE TABLE one (id INT PRIMARY KEY)")
        .await
        .unwrap();
    c.query_drop("LOCK TABLES one WRITE").await.unwrap();
    let (code, text) = error_of(&mut c, "INSERT INTO t VALUES (1), (2), (3), (4), (5), (6)").await;
    assert_eq!(code, 1100, "{text}");
    c.query_drop("INSERT INTO one VALUES (1)").await.unwrap();
    c.query_drop("UNLOCK TABLES").await.unwrap();
    c.query_drop("INSERT INTO t VALUES (1), (2), (3), (4), (5), (6)")
        .await
        .unwrap();
    let (code, _) = error_of(&mut c, "CREATE PROCEDURE p() SELECT GET_LOCK('x', 1)").await;
    assert_eq!(code, 1235);
}
