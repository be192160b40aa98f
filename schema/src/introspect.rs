//! What a shard says of a table: columns, keys, collations.

use catalog::{AutoIncrement, KeyColumn, KeyType, TextRule};
use shard::{ServerConn, ShardError};
use sql::ident::{quote_name, quote_string};

/// A column as information_schema has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    data_type: String,
    column_type: String,
    chars: u32,
    precision: u8,
    scale: u8,
    fsp: u8,
    collation: String,
    extra: String,
}

/// A table as a shard has it.
#[derive(Debug, Clone, Default)]
pub struct TableInfo {
    /// All columns, in order.
    pub columns: Vec<ColumnInfo>,
    /// Name and columns of each unique key.
    pub unique_keys: Vec<(String, Vec<String>)>,
    /// It has triggers.
    pub has_triggers: bool,
}

/// Asks a shard about a table; `None` if it is not there.
pub async fn table_info(
    conn: &mut ServerConn,
    database: &str,
    table: &str,
) -> Result<Option<TableInfo>, ShardError> {
    let (db, t) = (quote_string(database, false), quote_string(table, false));
    let columns = format!(
        "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COALESCE(CHARACTER_MAXIMUM_LENGTH, 0), \
         COALESCE(NUMERIC_PRECISION, 0), COALESCE(NUMERIC_SCALE, 0), \
         COALESCE(DATETIME_PRECISION, 0), COALESCE(COLLATION_NAME, ''), EXTRA \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {db} AND TABLE_NAME = {t} \
         ORDER BY ORDINAL_POSITION"
    );
    let answer = conn.run(&columns).await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut out = TableInfo::default();
    for r in rows {
        let get = |i: usize| r.get(i).cloned().unwrap_or_default();
        out.columns.push(ColumnInfo {
            name: get(0),
            data_type: get(1).to_ascii_lowercase(),
            column_type: get(2).to_ascii_lowercase(),
            chars: get(3).parse().unwrap_or(u32::MAX),
            precision: get(4).parse().unwrap_or(u8::MAX),
            scale: get(5).parse().unwrap_or(0),
            fsp: get(6).parse().unwrap_or(0),
            collation: get(7),
            extra: get(8).to_ascii_lowercase(),
        });
    }
    let from = format!("{}.{}", quote_name(database), quote_name(table));
    let answer = conn
        .run(&format!("SHOW INDEX FROM {from} WHERE Non_unique = 0"))
        .await;
    let rows = match answer {
        Ok(a) => a.text_rows().map_err(|e| conn.broken(e))?,
        // A view has no indexes.
        Err(ShardError::Server { .. }) => Vec::new(),
        Err(e) => return Err(e),
    };
    for r in rows {
        let (key, column) = (r.get(2).cloned().unwrap_or_default(), r.get(4).cloned());
        match out.unique_keys.iter_mut().find(|(k, _)| *k == key) {
            Some((_, columns)) => columns.extend(column),
            None => out.unique_keys.push((key, column.into_iter().collect())),
        }
    }
    let triggers = format!(
        "SELECT COUNT(*) FROM information_schema.TRIGGERS \
         WHERE EVENT_OBJECT_SCHEMA = {db} AND EVENT_OBJECT_TABLE = {t}"
    );
    let answer = conn.run(&triggers).await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    out.has_triggers = rows
        .first()
        .and_then(|r| r.first())
        .is_some_and(|n| n != "0");
    Ok(Some(out))
}

impl TableInfo {
    /// True if the other table has the same columns and unique keys.
    pub fn is_like(&self, other: &TableInfo) -> bool {
        self.columns == other.columns && self.unique_keys == other.unique_keys
    }

    fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns
            .iter()
            .find(|c| c.name.eq_ignore_ascii_case(name))
    }

    /// Columns that an INSERT without a list fills.
    pub fn insert_columns(&self) -> Vec<String> {
        let visible = self
            .columns
            .iter()
            .filter(|c| !c.extra.contains("invisible"));
        visible.map(|c| c.name.clone()).collect()
    }

    /// The AUTO_INCREMENT column.
    pub fn auto_increment(&self) -> Option<AutoIncrement> {
        let c = self
            .columns
            .iter()
            .find(|c| c.extra.contains("auto_increment"))?;
        let max = match c.integer_bounds() {
            Some((_, max)) => u64::try_from(max).unwrap_or(u64::MAX),
            None => 1 << 53,
        };
        Some(AutoIncrement {
            column: c.name.clone(),
            max,
        })
    }

    /// The sharding key with its types, or why it cannot be one.
    pub fn key(&self, columns: &[String]) -> Result<Vec<KeyColumn>, String> {
        if columns.is_empty() || columns.len() > 8 {
            return Err("a sharding key has 1 to 8 columns".to_string());
        }
        let mut out: Vec<KeyColumn> = Vec::new();
        for name in columns {
            let c = self
                .column(name)
                .ok_or_else(|| format!("there is no column {name}"))?;
            if out.iter().any(|k| k.name == c.name) {
                return Err(format!(
                    "the column {name} stands twice in the sharding key"
                ));
            }
            out.push(KeyColumn {
                name: c.name.clone(),
                kind: c.key_type()?,
            });
        }
        Ok(out)
    }

    /// A unique key that does not contain the sharding key cannot be kept unique over shards.
    pub fn check_unique_keys(&self, key: &[KeyColumn]) -> Result<(), String> {
        for (name, columns) in &self.unique_keys {
            let has = |k: &KeyColumn| columns.iter().any(|c| c.eq_ignore_ascii_case(&k.name));
            if let Some(missing) = key.iter().find(|k| !has(k)) {
                return Err(format!(
                    "the unique key {name} ({}) does not contain the sharding key column {}, so \
                     no shard could tell whether a value is unique; add the column to the key, \
                     make it a plain index, or shard by another column",
                    columns.join(", "),
                    missing.name
                ));
            }
        }
        Ok(())
    }
}

impl ColumnInfo {
    fn integer_bounds(&self) -> Option<(i128, i128)> {
        let bits = match self.data_type.as_str() {
            "tinyint" => 8,
            "smallint" => 16,
            "mediumint" => 24,
            "int" => 32,
            "bigint" => 64,
            _ => return None,
        };
        Some(match self.column_type.contains("unsigned") {
            true => (0, (1i128 << bits) - 1),
            false => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        })
    }

    fn key_type(&self) -> Result<KeyType, String> {
        if self.extra.contains("generated") {
            return Err(format!(
                "{} is a generated column; the proxy cannot tell its value when a row is inserted",
                self.name
            ));
        }
        if let Some((min, max)) = self.integer_bounds() {
            return Ok(KeyType::Integer { min, max });
        }
        match self.data_type.as_str() {
            "decimal" if self.precision <= 36 && !self.column_type.contains("unsigned") => {
                Ok(KeyType::Decimal {
                    precision: self.precision,
                    scale: self.scale,
                })
            }
            "date" => Ok(KeyType::Date),
            "datetime" => Ok(KeyType::DateTime { fsp: self.fsp }),
            "varbinary" => Ok(KeyType::Bytes { len: self.chars }),
            "char" | "varchar" => {
                let rule = TextRule::of_collation(&self.collation).ok_or_else(|| {
                    format!(
                        "{} has the collation {}, whose equality Shardwright does not know \
                         exactly; use a _bin, _general_ci or _unicode_ci collation for it",
                        self.name, self.collation
                    )
                })?;
                let (collation, chars) = (self.collation.clone(), self.chars);
                Ok(KeyType::Text {
                    rule,
                    collation,
                    chars,
                })
            }
            other => Err(format!(
                "{} is of type {other}, which cannot be compared exactly; a sharding key may be \
                 an integer, DECIMAL, DATE, DATETIME, CHAR, VARCHAR or VARBINARY",
                self.name
            )),
        }
    }
}
