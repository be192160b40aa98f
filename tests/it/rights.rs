//! What a user has no right to is not reached by any detour.

use crate::cluster::error_of;
use crate::protocol::Raw;
use crate::shardctl::{dba, fine};
use crate::users::{add, databases, log_in};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};
use wire::caps::{CLIENT_PLUGIN_AUTH, CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION};

#[tokio::test]
async fn a_listing_reads_no_rows_and_calls_nothing() {
    let ctl = dba();
    let mut root = databases(&["w_mine", "w_bank"]).await;
    for sql in [
        "INSERT INTO w_bank.s VALUES (1, 42)",
        "CREATE FUNCTION w_bank.f() RETURNS INT DETERMINISTIC MODIFIES SQL DATA \
         BEGIN INSERT INTO w_bank.s VALUES (9, 9); RETURN 1; END",
    ] {
        root.query_drop(sql).await.unwrap();
    }
    add(ctl, "lister", "p");
    fine(
        ctl,
        &["user", "grant", "lister", "w_mine", "read,write,ddl"],
    );
    let mut c = log_in("lister", "p", "w_mine").await.unwrap();
    let reads = "EXTRACTVALUE(1, CONCAT('~', (SELECT v FROM w_bank.s LIMIT 1)))";
    for show in [
        "DATABASES",
        "TABLES",
        "VARIABLES",
        "STATUS",
        "COLLATION",
        "CHARACTER SET",
        "COLUMNS FROM s",
        "INDEX FROM s",
        "TABLE STATUS",
        "FUNCTION STATUS",
        "PROCEDURE STATUS",
        "TRIGGERS",
        "EVENTS",
        "OPEN TABLES",
    ] {
        for condition in [
            reads,
            "w_bank.f() = 1",
            "1 OR `f`() = 1",
            "EXISTS (TABLE w_bank.s)",
        ] {
            let sql = format!("SHOW {show} WHERE {condition}");
            let (code, text) = error_of(&mut c, &sql).await;
            assert!([1044, 1142, 1235].contains(&code), "{sql}: {code} {text}");
            assert!(!text.contains("42"), "{sql}: {text}");
        }
    }
    let sharded = "SHOW TABLES WHERE (SELECT COUNT(*) FROM h) > 0";
    assert_eq!(error_of(&mut root, "USE w_nowhere").await.0, 1049);
    root.query_drop("USE w_mine").await.unwrap();
    assert_eq!(error_of(&mut root, sharded).await.0, 1235);
    let rows: Vec<i32> = root.query("SELECT id FROM w_bank.s").await.unwrap();
    assert_eq!(rows, [1]);
    for plain in [
        "SHOW TABLES WHERE LENGTH(Tables_in_w_mine) IN (1, 2)",
        "SHOW VARIABLES WHERE Variable_name = 'autocommit' OR (Value LIKE 'nothing')",
    ] {
        let seen: Vec<mysql_async::Row> = c.query(plain).await.unwrap();
        assert!(!seen.is_empty(), "{plain}");
    }
}

#[tokio::test]
async fn what_a_shard_alone_knows_and_what_lies_outside_is_not_reached() {
    let ctl = dba();
    databases(&["o_mine"]).await;
    let mut shard = crate::cluster::connect(ctl.shard_port).await;
    for sql in [
        "CREATE DATABASE o_secret",
        "CREATE TABLE o_secret.s (v INT)",
    ] {
        shard.query_drop(sql).await.unwrap();
    }
    add(ctl, "outsider", "p");
    fine(
        ctl,
        &["user", "grant", "outsider", "o_mine", "read,write,ddl"],
    );
    let mut c = log_in("outsider", "p", "o_mine").await.unwrap();
    for sql in [
        "CREATE VIEW v AS SELECT b.* FROM s a, o_secret.s b",
        "SELECT b.* FROM s a, o_secret.s b",
        "CREATE TABLE n (a INT) ENGINE=MyISAM DATA DIRECTORY='/tmp'",
        "CREATE TABLE n (a INT) ENGINE=FEDERATED CONNECTION='mysql://root@127.0.0.1/o_secret/s'",
        "CREATE TABLE n (a INT) ENGINE=CONNECT TABLE_TYPE=DOS FILE_NAME='/etc/passwd'",
        "CREATE TABLE n (a INT) ENGINE=SPIDER COMMENT='host \"127.0.0.1\"'",
        "CREATE FUNCTION f RETURNS STRING SONAME 'udf.so'",
        "CREATE SERVER x FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1')",
    ] {
        let (code, text) = error_of(&mut c, sql).await;
        assert_eq!(code, 1227, "{sql}: {text}");
    }
    c.query_drop("CREATE TABLE n (a INT PRIMARY KEY) ENGINE=Aria")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_right_ends_what_was_prepared_and_opened() {
    let ctl = dba();
    let mut root = databases(&["r_mine"]).await;
    root.query_drop("INSERT INTO r_mine.s VALUES (1, 1), (2, 2), (3, 3)")
        .await
        .unwrap();
    add(ctl, "former", "p");
    fine(ctl, &["user", "grant", "former", "r_mine", "read"]);
    let mut c = log_in("former", "p", "r_mine").await.unwrap();
    c.query_drop("PREPARE p FROM 'SELECT v FROM s'")
        .await
        .unwrap();
    let values: Vec<i32> = c.query("EXECUTE p").await.unwrap();
    assert_eq!(values.len(), 3);
    let capabilities = CLIENT_PROTOCOL_41 | CLIENT_PLUGIN_AUTH | CLIENT_SECURE_CONNECTION;
    let (mut raw, answer) = Raw::log_in_as(ctl.port, capabilities, 45, ("former", "p"));
    assert_eq!(answer[0], 0);
    raw.send(0, b"\x16SELECT v FROM r_mine.s");
    assert_eq!(raw.read().unwrap()[0], 0);
    let _ = [(); 2].map(|()| raw.read().unwrap());
    // With a cursor, of which one row is fetched.
    raw.send(0, &[0x17, 1, 0, 0, 0, 1, 1, 0, 0, 0]);
    let _ = [(); 3].map(|()| raw.read().unwrap());
    let fetch = [0x1c, 1, 0, 0, 0, 1, 0, 0, 0];
    raw.send(0, &fetch);
    assert_eq!(raw.read().unwrap()[0], 0);
    assert_eq!(raw.read().unwrap()[0], 0xfe);

    fine(ctl, &["user", "revoke", "former", "r_mine", "read"]);
    assert_eq!(error_of(&mut c, "EXECUTE p").await.0, 1142);
    raw.send(0, &fetch);
    assert_eq!(raw.error(), 1142);
}

/// The grants of the accounts on a shard whose users may do something in a database.
async fn grants_in(shard: &mut Conn, database: &str) -> Vec<String> {
    let pattern = database.replace('_', "\\\\_");
    let users = format!(
        "SELECT User FROM mysql.db WHERE Db = '{pattern}' AND User REGEXP '^shardwright_[0-9]+_[0-9]+s?$'"
    );
    let users: Vec<String> = shard.query(users).await.unwrap();
    let mut out = Vec::new();
    for user in users {
        let show = format!("SHOW GRANTS FOR '{user}'@'%'");
        let grants: Vec<String> = shard.query(show).await.unwrap();
        out.push(grants.join("; "));
    }
    out
}

#[tokio::test]
async fn a_shard_refuses_what_the_proxy_does_not_see() {
    let ctl = dba();
    let mut root = databases(&["l_mine", "l_bank"]).await;
    for sql in [
        "INSERT INTO l_bank.s VALUES (1, 42)",
        "CREATE FUNCTION l_mine.f() RETURNS INT READS SQL DATA SQL SECURITY INVOKER \
         RETURN (SELECT v FROM l_mine.s LIMIT 1)",
        "CREATE SQL SECURITY INVOKER VIEW l_mine.v AS SELECT * FROM l_mine.s",
    ] {
        root.query_drop(sql).await.unwrap();
    }
    // Made where the shard is: the proxy has not read it.
    let mut shard = crate::cluster::connect(ctl.shard_port).await;
    for sql in [
        "USE l_mine",
        "CREATE OR REPLACE FUNCTION l_mine.f() RETURNS INT READS SQL DATA SQL SECURITY INVOKER \
         RETURN (SELECT v FROM l_bank.s LIMIT 1)",
        "CREATE OR REPLACE SQL SECURITY INVOKER VIEW l_mine.v AS SELECT * FROM l_bank.s",
    ] {
        shard.query_drop(sql).await.unwrap();
    }
    add(ctl, "twin", "p");
    add(ctl, "twin2", "p");
    for user in ["twin", "twin2"] {
        fine(ctl, &["user", "grant", user, "l_mine", "read,write"]);
    }
    let mut c = log_in("twin", "p", "l_mine").await.unwrap();
    for _ in 0..3 {
        // More than once: also when the statement is known and would be pipelined.
        let (code, text) = error_of(&mut c, "SELECT f()").await;
        assert_eq!(code, 1142, "{text}");
        assert!(
            text.contains("'twin'@'%'") && text.contains("SELECT command denied"),
            "{text}"
        );
        assert!(c.exec_drop("SELECT f() + ?", (1,)).await.is_err());
    }
    assert_eq!(error_of(&mut c, "SELECT * FROM v").await.0, 1356);
    c.query_drop("INSERT INTO s VALUES (1, 1)").await.unwrap();
    let names: Vec<String> = c
        .query("SELECT schema_name FROM information_schema.schemata ORDER BY 1")
        .await
        .unwrap();
    assert_eq!(names, ["information_schema", "l_mine"]);

    // Users who may do the same share an account; it may do that and nothing else.
    let mut other = log_in("twin2", "p", "l_mine").await.unwrap();
    assert_eq!(other.query_first("SELECT v FROM s").await.unwrap(), Some(1));
    let all = grants_in(&mut shard, "l_mine").await;
    assert_eq!(all.len(), 1, "{all:?}");
    for forbidden in [
        "l\\_bank", "FILE", "SUPER", "PROCESS", "DROP", "CREATE,", "ALL",
    ] {
        assert!(!all[0].contains(forbidden), "{forbidden}: {all:?}");
    }
    assert!(all[0].contains("SELECT, INSERT, UPDATE, DELETE"), "{all:?}");

    // With other rights from the next statement on, unless a connection stays with the session.
    c.query_drop("SELECT v FROM s").await.unwrap();
    let mut c = log_in("twin", "p", "l_mine").await.unwrap();
    c.query_drop("SELECT v FROM s").await.unwrap();
    fine(ctl, &["user", "grant", "twin", "l_bank", "read"]);
    assert_eq!(c.query_first("SELECT f()").await.unwrap(), Some(42));
    fine(ctl, &["user", "revoke", "twin", "l_bank", "read"]);
    assert_eq!(error_of(&mut c, "SELECT f()").await.0, 1142);
}

#[tokio::test]
async fn definitions_run_with_the_rights_of_who_made_them() {
    let ctl = dba();
    let mut root = databases(&["f_mine"]).await;
    add(ctl, "author", "p");
    fine(
        ctl,
        &["user", "grant", "author", "f_mine", "read,write,ddl"],
    );
    let mut c = log_in("author", "p", "f_mine").await.unwrap();
    for sql in [
        "CREATE PROCEDURE later() CALL f_later.w()",
        "CREATE PROCEDURE own() INSERT INTO s VALUES (7, 7)",
        "CREATE DEFINER = CURRENT_USER FUNCTION uno() RETURNS INT DETERMINISTIC RETURN 1",
        "CREATE ALGORITHM = MERGE DEFINER = 'author'@'%' SQL SECURITY DEFINER VIEW v AS \
         SELECT id FROM s WITH CHECK OPTION",
        "CREATE OR REPLACE VIEW v AS SELECT id, v FROM s",
        "CREATE TRIGGER t BEFORE INSERT ON s FOR EACH ROW SET NEW.v = NEW.v + 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO DELETE FROM s WHERE id = 100",
        "CALL own()",
    ] {
        c.query_drop(sql).await.unwrap();
    }
    assert_eq!(c.query_first("SELECT v FROM v").await.unwrap(), Some(8));
    for (show, n) in [
        ("SHOW CREATE PROCEDURE own", 2),
        ("SHOW CREATE FUNCTION f_mine.uno", 2),
        ("SHOW CREATE VIEW v", 1),
        ("SHOW CREATE TRIGGER t", 2),
        ("SHOW CREATE EVENT e", 3),
    ] {
        let text = &crate::users::column(&mut c, show, n).await[0];
        assert!(text.contains("`author`@"), "{show}: {text}");
    }
    for foreign in [
        "CREATE DEFINER = root@localhost VIEW w AS SELECT 1",
        "CREATE DEFINER = `root`@`%` PROCEDURE q() SELECT 1",
    ] {
        assert_eq!(error_of(&mut c, foreign).await.0, 1227, "{foreign}");
    }

    for sql in [
        "DROP TRIGGER t",
        "DROP EVENT e",
        "DROP FUNCTION uno",
        "ALTER PROCEDURE own COMMENT 'x'",
    ] {
        c.query_drop(sql).await.unwrap();
    }

    // A database that comes later, with a procedure of somebody else.
    for sql in [
        "CREATE DATABASE f_later",
        "CREATE TABLE f_later.s (id INT)",
        "CREATE PROCEDURE f_later.w() INSERT INTO f_later.s VALUES (1)",
    ] {
        root.query_drop(sql).await.unwrap();
    }
    assert_eq!(error_of(&mut c, "CALL later()").await.0, 1370);
    root.query_drop("CALL f_later.w()").await.unwrap();

    // Rights that are taken away are taken from what was defined too, whoever calls it.
    fine(ctl, &["user", "revoke", "author", "f_mine", "write"]);
    root.query_drop("USE f_mine").await.unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        root.query_drop("DELETE FROM s").await.unwrap();
        match root.query_drop("CALL own()").await {
            Ok(()) => assert!(Instant::now() < until, "the definer keeps its rights"),
            Err(mysql_async::Error::Server(e)) if e.code == 1142 => break,
            Err(e) => panic!("{e}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn structure_is_changed_with_the_users_own_rights() {
    let ctl = dba();
    let mut root = databases(&["t_mine", "t_bank"]).await;
    root.query_drop("INSERT INTO t_bank.s VALUES (1, 42)")
        .await
        .unwrap();
    add(ctl, "builder", "p");
    fine(
        ctl,
        &["user", "grant", "builder", "t_mine", "read,write,ddl"],
    );
    let mut c = log_in("builder", "p", "t_mine").await.unwrap();
    for sql in [
        "CREATE TABLE n (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)",
        "ALTER TABLE n ADD COLUMN w INT",
        "CREATE INDEX i ON n (v)",
        "DROP INDEX i ON n",
        "TRUNCATE TABLE n",
        "CREATE TABLE c AS SELECT * FROM s",
        "CREATE TABLE d LIKE s",
        "RENAME TABLE d TO d2",
        "CREATE SEQUENCE q",
        "DROP SEQUENCE q",
        "DROP TABLE n, c, d2",
    ] {
        let done = c.query_drop(sql).await;
        assert!(done.is_ok(), "{sql}: {done:?}");
    }
    let mut shard = crate::cluster::connect(ctl.shard_port).await;
    let pid = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 't_mine'";
    assert_eq!(shard.query_first(pid).await.unwrap(), Some(2));
    // The proxy reads no further than the query's names; the server looks into the view.
    for sql in [
        "USE t_mine",
        "CREATE SQL SECURITY INVOKER VIEW hidden AS SELECT * FROM t_bank.s",
    ] {
        shard.query_drop(sql).await.unwrap();
    }
    let (code, text) = error_of(&mut c, "CREATE TABLE x AS SELECT * FROM hidden").await;
    assert_ne!(code, 0, "{text}");
    assert_eq!(error_of(&mut root, "SELECT * FROM t_mine.x").await.0, 1146);
    let (code, text) = error_of(&mut c, "CREATE VIEW y AS SELECT * FROM hidden").await;
    assert!([1142, 1356].contains(&code), "{code} {text}");
}
