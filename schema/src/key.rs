//! What a table's definition allows: a sharding key of its columns, unique keys beside it, ids from outside.

use catalog::definition::{Column, TableDefinition};
use catalog::{AutoIncrement, KeyColumn, KeyType, TextRule};

/// Most columns of a sharding key.
const KEY_COLUMNS_MAX: usize = 8;
/// Most digits of a DECIMAL whose values fit in 128 bits, scaled.
const DECIMAL_DIGITS_MAX: u8 = 36;
/// Largest id in a column that is no integer: doubles are exact up to here.
const EXACT_DOUBLE: u64 = 1 << 53;

/// The type of a column in its parts: `decimal(10,2) unsigned` is decimal, 10 and 2, unsigned.
struct TypeParts<'a> {
    base: &'a str,
    first: Option<u32>,
    second: Option<u32>,
    unsigned: bool,
}

impl<'a> TypeParts<'a> {
    fn of(column: &'a Column) -> TypeParts<'a> {
        let text = column.data_type.as_str();
        let (base, rest) = text.split_at(text.find(['(', ' ']).unwrap_or(text.len()));
        let (inside, behind) = match rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
            Some((inside, behind)) => (inside, behind),
            None => ("", rest),
        };
        let mut numbers = inside.split(',').map(|n| n.trim().parse().ok());
        TypeParts {
            base,
            first: numbers.next().flatten(),
            second: numbers.next().flatten(),
            unsigned: behind.split(' ').any(|w| w == "unsigned"),
        }
    }

    fn integer_bounds(&self) -> Option<(i128, i128)> {
        let bits = match self.base {
            "tinyint" => 8,
            "smallint" => 16,
            "mediumint" => 24,
            "int" => 32,
            "bigint" => 64,
            _ => return None,
        };
        Some(match self.unsigned {
            true => (0, (1i128 << bits) - 1),
            false => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        })
    }
}

/// The AUTO_INCREMENT column.
pub fn auto_increment(table: &TableDefinition) -> Option<AutoIncrement> {
    let c = table.columns.iter().find(|c| c.auto_increment)?;
    let max = match TypeParts::of(c).integer_bounds() {
        Some((_, max)) => u64::try_from(max).unwrap_or(u64::MAX),
        None => EXACT_DOUBLE,
    };
    Some(AutoIncrement {
        column: c.name.clone(),
        max,
    })
}

/// The sharding key with its types, or why it cannot be one.
pub fn sharding_key(table: &TableDefinition, columns: &[String]) -> Result<Vec<KeyColumn>, String> {
    if columns.is_empty() || columns.len() > KEY_COLUMNS_MAX {
        return Err(format!("a sharding key has 1 to {KEY_COLUMNS_MAX} columns"));
    }
    let mut out: Vec<KeyColumn> = Vec::new();
    for name in columns {
        let c = table
            .column(name)
            .ok_or_else(|| format!("there is no column {name}"))?;
        if out.iter().any(|k| k.name == c.name) {
            return Err(format!(
                "the column {name} stands twice in the sharding key"
            ));
        }
        out.push(KeyColumn {
            name: c.name.clone(),
            kind: key_type(c)?,
        });
    }
    Ok(out)
}

/// A unique key that does not contain the sharding key cannot be kept unique over shards, unless it contains
/// ids that all come from one sequence: `ids` is the column of which that is known.
pub fn check_unique_keys(
    table: &TableDefinition,
    key: &[KeyColumn],
    ids: Option<&str>,
) -> Result<(), String> {
    let auto = auto_increment(table).map(|a| a.column);
    let id = auto.filter(|a| ids.is_some_and(|i| i.eq_ignore_ascii_case(a)));
    for unique in &table.unique_keys {
        if id.as_ref().is_some_and(|id| unique.has(id)) {
            continue;
        }
        if let Some(missing) = key.iter().find(|k| !unique.has(&k.name)) {
            let parts: Vec<_> = unique.columns.iter().chain(&unique.partial).collect();
            let parts: Vec<_> = parts.into_iter().map(String::as_str).collect();
            return Err(format!(
                "the unique key {} ({}) does not contain the sharding key column {}, so no shard could \
                 tell whether a value is unique; add the column to the key, make it a plain index, or \
                 shard by another column",
                unique.name,
                parts.join(", "),
                missing.name
            ));
        }
    }
    Ok(())
}

fn key_type(c: &Column) -> Result<KeyType, String> {
    if c.generated.is_some() {
        return Err(format!(
            "{} is a generated column; the proxy does not know its value when a row is inserted",
            c.name
        ));
    }
    if let Some(clock) = &c.on_update {
        return Err(format!(
            "{} has ON UPDATE {clock}: the server would change it with any UPDATE of the row, which would no \
             longer be where its key says",
            c.name
        ));
    }
    let t = TypeParts::of(c);
    if let Some((min, max)) = t.integer_bounds() {
        return Ok(KeyType::Integer { min, max });
    }
    let small = |n: Option<u32>| n.and_then(|n| u8::try_from(n).ok());
    match (t.base, t.first) {
        ("decimal", Some(_)) if !t.unsigned => match (small(t.first), small(t.second)) {
            (Some(precision), Some(scale)) if precision <= DECIMAL_DIGITS_MAX => {
                Ok(KeyType::Decimal { precision, scale })
            }
            _ => Err(not_exact(c, t.base)),
        },
        ("date", _) => Ok(KeyType::Date),
        ("datetime", _) => Ok(KeyType::DateTime {
            fsp: small(t.first).unwrap_or(0),
        }),
        ("varbinary", Some(len)) => Ok(KeyType::Bytes { len }),
        ("char" | "varchar", Some(chars)) => {
            let rule = TextRule::of_collation(&c.collation).ok_or_else(|| {
                format!(
                    "{} has the collation {}, whose equality Shardwright does not know exactly; use a \
                     _bin, _general_ci or _unicode_ci collation for it",
                    c.name, c.collation
                )
            })?;
            let collation = c.collation.clone();
            Ok(KeyType::Text {
                rule,
                collation,
                chars,
            })
        }
        (other, _) => Err(not_exact(c, other)),
    }
}

fn not_exact(c: &Column, base: &str) -> String {
    format!(
        "{} is of type {base}, which cannot be compared exactly; a sharding key may be an integer, DECIMAL, \
         DATE, DATETIME, CHAR, VARCHAR or VARBINARY",
        c.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::definition::{Generated, UniqueKey};

    fn column(name: &str, data_type: &str) -> Column {
        Column {
            name: name.into(),
            data_type: data_type.into(),
            ..Column::default()
        }
    }

    fn kind(data_type: &str) -> Result<KeyType, String> {
        let collation = "utf8mb4_bin".to_string();
        key_type(&Column {
            collation,
            ..column("c", data_type)
        })
    }

    #[test]
    fn types_as_servers_print_them() {
        let int = |min, max| Ok(KeyType::Integer { min, max });
        assert_eq!(kind("tinyint(4)"), int(-128, 127));
        assert_eq!(kind("int"), int(-(1 << 31), (1 << 31) - 1));
        assert_eq!(kind("int(10) unsigned zerofill"), int(0, (1 << 32) - 1));
        assert_eq!(kind("bigint unsigned"), int(0, (1 << 64) - 1));
        let (precision, scale) = (10, 2);
        assert_eq!(
            kind("decimal(10,2)"),
            Ok(KeyType::Decimal { precision, scale })
        );
        assert_eq!(kind("date"), Ok(KeyType::Date));
        assert_eq!(kind("datetime"), Ok(KeyType::DateTime { fsp: 0 }));
        assert_eq!(kind("datetime(6)"), Ok(KeyType::DateTime { fsp: 6 }));
        assert_eq!(kind("varbinary(16)"), Ok(KeyType::Bytes { len: 16 }));
        assert!(matches!(
            kind("varchar(40)"),
            Ok(KeyType::Text { chars: 40, .. })
        ));
        for no in [
            "double",
            "decimal(40,2)",
            "decimal(10,2) unsigned",
            "enum('a','b')",
            "timestamp",
            "binary(4)",
            "text",
        ] {
            assert!(kind(no).unwrap_err().contains("exactly"), "{no}");
        }
    }

    #[test]
    fn what_the_server_computes_is_no_key_and_a_column_with_a_default_expression_is() {
        let generated = Some(Generated {
            expression: "1".into(),
            stored: true,
        });
        let c = Column {
            generated,
            ..column("c", "int")
        };
        assert!(key_type(&c).unwrap_err().contains("generated"));
        let on_update = Some("current_timestamp()".to_string());
        let c = Column {
            on_update,
            ..column("c", "datetime")
        };
        assert!(
            key_type(&c)
                .unwrap_err()
                .contains("ON UPDATE current_timestamp()")
        );
        let default = Some("floor(rand())".to_string());
        let c = Column {
            default,
            ..column("c", "int")
        };
        assert!(key_type(&c).is_ok());
    }

    #[test]
    fn unique_keys_contain_the_whole_sharding_key() {
        let mut table = TableDefinition {
            columns: vec![column("id", "int"), column("n", "varchar(9)")],
            ..TableDefinition::default()
        };
        let key = sharding_key(&table, &["ID".into()]).unwrap();
        assert_eq!(key[0].name, "id", "as the table writes it");
        let unique = |columns: &[&str], partial: &[&str]| UniqueKey {
            name: "u".into(),
            columns: columns.iter().map(|c| c.to_string()).collect(),
            partial: partial.iter().map(|c| c.to_string()).collect(),
        };
        for (fine, unique) in [
            (true, unique(&["n", "Id"], &[])),
            (true, unique(&["id"], &["n(3)"])),
            (false, unique(&["n"], &[])),
            (false, unique(&["n"], &["id(3)"])),
            (false, unique(&[], &["an expression"])),
        ] {
            table.unique_keys = vec![unique];
            let checked = check_unique_keys(&table, &key, None);
            assert_eq!(checked.is_ok(), fine, "{checked:?}");
        }
    }

    #[test]
    fn ids_fit_the_column() {
        let max = |data_type: &str| {
            let c = Column {
                auto_increment: true,
                ..column("id", data_type)
            };
            let columns = vec![c];
            let table = TableDefinition {
                columns,
                ..TableDefinition::default()
            };
            auto_increment(&table).map(|a| a.max)
        };
        assert_eq!(max("tinyint(3) unsigned"), Some(255));
        assert_eq!(max("bigint unsigned"), Some(u64::MAX));
        assert_eq!(max("double"), Some(1 << 53));
    }
}
