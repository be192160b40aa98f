//! Reads that need much, and reads that need little.

use super::*;
use catalog::definition::{Column, UniqueKey};
use catalog::*;
use sql::{Flavor, LexMode, Lexed, classify};

fn catalog() -> Catalog {
    let mut c = Catalog::default();
    let put = Command::PutShard {
        name: "s1".into(),
        host: "h".into(),
        port: 1,
    };
    c = c.apply(&put).unwrap();
    let shard = c.shard_ids()[0];
    let mut add = |id, name: &str, placement, definition: TableDefinition, generated: bool| {
        let table = Table {
            id: TableId(id),
            name: TableName::new("shop", name),
            placement,
            definition: definition.into(),
            auto_increment: generated.then(|| AutoIncrement {
                column: "id".into(),
                max: 1000,
            }),
        };
        c.insert_table(table);
    };
    let names = || TableDefinition::of_names(["id", "total"]);
    add(1, "orders", Placement::Single(shard), names(), true);
    add(2, "seen", Placement::View(shard), names(), true);
    add(3, "people", Placement::Single(shard), people(), false);
    c
}

fn people() -> TableDefinition {
    let column = |name: &str, data_type: &str, collation: &str| Column {
        name: name.into(),
        data_type: data_type.into(),
        collation: collation.into(),
        ..Column::default()
    };
    let key = |name: &str, columns: &[&str], partial: &[&str]| UniqueKey {
        name: name.into(),
        columns: columns.iter().map(|c| c.to_string()).collect(),
        partial: partial.iter().map(|c| c.to_string()).collect(),
    };
    TableDefinition {
        columns: vec![
            column("id", "bigint(20) unsigned", ""),
            column("part", "int(11)", ""),
            column("email", "varchar(200)", "utf8mb4_general_ci"),
            column("code", "char(10)", "ascii_bin"),
            column("notes", "longtext", "utf8mb4_general_ci"),
        ],
        unique_keys: vec![
            key("PRIMARY", &["id", "part"], &[]),
            key("email", &["email"], &[]),
            key("code", &["part"], &["code(3)"]),
        ],
        ..TableDefinition::default()
    }
}

fn needs(sql: &str) -> ReadNeeds {
    let catalog = catalog();
    let mode = LexMode::default();
    let lexed = Lexed::new(sql.as_bytes(), mode, Flavor::default()).unwrap();
    let statement = classify(sql.as_bytes(), &lexed, mode);
    let ctx = PlanContext {
        catalog: &catalog,
        database: Some("shop"),
        mode,
        flavor: Flavor::default(),
    };
    ReadNeeds::of(ctx, sql.as_bytes(), &lexed.tokens, &statement)
}

#[test]
fn a_whole_unique_key_finds_one_row() {
    for sql in [
        "SELECT total FROM orders WHERE id = 5",
        "SELECT total FROM orders o WHERE o.id = ? AND total = 7 LIMIT 1",
        "select t.total from shop.orders as t where shop.t.id = -5 order by total;",
        "SELECT `total` FROM `orders` WHERE `ID` = '5'",
    ] {
        assert!(needs(sql).unique, "{sql}");
    }
    for sql in [
        "SELECT total FROM orders WHERE total = 5",
        "SELECT total FROM orders WHERE id = 5 OR total = 1",
        "SELECT total FROM orders WHERE id = 5 + total",
        "SELECT total FROM orders WHERE id = total",
        "SELECT total FROM orders WHERE id > 5",
        "SELECT total FROM orders WHERE NOT id = 5",
        "SELECT total FROM orders WHERE id = 5 COLLATE x",
        "SELECT total FROM orders WHERE (id) = 5",
        "SELECT total FROM orders, orders b WHERE id = 5",
        "SELECT total FROM orders JOIN orders b WHERE id = 5",
        "SELECT total FROM orders WHERE id = 5 UNION SELECT 1",
        "SELECT total FROM orders WHERE id = (SELECT id FROM orders)",
        "SELECT total FROM seen WHERE id = 5",
        "SELECT total FROM orders",
        "DELETE FROM orders WHERE id = 5",
    ] {
        assert!(!needs(sql).unique, "{sql}");
    }
}

#[test]
fn settings_matter_where_something_hidden_may_run() {
    for sql in [
        "SELECT total FROM orders WHERE id IN (5, 6)",
        "SELECT COUNT(*), MAX(total) FROM orders a JOIN orders b USING (id)",
    ] {
        assert!(!needs(sql).all_settings, "{sql}");
    }
    for sql in [
        "SELECT f(total) FROM orders",
        "SELECT shop.count(total) FROM orders",
        "SELECT COUNT (total) FROM orders",
        "SELECT total FROM seen",
        "SELECT total, @@foreign_key_checks FROM orders",
        "SELECT /*+ SET_VAR(unique_checks = 0) */ total FROM orders",
        "SELECT o.id FROM orders o, performance_schema.session_variables",
        "SELECT 1",
        "SHOW TABLES",
    ] {
        assert!(needs(sql).all_settings, "{sql}");
    }
}

#[test]
fn the_database_matters_where_a_name_has_none() {
    assert!(!needs("SELECT total FROM shop.orders WHERE total > 5").database);
    assert!(!needs("SELECT o.total FROM shop.orders AS o").database);
    for sql in [
        "SELECT total FROM orders",
        "SELECT o.total FROM shop.orders o, orders",
        "SELECT o.total FROM shop.orders o JOIN orders",
        "SELECT total FROM shop.orders WHERE id IN (SELECT id FROM orders)",
        "SELECT DATABASE() FROM shop.orders",
        "SELECT total FROM shop.orders PARTITION (p) , orders",
    ] {
        assert!(needs(sql).database, "{sql}");
    }
}

#[test]
fn the_keys_of_a_table_are_known_and_how_large_its_rows_are() {
    for sql in [
        "SELECT id, email FROM people WHERE part = 2 AND id = 5",
        "SELECT p.id FROM people p WHERE p.email = 'a@b' AND p.code = 'x'",
        "SELECT email, code AS c FROM people WHERE email = ?",
    ] {
        assert!(needs(sql).unique, "{sql}");
    }
    for sql in [
        "SELECT id FROM people WHERE id = 5",
        "SELECT id FROM people WHERE part = 5 AND code = 'abc'",
        // Every row's text is converted.
        "SELECT id FROM people WHERE email = 5",
        // As long as they like.
        "SELECT * FROM people WHERE email = 'a@b'",
        "SELECT id, notes FROM people WHERE email = 'a@b'",
        "SELECT REPEAT(code, 100000) FROM people WHERE email = 'a@b'",
        "SELECT id, 'text' FROM people WHERE email = 'a@b'",
    ] {
        assert!(!needs(sql).unique, "{sql}");
    }
}
