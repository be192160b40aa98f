//! Errors of the proxy's own: numbers, states and texts are those of servers where servers have them, and
//! each is counted by its class.

use crate::cluster::{Cluster, connect, database, error_of, plain};
use crate::compare::see;
use crate::pipelines::counter;
use mysql_async::Params;
use mysql_async::prelude::Queryable;
use std::collections::HashMap;

/// Errors of MySQL, or of the client library, that MariaDB's list does not have.
const NOT_MARIADBS: [&str; 6] = [
    "ER_CLIENT_LOCAL_FILES_DISABLED",
    "CR_SERVER_LOST",
    "CR_AUTH_PLUGIN_ERR",
    "ER_SECURE_TRANSPORT_REQUIRED",
    "ER_CLIENT_INTERACTION_TIMEOUT",
    "ER_CAPACITY_EXCEEDED",
];

/// Number and SQLSTATE by symbol, from the list that the server's own messages are made of.
fn servers_list(text: &str) -> HashMap<&str, (u16, &str)> {
    let mut list = HashMap::new();
    let mut number = 0;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("start-error-number" | "skip-to-error-number") => {
                number = words.next().unwrap().parse().unwrap()
            }
            Some(symbol) if line.starts_with(|c: char| c.is_ascii_uppercase()) => {
                list.insert(symbol, (number, words.next().unwrap_or("HY000")));
                number += 1;
            }
            _ => {}
        }
    }
    list
}

#[tokio::test]
async fn numbers_and_states_are_the_servers() {
    let mut c = connect(plain().shard_port).await;
    // It lies beside the folder of the character sets.
    let sets: Option<String> = c.query_first("SELECT @@character_sets_dir").await.unwrap();
    let path = format!("{}/../errmsg-utf8.txt", sets.unwrap());
    let text = std::fs::read_to_string(path).unwrap();
    let list = servers_list(&text);
    assert!(list.len() > 1000, "{}", list.len());
    for entry in errors::docs::entries() {
        let code = entry.code;
        match list.get(code.symbol) {
            Some(known) => assert_eq!(*known, (code.number, code.sqlstate), "{}", code.symbol),
            None => assert!(NOT_MARIADBS.contains(&code.symbol), "{}", code.symbol),
        }
    }
}

#[tokio::test]
async fn texts_are_the_servers_where_servers_have_them() {
    let (mut ours, db) = database().await;
    let mut theirs = connect(plain().shard_port).await;
    theirs
        .query_drop(format!("CREATE DATABASE {db}"))
        .await
        .unwrap();
    theirs.query_drop(format!("USE {db}")).await.unwrap();
    let made = ["CREATE TABLE t (id INT PRIMARY KEY, v INT) COMMENT 'shard by hash(id)'"];
    for sql in made {
        ours.query_drop(sql).await.unwrap();
        theirs.query_drop(sql).await.unwrap();
    }
    let wrong = [
        "SELECT * FROM missing",
        "INSERT INTO missing VALUES (1)",
        "SELECT * FROM t JOIN missing USING (id)",
        "USE nowhere",
        "",
        "CREATE TABLE t (id INT PRIMARY KEY)",
        "CREATE VIEW t AS SELECT 1",
        "DROP TABLE missing",
        "DROP VIEW missing",
        "DROP VIEW missing, gone",
        &format!("CREATE DATABASE {db}"),
        "DROP DATABASE nowhere",
        "TRUNCATE missing",
        "RENAME TABLE missing TO other",
        "INSERT INTO t (id, v) VALUES (1, 2), (2)",
        "ROLLBACK TO SAVEPOINT nothing",
        "RELEASE SAVEPOINT nothing",
        "EXECUTE nothing",
        "DEALLOCATE PREPARE nothing",
        "SET last_insert_id = 'x'",
        "KILL 4000000000",
        "KILL QUERY 4000000000",
    ];
    let mut different = Vec::new();
    for sql in wrong {
        let a = see(&mut ours, sql, false, Params::Empty, false).await;
        let b = see(&mut theirs, sql, false, Params::Empty, false).await;
        if a != b {
            different.push(format!("{sql}\n  ours:   {a:?}\n  theirs: {b:?}"));
        }
    }
    ours.query_drop("BEGIN").await.unwrap();
    theirs.query_drop("BEGIN").await.unwrap();
    let sql = "SET TRANSACTION READ ONLY";
    let a = see(&mut ours, sql, false, Params::Empty, false).await;
    let b = see(&mut theirs, sql, false, Params::Empty, false).await;
    assert_eq!(a, b);
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[tokio::test]
async fn errors_are_counted_by_class() {
    let cluster = Cluster::start("error-classes", 2, &[]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE counted").await.unwrap();
    c.query_drop("USE counted").await.unwrap();
    let table = "CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)";
    c.query_drop(table).await.unwrap();
    let before = refused(&cluster).await;
    let wrong = [
        ("USE nowhere", 1049),
        ("UPDATE t SET id = 2 WHERE id = 1", 1235),
        ("XA START 'x'", 1235),
        ("DROP DATABASE mysql", 1044),
        ("INSERT INTO t (v) VALUES (1)", 1364),
        ("FLUSH LOGS", 1235),
        (&format!("KILL QUERY {}", c.id()), 1317),
        // A server's error is not the proxy's.
        ("SELECT nothing FROM t WHERE id = 1", 1054),
    ];
    for (sql, code) in wrong {
        assert_eq!(error_of(&mut c, sql).await.0, code, "{sql}");
    }
    let after = refused(&cluster).await;
    let more: Vec<_> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
    let by_class: Vec<_> = errors::ErrorClass::ALL
        .map(errors::ErrorClass::name)
        .into_iter()
        .zip(more)
        .collect();
    let expected = [
        ("mistake", 2),
        ("denied", 1),
        ("unsupported", 3),
        ("unavailable", 0),
        ("aborted", 1),
        ("internal", 0),
    ];
    assert_eq!(by_class, expected);
    cluster.stop();
}

/// The counters in the order of the classes.
async fn refused(cluster: &Cluster) -> Vec<u64> {
    let mut counts = Vec::new();
    for class in errors::ErrorClass::ALL {
        let name = class.name();
        let line = format!("shardwright_statements_refused_total{{class=\"{name}\"}}");
        counts.push(counter(cluster.admin, &line).await);
    }
    counts
}

#[tokio::test]
async fn what_is_refused_can_be_listed() {
    let (mut c, _) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    let (code, text) = error_of(&mut c, "UPDATE t SET id = 2 WHERE id = 1").await;
    let listed: Vec<(String, u16, String, String)> = c.query("SHOW UNSUPPORTED").await.unwrap();
    let found = listed.iter().find(|(name, ..)| name == "KeyUpdated");
    let (_, number, form, meaning) = found.unwrap();
    let start = form.split('{').next().unwrap();
    assert!(*number == code && text.starts_with(start), "{form}: {text}");
    assert!(!meaning.is_empty() && !meaning.contains('\n'), "{meaning}");
    // Mistakes are not listed.
    assert!(listed.iter().all(|(name, ..)| name != "NoSavepoint"));
}
