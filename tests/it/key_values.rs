//! Keys stay what they were when they placed their row, and every way to write a value finds the rows that
//! one plain server finds by it.

use crate::cluster::{connect, database, error_of, plain, shared};
use crate::protocol::Raw;
use mysql_async::prelude::Queryable;

/// Types of parameters as the protocol numbers them.
const TINY: u8 = 1;
const FLOAT: u8 = 4;
const DOUBLE: u8 = 5;
const LONGLONG: u8 = 8;
const DATE: u8 = 10;
const DATETIME: u8 = 12;
const NEWDECIMAL: u8 = 246;
const BLOB: u8 = 252;
const VAR_STRING: u8 = 253;

/// Each type of key, with values of it: those that one comparison by numbers finds together, and others.
const KEYS: [(&str, &[&str]); 9] = [
    ("INT", &["5", "-5", "0", "20260105", "6"]),
    (
        "BIGINT UNSIGNED",
        &["5", "0", "20260105", "9007199254740993", "9007199254740992"],
    ),
    ("DECIMAL(10,2)", &["5.00", "-5.00", "0.50", "0.00", "5.50"]),
    (
        "DECIMAL(30,20)",
        &[
            "5",
            "5.00000000000000000001",
            "0.5",
            "0.50000000000000000001",
            "-5",
        ],
    ),
    ("DATE", &["2026-01-05", "2026-01-06", "2005-05-05"]),
    (
        "DATETIME",
        &[
            "2026-01-05 00:00:00",
            "2026-01-05 01:02:03",
            "2026-01-06 00:00:00",
        ],
    ),
    (
        "VARCHAR(30) COLLATE utf8mb4_bin",
        &[
            "5",
            "05",
            "5.0",
            "5.00",
            " 5",
            "5x",
            "-5",
            "0.5",
            "abc",
            "ABC",
            "é",
            "2026-01-05",
            "0",
        ],
    ),
    (
        "VARCHAR(30) COLLATE utf8mb4_general_ci",
        &[
            "5", "05", "5.0", "5.00", "+5", "5e0", "-5", ".5", "abc", "", "20260105",
        ],
    ),
    (
        "VARBINARY(30)",
        &["5", "05", "5.0", "abc", "ABC", "x'c3a9'", "0"],
    ),
];

/// A parameter: type, bytes, and what people call it.
fn parameters() -> Vec<(u8, Vec<u8>, String)> {
    let mut out = Vec::new();
    for text in [
        "5",
        "5.0",
        "5.00",
        "05",
        "-5",
        "0.5",
        ".5",
        "0",
        "abc",
        "ABC",
        "x'c3a9'",
        "2026-01-05",
        "2026-1-5",
        "2026-01-05 1:2:3",
        "20260105",
        "9007199254740993",
        "5.00000000000000000001",
        "",
    ] {
        let mut bytes = vec![text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        let digits = text
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        if digits && !text.is_empty() && !text.contains("-0") && !text.contains("-1-") {
            out.push((NEWDECIMAL, bytes.clone(), format!("DECIMAL {text}")));
        }
        out.push((VAR_STRING, bytes.clone(), format!("text {text:?}")));
        out.push((BLOB, bytes, format!("bytes {text:?}")));
    }
    for n in [5i64, -5, 0, 20_260_105] {
        out.push((LONGLONG, n.to_le_bytes().to_vec(), format!("BIGINT {n}")));
        out.push((
            DOUBLE,
            (n as f64).to_le_bytes().to_vec(),
            format!("DOUBLE {n}"),
        ));
        out.push((
            FLOAT,
            (n as f32).to_le_bytes().to_vec(),
            format!("FLOAT {n}"),
        ));
    }
    out.push((
        DOUBLE,
        0.5f64.to_le_bytes().to_vec(),
        "DOUBLE 0.5".to_string(),
    ));
    out.push((TINY, vec![5], "TINY 5".to_string()));
    out.push((DATE, vec![4, 0xea, 7, 1, 5], "DATE 2026-01-05".to_string()));
    out.push((
        DATETIME,
        vec![7, 0xea, 7, 1, 5, 1, 2, 3],
        "DATETIME 2026-01-05 01:02:03".to_string(),
    ));
    out
}

/// Code of the error, or the rows, sorted, as bytes.
type Answer = Result<Vec<Vec<u8>>, u16>;

fn is_end(packet: &[u8]) -> bool {
    packet[0] == 0xfe && packet.len() < 9
}

fn read_answer(raw: &mut Raw) -> Answer {
    let first = raw.read().unwrap();
    match first[0] {
        0xff => return Err(u16::from_le_bytes([first[1], first[2]])),
        0 => return Ok(Vec::new()),
        _ => {}
    }
    while !is_end(&raw.read().unwrap()) {}
    let mut rows = Vec::new();
    loop {
        let row = raw.read().unwrap();
        match row[0] {
            0xff => return Err(u16::from_le_bytes([row[1], row[2]])),
            _ if is_end(&row) => break,
            _ => rows.push(row),
        }
    }
    rows.sort();
    Ok(rows)
}

fn query(raw: &mut Raw, sql: &str) -> Answer {
    raw.send(0, &[b"\x03", sql.as_bytes()].concat());
    read_answer(raw)
}

/// Prepares a statement with one parameter; gives its number.
fn prepare(raw: &mut Raw, sql: &str) -> [u8; 4] {
    raw.send(0, &[b"\x16", sql.as_bytes()].concat());
    let ok = raw.read().unwrap();
    assert_eq!(ok[0], 0, "{sql}");
    for part in [7, 5] {
        if u16::from_le_bytes([ok[part], ok[part + 1]]) > 0 {
            while !is_end(&raw.read().unwrap()) {}
        }
    }
    [ok[1], ok[2], ok[3], ok[4]]
}

fn execute(raw: &mut Raw, id: [u8; 4], kind: u8, value: &[u8]) -> Answer {
    let head = [&[0x17][..], &id, &[0, 1, 0, 0, 0, 0, 1, kind, 0]].concat();
    raw.send(0, &[&head, value].concat());
    read_answer(raw)
}

#[test]
fn a_parameter_of_any_type_finds_what_it_finds_on_one_server() {
    let (mut ours, mut theirs) = (
        Raw::log_in_at(shared().port),
        Raw::log_in_at(plain().shard_port),
    );
    let mut both = |sql: &str| {
        for raw in [&mut ours, &mut theirs] {
            query(raw, sql).unwrap_or_else(|code| panic!("{sql}: {code}"));
        }
    };
    both("CREATE DATABASE key_values");
    both("USE key_values");
    both("SET NAMES utf8mb4");
    for (n, (kind, values)) in KEYS.iter().enumerate() {
        for t in ["t", "s"] {
            both(&format!(
                "CREATE TABLE {t}{n} (k {kind} NOT NULL) COMMENT 'shard by hash(k)'"
            ));
        }
        for v in *values {
            let literal = match v.starts_with("x'") {
                true => v.to_string(),
                false => format!("'{v}'"),
            };
            both(&format!("INSERT INTO t{n} VALUES ({literal})"));
        }
    }
    let (mut found, mut stored) = (0, 0);
    for (n, (key, _)) in KEYS.iter().enumerate() {
        let select = format!("SELECT k FROM t{n} WHERE k = ?");
        let insert = format!("INSERT INTO s{n} VALUES (?)");
        let all = format!("SELECT k FROM s{n}");
        let ids =
            [&mut ours, &mut theirs].map(|raw| [prepare(raw, &select), prepare(raw, &insert)]);
        for (kind, value, name) in parameters() {
            let one = execute(&mut ours, ids[0][0], kind, &value);
            let other = execute(&mut theirs, ids[1][0], kind, &value);
            assert_eq!(one, other, "{key} = {name}");
            found += one.map_or(0, |rows| rows.len());
            let one = execute(&mut ours, ids[0][1], kind, &value);
            if one == Err(1235) {
                continue;
            }
            let other = execute(&mut theirs, ids[1][1], kind, &value);
            assert_eq!(one, other, "INSERT of {name} into {key}");
            stored += usize::from(one.is_ok());
            assert_eq!(
                query(&mut ours, &all),
                query(&mut theirs, &all),
                "{key}, {name}"
            );
        }
        // Each row is where its own value leads.
        let by_key = format!(
            "SELECT COUNT(*) FROM s{n} a WHERE NOT EXISTS (SELECT 1 FROM s{n} b WHERE b.k = a.k)"
        );
        assert_eq!(
            query(&mut ours, &by_key),
            query(&mut theirs, &by_key),
            "{key}"
        );
    }
    assert!(
        found > 100 && stored > 150,
        "{found} found, {stored} stored"
    );
}

#[tokio::test]
async fn what_lets_a_server_change_a_key_is_refused() {
    let (mut c, _db) = database().await;
    c.query_drop("CREATE TABLE city (id INT PRIMARY KEY) SHARD BY REFERENCE")
        .await
        .unwrap();
    c.query_drop("CREATE TABLE users (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    let child = |columns: &str, key: &str| {
        format!("CREATE TABLE x (n INT NOT NULL, k {columns}) SHARD BY HASH ({key})")
    };
    let refused = [
        (
            child("DATETIME DEFAULT NOW() ON UPDATE CURRENT_TIMESTAMP", "k"),
            "ON UPDATE",
        ),
        (child("INT AS (n + 1) STORED", "k"), "generated column"),
        (child("INT AS (n + 1) VIRTUAL", "n, k"), "generated column"),
        (
            child(
                "INT, FOREIGN KEY (k) REFERENCES city (id) ON UPDATE CASCADE",
                "k",
            ),
            "ON UPDATE CASCADE",
        ),
        (
            child(
                "INT, FOREIGN KEY (k) REFERENCES users (id) ON DELETE SET NULL",
                "k",
            ),
            "ON DELETE SET NULL",
        ),
        (
            child(
                "INT, FOREIGN KEY (k) REFERENCES users (id) ON DELETE CASCADE ON UPDATE SET NULL",
                "k",
            ),
            "ON UPDATE SET NULL",
        ),
    ];
    for (sql, part) in &refused {
        let (code, text) = error_of(&mut c, sql).await;
        assert!(code == 1235 && text.contains(part), "{sql}: {code} {text}");
    }
    let named = "CREATE SHARDING RULE FOR x HASH (k)";
    c.query_drop(named).await.unwrap();
    let sql = "CREATE TABLE x (k DATETIME DEFAULT NOW() ON UPDATE NOW(), n INT)";
    assert_eq!(error_of(&mut c, sql).await.0, 1235);
    c.query_drop("DROP SHARDING RULE FOR x").await.unwrap();
    let tables: Vec<String> = c.query("SHOW TABLES").await.unwrap();
    assert_eq!(tables, ["city", "users"]);

    let sql = child(
        "INT, FOREIGN KEY (k) REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE",
        "k",
    );
    c.query_drop(sql).await.unwrap();
    for (sql, part) in [
        (
            "ALTER TABLE x ADD FOREIGN KEY (k) REFERENCES city (id) ON DELETE RESTRICT ON UPDATE CASCADE",
            "CASCADE",
        ),
        (
            "ALTER TABLE x MODIFY k DATETIME ON UPDATE NOW()",
            "sharding key",
        ),
        (
            "CREATE TRIGGER g BEFORE UPDATE ON x FOR EACH ROW SET NEW.k = 7",
            "uses a table",
        ),
    ] {
        let (code, text) = error_of(&mut c, sql).await;
        assert!(code == 1235 && text.contains(part), "{sql}: {code} {text}");
    }
    c.query_drop("ALTER TABLE x ADD FOREIGN KEY (n) REFERENCES city (id) ON UPDATE CASCADE")
        .await
        .unwrap();
}

#[tokio::test]
async fn foreign_keys_may_come_before_their_table_if_they_are_not_checked() {
    let (mut c, db) = database().await;
    let child = "CREATE TABLE a (id INT PRIMARY KEY, u INT, FOREIGN KEY (u) REFERENCES b (id))";
    assert_eq!(error_of(&mut c, child).await.0, 1146);
    c.query_drop("SET foreign_key_checks = 0").await.unwrap();
    c.query_drop(child).await.unwrap();
    let (code, text) = error_of(
        &mut c,
        "CREATE TABLE b (id INT PRIMARY KEY) SHARD BY HASH (id)",
    )
    .await;
    assert!(
        code == 1235 && text.contains(&format!("foreign key of {db}.a")),
        "{text}"
    );
    c.query_drop("CREATE TABLE b (id INT PRIMARY KEY)")
        .await
        .unwrap();
    c.query_drop("SET foreign_key_checks = 1").await.unwrap();
    assert_eq!(
        error_of(&mut c, "INSERT INTO a VALUES (1, 1)").await.0,
        1452
    );
    // A shard without the other table would refuse its part, and the first would keep a stray one.
    let sql = "CREATE TABLE s (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES b (id)) SHARD BY HASH (id)";
    let (code, text) = error_of(&mut c, sql).await;
    assert!(
        code == 1235 && text.contains("would cross shards"),
        "{text}"
    );
    let mut s1 = connect(shared().shard_port).await;
    let tables: Vec<String> = s1.query(format!("SHOW TABLES FROM {db}")).await.unwrap();
    assert_eq!(tables, ["a", "b"]);
}
