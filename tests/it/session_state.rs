//! What a session has set, by whatever statement or stored code, is what one server would have set; and the
//! next session on the same server connection finds nothing of it.

use crate::cluster::{Cluster, connect, database, error_of, plain, shared};
use crate::compare::see;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Params};

/// Runs the scripts of a corpus on the proxy and on one plain server.
async fn compare_scripts(corpus: &str, ours: u16, theirs: u16, name: &str) {
    let lines = corpus
        .lines()
        .map(str::trim)
        .filter(|l| !l.starts_with("--"));
    let lines: Vec<&str> = lines.collect();
    let (mut different, mut compared) = (Vec::new(), 0);
    let scripts = lines.split(|l| l.is_empty()).filter(|s| !s.is_empty());
    for (i, script) in scripts.enumerate() {
        let database = format!("{name}{i}");
        let create = format!("CREATE DATABASE {database}");
        connect(ours).await.query_drop(&create).await.unwrap();
        connect(theirs).await.query_drop(&create).await.unwrap();
        let mut pair = [fresh(ours, &database).await, fresh(theirs, &database).await];
        for sql in script {
            if *sql == "again" {
                let [a, b] = pair;
                a.disconnect().await.unwrap();
                b.disconnect().await.unwrap();
                pair = [fresh(ours, &database).await, fresh(theirs, &database).await];
                continue;
            }
            let here = see(&mut pair[0], sql, false, Params::Empty, false).await;
            let there = see(&mut pair[1], sql, false, Params::Empty, false).await;
            if here != there {
                different.push(format!(
                    "{database}: {sql}\n  ours:   {}\n  theirs: {}",
                    here.shown(),
                    there.shown()
                ));
            }
            compared += 1;
        }
    }
    let list = different.join("\n");
    assert!(list.is_empty(), "{} differ:\n{list}", different.len());
    assert!(compared > 20, "{compared}");
}

async fn fresh(port: u16, database: &str) -> Conn {
    let mut c = connect(port).await;
    c.query_drop(format!("USE {database}")).await.unwrap();
    c
}

#[tokio::test]
async fn sessions_are_as_on_one_server() {
    let corpus = include_str!("../compare/session_state.sql");
    compare_scripts(corpus, shared().port, plain().shard_port, "state").await;
}

/// However ANSI_QUOTES is switched on, quoted names are read as names: routing and rights see the table.
#[tokio::test]
async fn quoted_names_are_names_however_the_mode_was_set() {
    let (mut c, db) = database().await;
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    let rows: Vec<_> = (0..40).map(|i| format!("({i})")).collect();
    c.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", ")))
        .await
        .unwrap();
    for value in [
        "\"ANSI_QUOTES\"",
        "4",
        "TRUE+3",
        "N'ANSI_QUOTES'",
        "x'414E53495F51554F544553'",
        "'\\ANSI_QUOTES'",
        "CONCAT('ANSI', '_QUOTES')",
        "(SELECT 'ANSI_QUOTES')",
        "@quotes",
        "ANSI_QUOTES",
        "'ORACLE'",
    ] {
        let mut c = fresh(shared().port, &db).await;
        c.query_drop("SET @quotes = 'ANSI_QUOTES'").await.unwrap();
        c.query_drop(format!("SET sql_mode = {value}"))
            .await
            .unwrap();
        let sql = "SELECT COUNT(*) FROM \"t\"";
        match c.query_first::<u32, _>(sql).await {
            Ok(n) => assert_eq!(n, Some(40), "{value}"),
            // Not under another grammar.
            Err(e) => assert!(
                value == "'ORACLE'" && e.to_string().contains("1235"),
                "{value}: {e}"
            ),
        }
    }
    for value in [
        "'MSSQL'",
        "'ANSI_QUOTES,mssql'",
        "CONCAT('MS', 'SQL')",
        "1024",
    ] {
        let (code, text) = error_of(&mut c, &format!("SET sql_mode = {value}")).await;
        assert!(
            code == 1235 && text.contains("MSSQL"),
            "{value}: {code} {text}"
        );
        let mode: Option<String> = c.query_first("SELECT @@sql_mode").await.unwrap();
        assert!(!mode.unwrap().contains("MSSQL"), "{value}");
    }
}

/// In gbk a backslash can be the half of a character: refused, however it is asked for.
#[tokio::test]
async fn character_sets_that_hide_quotes_are_refused_however_they_are_named() {
    let (mut c, _) = database().await;
    c.query_drop("SET @a = 'gbk'").await.unwrap();
    for set in [
        "SET character_set_client = gbk",
        "SET character_set_client = \"gbk\"",
        "SET character_set_client = 28",
        "SET character_set_client = @a",
        "SET character_set_client = CONCAT('g', 'bk')",
        "SET character_set_client = 0x67626b",
        "SET @@session.character_set_client = N'gbk'",
        "SET @@`character_set_client` = 'gbk'",
        "SET NAMES gbk",
        "SET NAMES 'GBK' COLLATE gbk_bin",
        "SET CHARACTER SET big5",
        "SET lock_wait_timeout = 9, character_set_client = 28",
    ] {
        let (code, text) = error_of(&mut c, set).await;
        assert!(
            code == 1235 && text.contains("character set"),
            "{set}: {code} {text}"
        );
        let now: Option<(String, u64)> = c
            .query_first("SELECT @@character_set_client, @@lock_wait_timeout")
            .await
            .unwrap();
        let (charset, wait) = now.unwrap();
        assert!(charset == "utf8mb4" && wait != 9, "{set}: {charset} {wait}");
    }
    c.query_drop("CREATE PROCEDURE p () SET character_set_client = gbk")
        .await
        .unwrap();
    let _ = c.query_drop("CALL p()").await;
    let now: Option<String> = c
        .query_first("SELECT @@character_set_client")
        .await
        .unwrap();
    assert_eq!(now.unwrap(), "utf8mb4");
}

/// One connection to the shard: what one session leaves, the next would find.
#[tokio::test]
async fn nothing_is_left_for_the_next_session() {
    let cluster = Cluster::start("leftovers", 1, &["--connections", "2"]);
    let mut c = connect(cluster.port).await;
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a INT PRIMARY KEY)",
        "CREATE PROCEDURE d.off () SET autocommit = 0",
        "CREATE PROCEDURE d.zone () SET time_zone = '+05:00', timestamp = 1000000000",
        "CREATE PROCEDURE d.fails () BEGIN SET time_zone = '+06:00'; SELECT 1 FROM d.nothing; END",
        "CREATE PROCEDURE d.tmp () CREATE TEMPORARY TABLE d.t (b INT)",
        "CREATE PROCEDURE d.picks () SELECT 5 INTO @picked",
        "CREATE FUNCTION d.sets () RETURNS INT DETERMINISTIC BEGIN SET lock_wait_timeout = 3; RETURN 1; END",
        "CREATE VIEW d.v AS SELECT d.sets() AS n",
    ] {
        c.query_drop(sql).await.unwrap();
    }
    for (n, call) in [
        "CALL d.off()",
        "CALL d.zone()",
        "CALL d.fails()",
        "CALL d.tmp()",
        "CALL d.picks()",
        "SELECT d.sets()",
        "SELECT * FROM d.v",
        "DO d.sets()",
        "SET @x = d.sets()",
    ]
    .iter()
    .enumerate()
    {
        // Often enough that it meets every connection of every worker.
        for _ in 0..6 {
            let mut one = connect(cluster.port).await;
            let _ = one.query_drop(*call).await;
            drop(one);
        }
        for m in 0..6 {
            let mut two = connect(cluster.port).await;
            let insert = format!("INSERT INTO d.t (a) VALUES ({})", n * 100 + m);
            two.query_drop(&insert).await.unwrap();
            let state: Option<(u8, String, u64, Option<String>)> = two
                .query_first("SELECT @@autocommit, @@time_zone, @@lock_wait_timeout, @picked")
                .await
                .unwrap();
            let (autocommit, zone, wait, picked) = state.unwrap();
            assert!(
                autocommit == 1 && zone == "SYSTEM" && wait > 3 && picked.is_none(),
                "{call}: {autocommit} {zone} {wait} {picked:?}"
            );
            let late: Option<u8> = two
                .query_first("SELECT NOW() > '2020-01-01'")
                .await
                .unwrap();
            assert_eq!(late, Some(1), "{call}");
            two.disconnect().await.unwrap();
            let sql = format!("SELECT COUNT(*) FROM d.t WHERE a = {}", n * 100 + m);
            let stored: Option<u8> = c.query_first(sql).await.unwrap();
            assert_eq!(stored, Some(1), "{call}: an INSERT is lost");
        }
    }
    many_sessions_share_few_connections(cluster.port).await;
    drop(c);
    cluster.stop();
}

/// What a procedure set is known and replayed, so that it keeps no connection; what else it made does.
async fn many_sessions_share_few_connections(port: u16) {
    let mut c = connect(port).await;
    for sql in [
        "CREATE PROCEDURE d.sets (z VARCHAR(9)) BEGIN SET @z = z, time_zone = z, lock_wait_timeout = 7; END",
        "CREATE PROCEDURE d.fails_late (z VARCHAR(9)) BEGIN SET time_zone = z; SELECT * FROM d.nothing; END",
    ] {
        c.query_drop(sql).await.unwrap();
    }
    let mut sessions = Vec::new();
    for n in 0..8 {
        let mut one = connect(port).await;
        one.query_drop(format!("CALL d.sets('+0{n}:00')"))
            .await
            .unwrap();
        sessions.push(one);
    }
    for (n, one) in sessions.iter_mut().enumerate() {
        let sql = "SELECT @z, @@time_zone, @@lock_wait_timeout";
        let zone = format!("+0{n}:00");
        let seen: Option<(String, String, u32)> = one.query_first(sql).await.unwrap();
        assert_eq!(seen, Some((zone.clone(), zone, 7)));
        let fails = format!("CALL d.fails_late('-0{}:00')", n + 1);
        assert_eq!(error_of(one, &fails).await.0, 1146);
    }
    for (n, one) in sessions.iter_mut().enumerate() {
        let zone: Option<String> = one.query_first("SELECT @@time_zone").await.unwrap();
        assert_eq!(zone, Some(format!("-0{}:00", n + 1)));
    }
    let pins = |rows: Vec<mysql_async::Row>| {
        let pinned = rows.iter().filter_map(|r| r.get::<String, _>("Pinned"));
        pinned.filter(|why| why == "stored code").count()
    };
    let rows = c.query("SHOW PROXY SESSIONS").await.unwrap();
    assert_eq!(pins(rows), 0);
    sessions[0].query_drop("CALL d.tmp()").await.unwrap();
    let rows = c.query("SHOW PROXY SESSIONS").await.unwrap();
    assert_eq!(pins(rows), 1);
}

/// The quickstart fills the demo database as a client of the proxy, with the code that talks to servers.
#[tokio::test]
async fn a_proxy_can_stand_in_place_of_a_server() {
    let login = shard::Login {
        shard: "proxy".into(),
        host: "127.0.0.1".into(),
        port: shared().port,
        user: "root".into(),
        password: "".into(),
        account: Default::default(),
        accounts: None,
        tls: None,
        timeouts: shard::Timeouts::connecting_within(std::time::Duration::from_secs(10)),
    };
    let class = shard::ConnClass::default();
    let connected = shard::ServerConn::connect(&login, class, Default::default(), 1).await;
    let answer = connected.unwrap().run("SHOW SHARDS").await.unwrap();
    assert_eq!(answer.text_rows().unwrap().len(), 2);
}
