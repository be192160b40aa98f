//! Users of the cluster: logins, and what each right lets through.

use crate::cluster::{Cluster, connect, connect_as, error_of};
use crate::shardctl::{dba, fine, json, refused};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row};

/// A user with a password, made by the command line.
pub fn add(ctl: &Cluster, name: &str, password: &str) {
    let file = ctl.dir.join(format!("{name}.password"));
    std::fs::write(&file, format!("{password}\n")).unwrap();
    let file = file.to_str().unwrap();
    fine(ctl, &["user", "add", name, "--password-file", file]);
}

/// Databases with a hash table and a single table each.
pub async fn databases(names: &[&str]) -> Conn {
    let mut root = connect(dba().port).await;
    for db in names {
        for sql in [
            format!("CREATE DATABASE {db}"),
            format!("CREATE TABLE {db}.h (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)"),
            format!("CREATE TABLE {db}.s (id INT PRIMARY KEY, v INT)"),
        ] {
            root.query_drop(sql).await.unwrap();
        }
    }
    root
}

pub async fn log_in(user: &str, password: &str, database: &str) -> Result<Conn, u16> {
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(dba().port)
        .user(Some(user))
        .pass(Some(password))
        .db_name(Some(database))
        .prefer_socket(false);
    match Conn::new(opts).await {
        Ok(c) => Ok(c),
        Err(mysql_async::Error::Server(e)) => Err(e.code),
        Err(e) => panic!("{e}"),
    }
}

pub async fn column(c: &mut Conn, sql: &str, n: usize) -> Vec<String> {
    let get = |r: Row| r.get(n).unwrap();
    c.query_map(sql, get).await.unwrap()
}

#[tokio::test]
async fn each_right_lets_through_what_it_names() {
    let ctl = dba();
    let mut root = databases(&["u_shop", "u_bank"]).await;
    add(ctl, "clerk", "one");
    assert_eq!(log_in("clerk", "two", "u_shop").await.err(), Some(1045));
    assert_eq!(log_in("clerk", "one", "u_shop").await.err(), Some(1044));
    assert_eq!(log_in("clerk", "one", "no_such").await.err(), Some(1044));
    let mut c = connect_as(ctl.port, "clerk", "one").await;
    let (code, text) = error_of(&mut c, "SELECT * FROM u_shop.h").await;
    assert_eq!(code, 1142);
    assert!(
        text.contains("shardctl user grant clerk u_shop read"),
        "{text}"
    );
    assert_eq!(c.query_first("SELECT 1 + 1").await.unwrap(), Some(2));

    // Rights count from the next statement on.
    fine(ctl, &["user", "grant", "clerk", "u_shop", "read"]);
    c.query_drop("USE u_shop").await.unwrap();
    c.query_drop("SELECT * FROM h WHERE id = 1").await.unwrap();
    c.exec_drop("SELECT * FROM h WHERE id = ?", (1,))
        .await
        .unwrap();
    for write in [
        "INSERT INTO h VALUES (1, 1)",
        "UPDATE s SET v = 1",
        "DELETE FROM h WHERE id = 1",
        "SELECT * FROM s FOR UPDATE",
        "PREPARE p FROM 'DELETE FROM s'",
        "EXECUTE IMMEDIATE 'DELETE FROM s'",
        "CREATE TABLE n (id INT)",
        "SELECT * FROM u_bank.s",
        "SELECT * FROM h, u_bank.h b WHERE h.id = b.id AND h.id = 1",
    ] {
        assert_eq!(error_of(&mut c, write).await.0, 1142, "{write}");
        assert!(c.exec_drop(write, ()).await.is_err(), "{write}");
    }
    assert_eq!(error_of(&mut c, "USE u_bank").await.0, 1044);
    assert_eq!(error_of(&mut c, "DROP DATABASE u_shop").await.0, 1044);
    for server in [
        "SET GLOBAL max_connections = 9",
        "SELECT * FROM mysql.user",
        "SHOW SHARDS",
    ] {
        assert_eq!(error_of(&mut c, server).await.0, 1227, "{server}");
    }

    fine(ctl, &["user", "grant", "clerk", "u_shop", "write,ddl"]);
    c.query_drop("INSERT INTO h VALUES (1, 1), (2, 2)")
        .await
        .unwrap();
    let create = "CREATE TABLE n (id INT PRIMARY KEY) SHARD BY HASH (id)";
    c.query_drop(create).await.unwrap();
    fine(ctl, &["user", "revoke", "clerk", "u_shop", "write"]);
    let update = "UPDATE h SET v = 2 WHERE id = 1";
    assert_eq!(error_of(&mut c, update).await.0, 1142);
    let v = "SELECT v FROM u_shop.h WHERE id = 1";
    assert_eq!(root.query_first(v).await.unwrap(), Some(1));

    fine(ctl, &["user", "drop", "clerk", "--yes"]);
    assert_eq!(error_of(&mut c, "SELECT 1 FROM h").await.0, 1045);
    assert_eq!(log_in("clerk", "one", "u_shop").await.err(), Some(1045));
}

#[tokio::test]
async fn what_a_user_sees_of_the_others() {
    let ctl = dba();
    let mut root = databases(&["v_mine", "v_theirs"]).await;
    add(ctl, "viewer", "p");
    fine(ctl, &["user", "grant", "viewer", "v_mine", "read"]);
    let mut c = log_in("viewer", "p", "v_mine").await.unwrap();
    let seen = column(&mut c, "SHOW DATABASES", 0).await;
    assert_eq!(seen, ["information_schema", "v_mine"]);
    let seen = column(&mut c, "SHOW DATABASES LIKE 'v%'", 0).await;
    assert_eq!(seen, ["v_mine"]);
    let seen = column(&mut c, "SHOW DATABASES WHERE (`Database` LIKE 'v%');", 0).await;
    assert_eq!(seen, ["v_mine"]);
    for way_out in ["WHERE 1) OR (1", "LIKE 'x' OR 1 = 1"] {
        let sql = format!("SHOW DATABASES {way_out}");
        assert_eq!(error_of(&mut c, &sql).await.0, 1064, "{sql}");
    }
    let all = column(&mut root, r"SHOW DATABASES LIKE 'v\_%'", 0).await;
    assert_eq!(all, ["v_mine", "v_theirs"]);
    let seen = column(&mut c, "SHOW SHARDED TABLES", 0).await;
    assert!(
        !seen.is_empty() && seen.iter().all(|d| d == "v_mine"),
        "{seen:?}"
    );
    let seen = column(&mut c, "SHOW PROCESSLIST", 1).await;
    assert!(seen.iter().all(|u| u == "viewer"), "{seen:?}");
    let grants = column(&mut c, "SHOW GRANTS", 0).await;
    let expected = [
        "GRANT USAGE ON *.* TO `viewer`@`%`",
        "GRANT SELECT, SHOW VIEW ON `v_mine`.* TO `viewer`@`%`",
    ];
    assert_eq!(grants, expected);
    assert_eq!(error_of(&mut c, "SHOW GRANTS FOR root").await.0, 1044);
    let of_viewer = column(&mut root, "SHOW GRANTS FOR viewer@'%'", 0).await;
    assert_eq!(of_viewer, expected);

    let id: Option<u32> = root.query_first("SELECT CONNECTION_ID()").await.unwrap();
    let kill = format!("KILL {}", id.unwrap());
    assert_eq!(error_of(&mut c, &kill).await.0, 1095);
    root.query_drop("SELECT 1").await.unwrap();

    fine(ctl, &["user", "grant", "viewer", "*", "admin"]);
    c.query_drop("SHOW SHARDS").await.unwrap();
    c.query_drop("SELECT * FROM v_theirs.h").await.unwrap();
}

#[test]
fn the_verbs_and_what_they_refuse() {
    let ctl = dba();
    add(ctl, "teller", "p");
    for (args, why) in [
        (&["add", "teller", "--generate"][..], "exists already"),
        (&["add", "other"], "--password-file or --generate"),
        (
            &["grant", "teller", "nowhere", "read"],
            "database nowhere does not exist",
        ),
        (
            &["grant", "nobody", "*", "read"],
            "user nobody does not exist",
        ),
        (&["revoke", "teller", "*", "read"], "does not exist"),
        (&["drop", "teller"], "--yes"),
        (&["show", "nobody"], "no user nobody"),
    ] {
        refused(ctl, &[&["user"], args].concat(), why);
    }
    let grant = ["user", "grant", "teller", "*", "read,ddl"];
    fine(ctl, &[&grant[..], &["--dry-run"]].concat());
    let none = serde_json::json!([]);
    assert_eq!(json(ctl, &["user", "show", "teller"])[0]["grants"], none);
    fine(ctl, &grant);
    let shown = json(ctl, &["user", "show", "teller"]);
    assert_eq!(shown[0]["grants"][0]["rights"], "read,ddl");
    assert!(fine(ctl, &["user", "list"]).contains("teller"));
    let made = fine(ctl, &["user", "password", "teller", "--generate"]);
    assert!(made.contains("the password is"));
    let audit = fine(ctl, &["audit", "--limit", "100"]);
    assert!(
        audit.contains("user teller has another password"),
        "{audit}"
    );
    assert!(!audit.contains("$5$"), "{audit}");
}

#[tokio::test]
async fn a_new_password_ends_the_old_one() {
    let ctl = dba();
    databases(&["p_one"]).await;
    add(ctl, "rotated", "old");
    fine(ctl, &["user", "grant", "rotated", "p_one", "read"]);
    log_in("rotated", "old", "p_one").await.unwrap();
    let file = ctl.dir.join("new.password");
    std::fs::write(&file, "new").unwrap();
    let file = file.to_str().unwrap();
    fine(
        ctl,
        &["user", "password", "rotated", "--password-file", file],
    );
    assert_eq!(log_in("rotated", "old", "p_one").await.err(), Some(1045));
    log_in("rotated", "new", "p_one").await.unwrap();
}

#[tokio::test]
async fn an_immediate_text_is_routed_like_any_other() {
    let mut c = databases(&["i_one"]).await;
    c.query_drop("USE i_one").await.unwrap();
    c.query_drop("INSERT INTO h VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
        .await
        .unwrap();
    let all = column(&mut c, "EXECUTE IMMEDIATE 'SELECT id FROM h'", 0).await;
    assert_eq!(all.len(), 4);
    let count = "EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM h'";
    assert_eq!(column(&mut c, count, 0).await, ["4"]);
    let nested = "EXECUTE IMMEDIATE 'PREPARE p FROM @x'";
    assert_eq!(error_of(&mut c, nested).await.0, 1295);
    assert_eq!(error_of(&mut c, "EXECUTE IMMEDIATE @x").await.0, 1064);
    c.query_drop("SET @x = 'SELECT id FROM h'").await.unwrap();
    let all = column(&mut c, "EXECUTE IMMEDIATE @x", 0).await;
    assert_eq!(all.len(), 4);
    let using = "EXECUTE IMMEDIATE 'SELECT id FROM h WHERE id = ?' USING @x";
    assert_eq!(error_of(&mut c, using).await.0, 1235);
    c.query_drop("INSERT INTO s VALUES (7, 8)").await.unwrap();
    c.query_drop("SET @y = 'SELECT v FROM s WHERE id = ?', @z = 7")
        .await
        .unwrap();
    c.query_drop("PREPARE p FROM @y").await.unwrap();
    assert_eq!(c.query_first("EXECUTE p USING @z").await.unwrap(), Some(8));
    c.query_drop("SET @y = 'SELECT v FROM h'").await.unwrap();
    assert_eq!(error_of(&mut c, "PREPARE q FROM @y").await.0, 1235);
}

#[tokio::test]
async fn users_are_made_and_given_rights_in_sql() {
    let ctl = dba();
    let mut root = databases(&["q_shop", "q_other"]).await;
    for sql in [
        "CREATE USER 'sq1'@'%' IDENTIFIED BY 'it''s', sq2 IDENTIFIED BY 'two'",
        "GRANT SELECT ON q_shop.* TO sq1, sq2",
        "GRANT INSERT, UPDATE, DELETE ON `q\\_shop`.* TO 'sq1'@'%'",
    ] {
        root.query_drop(sql).await.unwrap();
    }
    let mut c = log_in("sq1", "it's", "q_shop").await.unwrap();
    c.query_drop("INSERT INTO h VALUES (1, 1)").await.unwrap();
    assert_eq!(error_of(&mut c, "CREATE TABLE n (id INT)").await.0, 1142);
    let expected = [
        "GRANT USAGE ON *.* TO `sq1`@`%`",
        "GRANT SELECT, SHOW VIEW, INSERT, UPDATE, DELETE, EXECUTE, LOCK TABLES, CREATE TEMPORARY TABLES ON \
         `q_shop`.* TO `sq1`@`%`",
    ];
    assert_eq!(column(&mut c, "SHOW GRANTS", 0).await, expected);
    // Others' passwords and rights are for who may do everything.
    for sql in [
        "CREATE USER sq3 IDENTIFIED BY 'x'",
        "SET PASSWORD FOR sq2 = PASSWORD('x')",
        "GRANT ALL ON *.* TO sq1",
        "DROP USER sq2",
    ] {
        assert_eq!(error_of(&mut c, sql).await.0, 1227, "{sql}");
    }
    c.query_drop("SET PASSWORD = PASSWORD('new')")
        .await
        .unwrap();
    assert_eq!(log_in("sq1", "it's", "q_shop").await.err(), Some(1045));
    log_in("sq1", "new", "q_shop").await.unwrap();

    for (sql, code) in [
        ("CREATE USER sq1 IDENTIFIED BY 'x'", 1396),
        ("DROP USER nobody_there", 1396),
        ("ALTER USER nobody_there IDENTIFIED BY 'x'", 1396),
        ("ALTER USER root IDENTIFIED BY 'x'", 1396),
        ("GRANT SELECT ON q_shop.* TO nobody_there", 1133),
        ("GRANT SELECT ON nowhere.* TO sq1", 1049),
        ("REVOKE SELECT ON q_other.* FROM sq1", 1141),
        ("GRANT SELECT ON q_shop.h TO sq1", 1235),
        ("GRANT DELETE ON q_shop.* TO sq1", 1235),
        ("GRANT FILE ON *.* TO sq1", 1235),
        ("CREATE USER sq3@'10.%' IDENTIFIED BY 'x'", 1235),
        ("CREATE USER sq3", 1235),
        ("CREATE ROLE r", 1235),
    ] {
        let (got, text) = error_of(&mut root, sql).await;
        assert_eq!(got, code, "{sql}: {text}");
    }
    root.query_drop("CREATE USER IF NOT EXISTS sq1@localhost IDENTIFIED BY 'x'")
        .await
        .unwrap();
    let notes = column(&mut root, "SHOW WARNINGS", 1).await;
    assert_eq!(notes, ["1105", "1973"]);

    root.query_drop("REVOKE INSERT, UPDATE, DELETE ON q_shop.* FROM sq1")
        .await
        .unwrap();
    assert_eq!(
        error_of(&mut c, "INSERT INTO h VALUES (2, 2)").await.0,
        1142
    );
    root.query_drop("GRANT ALL PRIVILEGES ON *.* TO sq2 WITH GRANT OPTION")
        .await
        .unwrap();
    let mut admin = log_in("sq2", "two", "q_shop").await.unwrap();
    admin
        .query_drop("REVOKE ALL PRIVILEGES, GRANT OPTION FROM sq1")
        .await
        .unwrap();
    assert_eq!(error_of(&mut c, "SELECT * FROM h").await.0, 1142);
    admin
        .query_drop("DROP USER IF EXISTS sq1, nobody_there")
        .await
        .unwrap();
    assert_eq!(log_in("sq1", "new", "q_shop").await.err(), Some(1045));

    // Nobody sees the password while the statement runs, nor later.
    let mut slow = crate::cluster::connect(ctl.port).await;
    let waits = tokio::spawn(async move {
        let sql = "SELECT SLEEP(2), 'IDENTIFIED BY geheim'";
        slow.query_drop(sql).await.unwrap();
    });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    for show in ["SHOW FULL PROCESSLIST", "SHOW PROXY SESSIONS"] {
        let rows: Vec<Row> = root.query(show).await.unwrap();
        let values = rows.into_iter().flat_map(Row::unwrap);
        let all = values.map(|v| v.as_sql(true)).collect::<Vec<_>>().join(" ");
        assert!(!all.contains("geheim"), "{show}: {all}");
    }
    waits.await.unwrap();
    let audit = fine(ctl, &["audit", "--limit", "100"]);
    assert!(
        audit.contains("user sq2") && !audit.contains("it's"),
        "{audit}"
    );
}
