//! What one plain server answers, the proxy answers the same: rows, columns, affected rows, ids,
//! warnings and errors, as text and prepared.

use crate::cluster::{connect, plain, shared};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Params, Value};

/// Everything that a client can see of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    Error(u16, String, String),
    Answer {
        columns: Vec<(String, String, u8, u16, u16, u8)>,
        rows: Vec<Vec<Value>>,
        affected: u64,
        insert_id: Option<u64>,
        warnings: u16,
        info: String,
    },
}

impl Seen {
    /// For people, values whole.
    pub fn shown(&self) -> String {
        match self {
            Seen::Answer {
                rows,
                columns,
                affected,
                warnings,
                info,
                ..
            } => {
                let row = |r: &Vec<Value>| {
                    r.iter()
                        .map(|v| v.as_sql(false))
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let rows: Vec<_> = rows.iter().map(row).collect();
                format!("{rows:?}, {affected} affected, {warnings} warnings, {info:?}, {columns:?}")
            }
            error => format!("{error:?}"),
        }
    }

    /// Without what depends on how a server finds the rows: the number of warnings, and whether a column of
    /// an outer join says that it is never NULL.
    pub fn without_chance(&self) -> Seen {
        let mut out = self.clone();
        if let Seen::Answer {
            columns,
            warnings,
            info,
            ..
        } = &mut out
        {
            columns.iter_mut().for_each(|c| c.3 &= !1);
            *warnings = 0;
            *info = info
                .split("Warnings")
                .next()
                .unwrap_or_default()
                .to_string();
        }
        out
    }
}

/// What a client sees of one statement; rows sorted if they have no order.
pub async fn see(c: &mut Conn, sql: &str, prepared: bool, params: Params, sorted: bool) -> Seen {
    let result: Result<Seen, mysql_async::Error> = async {
        let mut seen = if prepared {
            let statement = c.prep(sql).await?;
            let mut r = c.exec_iter(&statement, params).await?;
            let columns = columns(r.columns_ref());
            let rows: Vec<mysql_async::Row> = r.collect().await?;
            (columns, rows)
        } else {
            let mut r = c.query_iter(sql).await?;
            let columns = columns(r.columns_ref());
            let rows: Vec<mysql_async::Row> = r.collect().await?;
            r.drop_result().await?;
            (columns, rows)
        };
        let mut rows: Vec<Vec<Value>> = seen.1.drain(..).map(mysql_async::Row::unwrap).collect();
        if sorted {
            rows.sort_by_key(|r| r.iter().map(|v| v.as_sql(false)).collect::<Vec<_>>());
        }
        Ok(Seen::Answer {
            columns: seen.0,
            rows,
            affected: c.affected_rows(),
            insert_id: c.last_insert_id(),
            warnings: c.get_warnings(),
            info: c.info().into_owned(),
        })
    }
    .await;
    match result {
        Ok(seen) => seen,
        Err(mysql_async::Error::Server(e)) => Seen::Error(e.code, e.state, e.message),
        Err(e) => panic!("{sql}: {e}"),
    }
}

fn columns(list: &[mysql_async::Column]) -> Vec<(String, String, u8, u16, u16, u8)> {
    list.iter()
        .map(|c| {
            (
                c.name_str().into_owned(),
                c.table_str().into_owned(),
                c.column_type() as u8,
                c.flags().bits(),
                c.character_set(),
                c.decimals(),
            )
        })
        .collect()
}

/// A connection to the proxy and one to a plain server.
pub struct Pair {
    ours: Conn,
    theirs: Conn,
    compared: usize,
    different: Vec<String>,
}

impl Pair {
    async fn new(database: &str) -> Pair {
        let (ours, theirs) = (connect(shared().port), connect(plain().shard_port));
        Self::between(ours.await, theirs.await, database).await
    }

    /// One between a proxy and a server; the database is made on both.
    pub async fn between(ours: Conn, theirs: Conn, database: &str) -> Pair {
        let mut pair = Pair {
            ours,
            theirs,
            compared: 0,
            different: Vec::new(),
        };
        pair.same(&format!("CREATE DATABASE {database}")).await;
        pair.same(&format!("USE {database}")).await;
        pair
    }

    async fn compare(&mut self, sql: &str, prepared: bool, sorted: bool) {
        let ours = see(&mut self.ours, sql, prepared, Params::Empty, sorted).await;
        let theirs = see(&mut self.theirs, sql, prepared, Params::Empty, sorted).await;
        // What no server would run may be refused as "not supported" before a server sees it.
        // A syntax error that the tokenizer finds has words of its own.
        if let (Seen::Error(1235 | 1064, ..), Seen::Error(..)) = (&ours, &theirs) {
            return;
        }
        if ours != theirs {
            let how = if prepared { "prepared" } else { "text" };
            let lines = format!("{sql} ({how})\n  ours:   {ours:?}\n  theirs: {theirs:?}");
            self.different.push(lines);
        }
        self.compared += 1;
    }

    /// At least so many answers were compared and all were the same.
    pub fn check(&self, at_least: usize) {
        let list = self.different.join("\n");
        assert!(list.is_empty(), "{} differ:\n{list}", self.different.len());
        assert!(self.compared > at_least, "{}", self.compared);
    }

    async fn same(&mut self, sql: &str) {
        self.compare(sql, false, false).await;
    }

    /// Reads, which may be run twice.
    pub async fn read(&mut self, sql: &str) {
        for prepared in [false, true] {
            // More than the runs after which a statement may be shared.
            for _ in 0..5 {
                self.compare(sql, prepared, false).await;
            }
        }
    }
}

impl Pair {
    /// Each line of a corpus; `sorted:` in front of it says that its rows have no order.
    pub async fn corpus(&mut self, text: &str) {
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with("--") {
                continue;
            }
            match line.strip_prefix("sorted: ") {
                Some(sql) => self.compare(sql, false, true).await,
                None if line.to_ascii_lowercase().starts_with("select") => self.read(line).await,
                None => self.same(line).await,
            }
        }
    }
}

/// Column types, each with values and expressions over `v`.
const TYPES: [(&str, &[&str]); 30] = [
    ("TINYINT", &["0", "-128", "127", "NULL"]),
    ("TINYINT UNSIGNED", &["0", "255", "1"]),
    ("SMALLINT", &["-32768", "32767", "NULL"]),
    ("MEDIUMINT", &["-5", "8388607", "-8388608"]),
    ("INT", &["-2147483648", "2147483647", "42"]),
    ("INT UNSIGNED ZEROFILL", &["7", "4294967295"]),
    ("BIGINT", &["-9223372036854775808", "9223372036854775807"]),
    ("BIGINT UNSIGNED", &["18446744073709551615", "0"]),
    ("DECIMAL(10,3)", &["1.5", "-9999999.999", "NULL", "0"]),
    ("FLOAT", &["1.25", "-0.5", "1e10"]),
    ("DOUBLE", &["1.1", "-1e300", "NULL"]),
    ("BIT(12)", &["b'101'", "4095"]),
    ("DATE", &["'2026-02-28'", "'1000-01-01'", "NULL"]),
    ("DATETIME", &["'2026-02-28 23:59:59'", "NULL"]),
    ("DATETIME(6)", &["'2026-02-28 23:59:59.123456'"]),
    ("TIMESTAMP NULL", &["'2026-01-01 00:00:01'", "NULL"]),
    ("TIME(3)", &["'-838:59:59'", "'12:34:56.789'"]),
    ("YEAR", &["2026", "1901"]),
    ("CHAR(10)", &["'abc'", "'  pad'", "''", "NULL"]),
    (
        "VARCHAR(50) COLLATE utf8mb4_bin",
        &["'Ünïcödé 🙂'", "'it''s'", "'a\\\\b'"],
    ),
    ("BINARY(4)", &["x'00ff'", "'ab'"]),
    ("VARBINARY(20)", &["x'00ff00'", "''"]),
    ("TINYTEXT", &["'short'", "NULL"]),
    ("TEXT", &["'line\\nline'", "''"]),
    ("LONGTEXT", &["REPEAT('x', 100000)", "'y'"]),
    ("BLOB", &["x'deadbeef'", "NULL"]),
    ("ENUM('a','b','c')", &["'b'", "3", "NULL"]),
    ("SET('x','y','z')", &["'x,z'", "''"]),
    ("JSON", &["'{\"a\": [1, 2]}'", "'null'"]),
    ("UUID", &["'123e4567-e89b-12d3-a456-426655440000'", "NULL"]),
];

#[tokio::test]
async fn every_column_type_reads_and_writes_the_same() {
    let mut p = Pair::new("types").await;
    for (n, (kind, values)) in TYPES.iter().enumerate() {
        let t = format!("t{n}");
        p.same(&format!(
            "CREATE TABLE {t} (id INT NOT NULL PRIMARY KEY, v {kind}) COMMENT 'shard by hash(id)'"
        ))
        .await;
        for (i, v) in values.iter().enumerate() {
            p.same(&format!("INSERT INTO {t} (id, v) VALUES ({i}, {v})"))
                .await;
            p.read(&format!("SELECT * FROM {t} WHERE id = {i}")).await;
            p.same(&format!(
                "SELECT v, HEX(v), v IS NULL, LENGTH(v) FROM {t} WHERE id = {i}"
            ))
            .await;
            p.same(&format!(
                "SELECT COUNT(*), MIN(v), MAX(v) FROM {t} WHERE id = {i}"
            ))
            .await;
        }
        p.same(&format!(
            "UPDATE {t} SET v = {} WHERE id = 0",
            values[values.len() - 1]
        ))
        .await;
        p.same(&format!("REPLACE INTO {t} VALUES (0, {})", values[0]))
            .await;
        p.same(&format!("INSERT IGNORE INTO {t} VALUES (0, {})", values[0]))
            .await;
        p.same(&format!("INSERT INTO {t} VALUES (0, {})", values[0]))
            .await;
        p.compare(&format!("SELECT * FROM {t}"), false, true).await;
        for sql in [
            "SELECT v, id FROM @ ORDER BY v, id",
            "SELECT v, COUNT(*), MIN(id) FROM @ GROUP BY v ORDER BY v",
            "SELECT COUNT(DISTINCT v), MIN(v), MAX(v) FROM @",
        ] {
            for prepared in [false, true] {
                p.compare(&sql.replace('@', &t), prepared, false).await;
            }
        }
        p.same(&format!("DELETE FROM {t} WHERE id IN (0)")).await;
        p.same(&format!("SELECT v FROM {t} WHERE id = 0")).await;
    }
    p.check(1000);
}

/// Statements over a hash table, a range table, a reference table and a single table.
const CORPUS: &str = include_str!("../compare/one_shard.sql");

/// Reads of several shards, put together on one.
const SEVERAL: &str = include_str!("../compare/several_shards.sql");

/// Reads whose parts are merged.
const MERGE: &str = include_str!("../compare/merge.sql");

#[tokio::test]
async fn merged_reads_agree() {
    let mut p = Pair::new("merged").await;
    p.corpus(MERGE).await;
    p.check(1000);
}

#[tokio::test]
async fn reads_of_several_shards_agree() {
    let mut p = Pair::new("several").await;
    p.corpus(SEVERAL).await;
    p.check(700);
}

#[tokio::test]
async fn the_corpus_agrees() {
    let mut p = Pair::new("corpus").await;
    p.corpus(CORPUS).await;
    p.check(500);
}
