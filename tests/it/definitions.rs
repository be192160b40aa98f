//! Definitions of tables as they are read from real servers.

use crate::cluster::{connect, plain};
use catalog::TableName;
use catalog::definition::{Action, Column, Generated, TableDefinition, Trigger, UniqueKey};
use mysql_async::prelude::Queryable;
use shard::{ConnClass, Login, ServerConn};
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
        tls: None,
        timeout: Duration::from_secs(10),
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
    let trigger = |name: &str, event: &str| Trigger {
        name: name.into(),
        event: event.into(),
    };
    let expected = [
        trigger("a_last", "AFTER DELETE"),
        trigger("b_first", "BEFORE INSERT"),
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
