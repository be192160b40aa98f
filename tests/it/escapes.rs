//! Random statements of users who may not, compared with a server's account that has only those rights: what
//! that account is denied, the proxy must not do; and what is nobody's business must never be seen or
//! changed.
//!
//! More of them: SHARDWRIGHT_ESCAPES=1000000, another run: SHARDWRIGHT_ESCAPES_SEED=7.

mod grammar;

use crate::cluster::{connect, connect_as, plain};
use crate::random::Rng;
use crate::shardctl::{dba, fine};
use crate::users::add;
use grammar::Grammar;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use std::time::Duration;

/// Statements of an ordinary run.
const STATEMENTS: usize = 20_000;
/// Statements of a session; what it set or made is gone then.
const SESSION: usize = 40;
/// Longest that a statement may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How a server says that a right is missing.
const DENIED: [u16; 6] = [1044, 1142, 1143, 1227, 1356, 1370];
/// What stands in the rows that nobody here may read.
const CANARY: &str = "canary-7f3a";
/// Users, the rights that they have on their own database, and the same for a server.
const USERS: [(&str, &str, &str); 4] = [
    ("esc_a", "read,write,ddl", BUILDS),
    (
        "esc_b",
        "read",
        "SELECT, SHOW VIEW, EXECUTE, LOCK TABLES, CREATE TEMPORARY TABLES",
    ),
    ("esc_c", "read,write,ddl", BUILDS),
    (
        "esc_d",
        "read,write",
        "SELECT, SHOW VIEW, EXECUTE, LOCK TABLES, CREATE TEMPORARY TABLES, INSERT, UPDATE, DELETE",
    ),
];
const BUILDS: &str = "SELECT, SHOW VIEW, EXECUTE, LOCK TABLES, CREATE TEMPORARY TABLES, INSERT, \
    UPDATE, DELETE, REFERENCES, TRIGGER, EVENT, CREATE, ALTER, DROP, INDEX, CREATE VIEW, CREATE ROUTINE, \
    ALTER ROUTINE";

fn setting(name: &str, otherwise: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

/// The same objects on both sides: a database that nobody has rights on, and one for each user.
async fn prepare(root: &mut Conn) {
    let canary = format!("INSERT INTO esc_bank.s VALUES (1, '{CANARY}'), (2, '{CANARY}')");
    for sql in [
        "CREATE DATABASE esc_bank",
        "CREATE TABLE esc_bank.s (id INT PRIMARY KEY, v VARCHAR(40))",
        &canary,
        "CREATE VIEW esc_bank.w AS SELECT * FROM esc_bank.s",
        "CREATE PROCEDURE esc_bank.p() SELECT v FROM esc_bank.s",
        "CREATE FUNCTION esc_bank.f() RETURNS VARCHAR(40) DETERMINISTIC READS SQL DATA \
         RETURN (SELECT MAX(v) FROM esc_bank.s)",
    ] {
        root.query_drop(sql).await.unwrap();
    }
    for (user, ..) in USERS {
        for sql in [
            format!("CREATE DATABASE {user}"),
            format!("CREATE TABLE {user}.t (id INT PRIMARY KEY, v VARCHAR(40))"),
            format!("CREATE TABLE {user}.u (id INT PRIMARY KEY, v VARCHAR(40))"),
            format!("INSERT INTO {user}.t VALUES (1, 'a'), (2, 'b')"),
        ] {
            root.query_drop(sql).await.unwrap();
        }
    }
}

enum Answer {
    Rows(String),
    Error(u16, String),
    /// The connection ended.
    Lost,
}

async fn attempt(c: &mut Conn, sql: &str, prepared: bool) -> Answer {
    async fn rows(c: &mut Conn, sql: &str, prepared: bool) -> mysql_async::Result<String> {
        let mut rows: Vec<Row> = Vec::new();
        if prepared {
            rows = c.exec(sql, ()).await?;
        } else {
            let mut result = c.query_iter(sql).await?;
            while !result.is_empty() {
                rows.extend(result.collect::<Row>().await?);
            }
        }
        let values = rows.into_iter().flat_map(Row::unwrap);
        Ok(values.map(|v| v.as_sql(true)).collect::<Vec<_>>().join(" "))
    }
    match tokio::time::timeout(PATIENCE, rows(c, sql, prepared)).await {
        Ok(Ok(seen)) => Answer::Rows(seen),
        Ok(Err(mysql_async::Error::Server(e))) => Answer::Error(e.code, e.message),
        Ok(Err(_)) => Answer::Lost,
        Err(_) => panic!("{sql} does not end"),
    }
}

/// The statements of one user; how many the server denied.
async fn duel(n: usize, user: &'static str, seed: u64, count: usize) -> usize {
    let mut grammar = Grammar::new(Rng::new(seed + n as u64), user);
    let (mut denied, mut told) = (0, Vec::new());
    for at in (0..count).step_by(SESSION) {
        let mut ours = connect_as(dba().port, user, "p").await;
        let mut theirs = connect_as(plain().shard_port, user, "p").await;
        told.clear();
        for _ in 0..SESSION.min(count - at) {
            let (sql, prepared) = grammar.statement();
            told.push(sql.clone());
            let server = attempt(&mut theirs, &sql, prepared).await;
            let proxy = attempt(&mut ours, &sql, prepared).await;
            let report = || format!("seed {seed}, user {user}: {}", told.join(";\n  "));
            let is_denied = matches!(server, Answer::Error(code, _) if DENIED.contains(&code));
            denied += usize::from(is_denied);
            match &proxy {
                Answer::Rows(seen) => {
                    assert!(!is_denied, "a server denies it: {}", report());
                    assert!(
                        !seen.contains(CANARY),
                        "it reads others' rows: {}",
                        report()
                    );
                }
                Answer::Error(_, text) => {
                    assert!(!text.contains(CANARY), "{text}: {}", report());
                    assert!(!text.contains("'shardwright_"), "{text}: {}", report());
                }
                Answer::Lost => break,
            }
            if matches!(server, Answer::Lost) {
                break;
            }
        }
    }
    denied
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_servers_account_may_not_do_the_proxy_does_not_either() {
    let ctl = dba();
    let mut root = connect(ctl.port).await;
    prepare(&mut root).await;
    let mut server = connect(plain().shard_port).await;
    prepare(&mut server).await;
    for (user, rights, privileges) in USERS {
        add(ctl, user, "p");
        fine(ctl, &["user", "grant", user, user, rights]);
        for sql in [
            format!("CREATE USER {user}@'%' IDENTIFIED BY 'p'"),
            format!(
                "GRANT {privileges} ON `{}`.* TO {user}@'%'",
                user.replace('_', "\\_")
            ),
        ] {
            server.query_drop(sql).await.unwrap();
        }
    }
    let count = setting("SHARDWRIGHT_ESCAPES", STATEMENTS as u64) as usize / USERS.len();
    let seed = setting("SHARDWRIGHT_ESCAPES_SEED", 1);
    let duels: Vec<_> = USERS
        .iter()
        .enumerate()
        .map(|(n, (user, ..))| tokio::spawn(duel(n, user, seed, count)))
        .collect();
    let mut denied = 0;
    for duel in duels {
        denied += duel.await.unwrap();
    }
    // Else the statements say nothing.
    assert!(denied > count, "{denied} of {}", count * USERS.len());
    let rows: Vec<(i32, String)> = root.query("SELECT * FROM esc_bank.s").await.unwrap();
    assert_eq!(rows, [(1, CANARY.to_string()), (2, CANARY.to_string())]);
    let objects: Vec<String> = root.query("SHOW TABLES FROM esc_bank").await.unwrap();
    assert_eq!(objects, ["s", "w"]);
}
