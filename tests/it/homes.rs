//! Databases whose tables live on several shards: what lists them lists all of them, or says why not.

use crate::cluster::{connect, error_of, shared};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

async fn two_homes() -> Conn {
    let mut c = connect(shared().port).await;
    for sql in [
        "CREATE DATABASE home1 DEFAULT SHARD s1",
        "CREATE DATABASE home2 DEFAULT SHARD s2",
        "CREATE TABLE home1.a (i INT PRIMARY KEY)",
        "CREATE TABLE home2.b (i INT PRIMARY KEY)",
        "CREATE TABLE home2.sh (i INT PRIMARY KEY) SHARD BY HASH (i)",
        "CREATE VIEW home2.v AS SELECT 1 AS x",
        "CREATE DATABASE apart DEFAULT SHARD s1",
        "CREATE TABLE apart.near (i INT PRIMARY KEY)",
        "CREATE TABLE apart.far (i INT PRIMARY KEY, j INT) SHARD BY SINGLE ON s2",
        "CREATE TABLE apart.every (i INT PRIMARY KEY) SHARD BY HASH (i)",
    ] {
        c.query_drop(sql).await.unwrap();
    }
    c
}

const TABLES: &str = "SELECT table_name FROM information_schema.tables";

#[tokio::test]
async fn tables_of_several_shards_are_all_listed() {
    let mut c = two_homes().await;
    let mut names = async |sql: &str| -> Vec<String> { c.query(sql).await.unwrap() };
    assert_eq!(
        names("SHOW TABLES FROM apart").await,
        ["every", "far", "near"]
    );
    assert_eq!(
        names("SHOW TABLES FROM apart LIKE '%ar'").await,
        ["far", "near"]
    );
    assert_eq!(names("SHOW TABLES FROM home2").await, ["b", "sh", "v"]);
    let all = format!("{TABLES} WHERE table_schema = 'home2' ORDER BY 1");
    assert_eq!(names(&all).await, ["b", "sh", "v"]);
    assert_eq!(
        names(&format!("{TABLES} WHERE table_schema IN ('home1')")).await,
        ["a"]
    );
    let one = "WHERE table_schema = 'apart' AND table_name = 'far'";
    assert_eq!(names(&format!("{TABLES} {one}")).await, ["far"]);
    let joined = "SELECT c.column_name FROM information_schema.columns c JOIN information_schema.tables t \
                  USING (table_schema, table_name) WHERE t.table_schema = 'apart' AND t.table_name = 'far' \
                  ORDER BY c.ordinal_position";
    assert_eq!(names(joined).await, ["i", "j"]);
    let or = "WHERE table_schema = 'home1' AND table_name = 'a' OR \
              table_schema = 'home1' AND table_name = 'z'";
    assert_eq!(names(&format!("{TABLES} {or}")).await, ["a"]);
    // A condition of a subquery restricts nothing around it.
    let (code, text) = error_of(
        &mut c,
        &format!("{TABLES} t WHERE EXISTS (SELECT 1 WHERE t.table_schema = 'home1') OR 1 = 1"),
    )
    .await;
    assert_eq!(code, 1235, "{text}");
    for all in [
        TABLES,
        "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema LIKE 'home%'",
    ] {
        let (code, text) = error_of(&mut c, all).await;
        assert!(
            code == 1235 && text.contains("TABLE_SCHEMA"),
            "{all}: {code} {text}"
        );
    }
    c.query_drop("USE home1").await.unwrap();
    let own: Vec<String> = c
        .query(format!("{TABLES} WHERE table_schema = DATABASE()"))
        .await
        .unwrap();
    assert_eq!(own, ["a"]);
    let sql = format!("{TABLES} WHERE table_schema = ? ORDER BY 1");
    for (database, expected) in [("home1", vec!["a"]), ("home2", vec!["b", "sh", "v"])] {
        let listed: Vec<String> = c.exec(&sql, (database,)).await.unwrap();
        assert_eq!(listed, expected);
    }
    let n =
        "SET @n = (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'home2')";
    c.query_drop(n).await.unwrap();
    assert_eq!(c.query_first::<u8, _>("SELECT @n").await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_name_of_prepare_means_the_last_text_wherever_it_runs() {
    let mut c = connect(shared().port).await;
    for n in [1, 2] {
        c.query_drop(format!("CREATE DATABASE prep{n} DEFAULT SHARD s{n}"))
            .await
            .unwrap();
        c.query_drop(format!("CREATE TABLE prep{n}.t (i INT PRIMARY KEY)"))
            .await
            .unwrap();
        c.query_drop(format!("INSERT INTO prep{n}.t VALUES ({n})"))
            .await
            .unwrap();
    }
    for n in [1, 2, 1] {
        let sql = format!("PREPARE one FROM 'SELECT i FROM prep{n}.t'");
        c.query_drop(sql).await.unwrap();
        assert_eq!(c.query::<u8, _>("EXECUTE ONE").await.unwrap(), [n]);
    }
    c.query_drop("PREPARE other FROM 'SELECT i + 10 FROM prep2.t'")
        .await
        .unwrap();
    assert_eq!(c.query::<u8, _>("EXECUTE one").await.unwrap(), [1]);
    assert_eq!(c.query::<u8, _>("EXECUTE other").await.unwrap(), [12]);
    let follows =
        "PREPARE s FROM 'SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE()'";
    assert_eq!(error_of(&mut c, follows).await.0, 1235);
    c.query_drop("DEALLOCATE PREPARE one").await.unwrap();
    assert_eq!(error_of(&mut c, "EXECUTE one").await.0, 1243);
    assert_eq!(error_of(&mut c, "DROP PREPARE one").await.0, 1243);
    assert_eq!(c.query::<u8, _>("EXECUTE other").await.unwrap(), [12]);
}
