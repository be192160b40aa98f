//! Definitions of tables as they are read from real servers.

use crate::cluster::{connect, plain};
use crate::configured::servers_of;
use crate::shardctl::{dba, fine, json, refused};
use catalog::TableName;
use catalog::definition::{Action, Column, Generated, TableDefinition, Trigger, UniqueKey};
use mysql_async::prelude::Queryable;
use shard::{ConnClass, Login, ServerConn, Timeouts};
use std::rc::Rc;
use std::time::Duration;

const TABLES: [&str; 6] = [
    "CREATE TABLE parent (id INT PRIMARY KEY, a INT, UNIQUE KEY (a))",
    "CREATE TABLE t (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, \
     n VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s', \
     d DECIMAL(10,2) DEFAULT 1.50, \
     changed TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), \
     kept INT AS (q + 1) STORED, computed INT AS (q + 2) VIRTUAL, hidden INT DEFAULT 7 INVISIBLE, \
     q INT NOT NULL, e ENUM('a','B') CHARACTER SET latin1 DEFAULT 'B', bits BIT(3) DEFAULT b'101', \
     x DOUBLE DEFAULT (1 + 1), parent INT, PRIMARY KEY (id), UNIQUE KEY both_ (n, q), \
     UNIQUE KEY some (q, n(5)), KEY slow (d), \
     CONSTRAINT up FOREIGN KEY (parent) REFERENCES parent (a) ON UPDATE CASCADE ON DELETE SET NULL)",
    "CREATE TRIGGER b_first BEFORE INSERT ON t FOR EACH ROW SET NEW.q = 1",
    "CREATE TRIGGER a_last AFTER DELETE ON t FOR EACH ROW SET @a = 1",
    "CREATE VIEW seen AS SELECT id, n FROM t",
    "CREATE TABLE other (id INT PRIMARY KEY)",
];

fn column(name: &str, data_type: &str) -> Column {
    Column {
        name: name.into(),
        data_type: data_type.into(),
        ..Column::default()
    }
}

fn nullable(name: &str, data_type: &str, default: Option<&str>) -> Column {
    Column {
        nullable: true,
        default: default.map(str::to_string),
        ..column(name, data_type)
    }
}

/// Columns as both kinds of server give them; MySQL has dropped the display width of integers.
fn columns() -> Vec<Column> {
    let text = |c: Column, collation: &str, default: &str| Column {
        collation: collation.into(),
        default: Some(default.into()),
        ..c
    };
    let computed = |name: &str, expression: &str, stored| Column {
        generated: Some(Generated {
            expression: expression.into(),
            stored,
        }),
        ..nullable(name, "int", None)
    };
    vec![
        Column {
            auto_increment: true,
            ..column("id", "bigint unsigned")
        },
        text(column("n", "varchar(20)"), "utf8mb4_bin", "'it''s'"),
        nullable("d", "decimal(10,2)", Some("1.50")),
        Column {
            default: Some("current_timestamp(3)".into()),
            on_update: Some("current_timestamp(3)".into()),
            ..column("changed", "timestamp(3)")
        },
        computed("kept", "`q` + 1", true),
        computed("computed", "`q` + 2", false),
        Column {
            invisible: true,
            ..nullable("hidden", "int", Some("7"))
        },
        column("q", "int"),
        text(
            nullable("e", "enum('a','B')", None),
            "latin1_swedish_ci",
            "'B'",
        ),
        nullable("bits", "bit(3)", Some("b'101'")),
        nullable("x", "double", Some("1 + 1")),
        nullable("parent", "int", None),
    ]
}

/// The same without what servers print each in their own way.
fn plainly(mut table: TableDefinition) -> TableDefinition {
    let bare = |text: String| {
        let text = text.to_ascii_lowercase();
        let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        inner.unwrap_or(&text).to_string()
    };
    for c in &mut table.columns {
        for (wide, short) in [("bigint(20)", "bigint"), ("int(11)", "int")] {
            c.data_type = c.data_type.replace(wide, short);
        }
        if c.name != "e" {
            c.default = c.default.take().map(bare);
        }
        c.on_update = c.on_update.take().map(bare);
        if let Some(g) = &mut c.generated {
            g.expression = bare(std::mem::take(&mut g.expression));
        }
    }
    table
}

fn unique(name: &str, columns: &[&str], partial: &[&str]) -> UniqueKey {
    UniqueKey {
        name: name.into(),
        columns: columns.iter().map(|c| c.to_string()).collect(),
        partial: partial.iter().map(|c| c.to_string()).collect(),
    }
}

/// Reads tables of a server in both ways, and compares with what they were made of.
pub async fn check(port: u16, user: &str, password: &str) {
    let mut c = connect(port).await;
    c.query_drop("CREATE DATABASE definitions").await.unwrap();
    c.query_drop("USE definitions").await.unwrap();
    for sql in TABLES {
        c.query_drop(sql).await.unwrap();
    }
    let login = Login {
        shard: "plain".into(),
        host: "127.0.0.1".into(),
        port,
        user: user.into(),
        password: password.into(),
        account: Default::default(),
        accounts: None,
        tls: None,
        timeouts: Timeouts::connecting_within(Duration::from_secs(10)),
    };
    let connected = ServerConn::connect(&login, ConnClass::default(), Rc::default(), 1).await;
    let mut conn = connected.unwrap();
    let all = schema::read::database(&mut conn, "definitions")
        .await
        .unwrap();
    let names: Vec<_> = all.keys().map(String::as_str).collect();
    assert_eq!(names, ["other", "parent", "seen", "t"]);
    for (name, info) in &all {
        let name = TableName::new("definitions", name);
        let alone = schema::read::table(&mut conn, &name).await.unwrap();
        assert_eq!(alone.as_ref(), Some(info), "one at a time and all at once");
    }
    let nothing = TableName::new("definitions", "nothing");
    assert_eq!(
        schema::read::table(&mut conn, &nothing).await.unwrap(),
        None
    );

    let t = all["t"].clone();
    assert_eq!(t.indexes, ["slow", "up"]);
    let t = plainly(t.definition);
    assert_eq!(t.columns, columns());
    let expected = [
        unique("PRIMARY", &["id"], &[]),
        unique("both_", &["n", "q"], &[]),
        unique("some", &["q"], &["n(5)"]),
    ];
    assert_eq!(t.unique_keys, expected);
    let key = &t.foreign_keys[0];
    assert_eq!(
        (key.name.as_str(), key.table.to_string().as_str()),
        ("up", "definitions.parent")
    );
    assert_eq!(
        (&key.columns[..], &key.referred[..]),
        (&["parent".to_string()][..], &["a".to_string()][..])
    );
    assert_eq!(
        (key.on_update, key.on_delete),
        (Action::Cascade, Action::SetNull)
    );
    let trigger = |name: &str, event: &str, is_harmless| Trigger {
        name: name.into(),
        event: event.into(),
        is_harmless,
    };
    let expected = [
        trigger("a_last", "AFTER DELETE", false),
        trigger("b_first", "BEFORE INSERT", true),
    ];
    assert_eq!(t.triggers, expected);
    let seen: Vec<_> = all["seen"]
        .definition
        .columns
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(seen, ["id", "n"]);
    let parent = TableName::new("definitions", "parent");
    assert_eq!(
        schema::read::referring(&mut conn, &parent).await.unwrap(),
        ["up"]
    );
    c.query_drop("DROP DATABASE definitions").await.unwrap();
}

#[tokio::test]
async fn a_definition_is_read_as_it_was_made() {
    check(plain().shard_port, "root", "").await;
}

/// What an inspection finds wrong with the tables of a database.
fn drift(database: &str) -> Vec<String> {
    let report = json(dba(), &["inspect"]);
    let list = report["findings"].as_array().unwrap().clone();
    let of = |f: &serde_json::Value| {
        let subject = f["subject"].as_str().unwrap();
        f["severity"] == "critical" && subject.starts_with(&format!("table {database}."))
    };
    let said = |f: serde_json::Value| format!("{}: {}", f["subject"], f["text"]);
    list.into_iter().filter(of).map(said).collect()
}

#[tokio::test]
async fn the_catalog_knows_a_table_as_statements_leave_it() {
    let mut c = connect(dba().port).await;
    c.query_drop("CREATE DATABASE known").await.unwrap();
    c.query_drop("USE known").await.unwrap();
    for sql in [
        "CREATE TABLE users (id INT PRIMARY KEY, hidden INT INVISIBLE DEFAULT (1 + 1)) SHARD BY HASH (id)",
        "CREATE TABLE orders (id INT, user_id INT NOT NULL, PRIMARY KEY (id, user_id), \
         FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE) SHARD BY HASH (user_id)",
        "CREATE TABLE city (id INT AUTO_INCREMENT PRIMARY KEY, n VARCHAR(9)) SHARD BY REFERENCE",
        "CREATE TABLE lone (id INT PRIMARY KEY, up INT, twice INT AS (up * 2) STORED, \
         FOREIGN KEY (up) REFERENCES lone (id))",
        "CREATE VIEW seen AS SELECT id, up FROM lone",
        "ALTER TABLE users ADD COLUMN name VARCHAR(20) DEFAULT 'x', ADD UNIQUE KEY (name, id)",
        "CREATE INDEX plain ON orders (user_id, id)",
        "ALTER TABLE lone MODIFY up BIGINT, DROP FOREIGN KEY lone_ibfk_1",
        "RENAME TABLE users TO people",
        "ALTER TABLE orders RENAME TO purchases",
        "CREATE TRIGGER filled BEFORE INSERT ON lone FOR EACH ROW SET NEW.up = 7",
    ] {
        c.query_drop(sql).await.unwrap();
        assert_eq!(drift("known"), Vec::<String>::new(), "after {sql}");
    }
    c.query_drop("INSERT INTO lone (id) VALUES (1)")
        .await
        .unwrap();
    let twice: Option<i64> = c.query_first("SELECT twice FROM lone").await.unwrap();
    assert_eq!(twice, Some(14));
    c.query_drop("DROP TRIGGER filled").await.unwrap();
    assert_eq!(drift("known"), Vec::<String>::new());
    c.query_drop("DROP DATABASE known").await.unwrap();
}

#[tokio::test]
async fn what_was_changed_behind_the_proxy_is_taken_over_when_the_shards_agree() {
    let mut c = connect(dba().port).await;
    c.query_drop("CREATE DATABASE taken").await.unwrap();
    c.query_drop("USE taken").await.unwrap();
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    let ports = servers_of(dba(), 2);
    let mut behind = [connect(ports[0].port).await, connect(ports[1].port).await];
    behind[0]
        .query_drop("ALTER TABLE taken.t ADD w INT")
        .await
        .unwrap();
    let found = drift("taken");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("it has a column w, which the catalog has not"),
        "{found:?}"
    );
    let refresh = ["table", "refresh", "taken.t"];
    refused(
        dba(),
        &refresh,
        "the shards differ; on s2: it has no column w, which s1 has",
    );
    behind[1]
        .query_drop("ALTER TABLE taken.t ADD w INT")
        .await
        .unwrap();
    let found = drift("taken");
    assert!(
        found.len() == 2
            && found
                .iter()
                .all(|f| f.contains("which the catalog has not")),
        "{found:?}"
    );
    let said = fine(dba(), &[&refresh[..], &["--dry-run"]].concat());
    assert!(said.contains("it has a column w"), "{said}");
    assert_eq!(
        drift("taken").len(),
        2,
        "it was only said what would happen"
    );
    fine(dba(), &refresh);
    assert_eq!(drift("taken"), Vec::<String>::new());
    assert!(fine(dba(), &refresh).contains("nothing has changed"));
    // An INSERT without a column list fills the new column too.
    c.query_drop("INSERT INTO t VALUES (1, 2, 3)")
        .await
        .unwrap();
    assert_eq!(
        c.query_first("SELECT w FROM t WHERE id = 1").await.unwrap(),
        Some(3)
    );
    for shard in &mut behind {
        shard
            .query_drop("ALTER TABLE taken.t MODIFY id BIGINT")
            .await
            .unwrap();
    }
    refused(dba(), &refresh, "where rows belong depends on it");
    refused(
        dba(),
        &["table", "refresh", "taken.nothing"],
        "does not exist",
    );
    c.query_drop("DROP DATABASE taken").await.unwrap();
}
