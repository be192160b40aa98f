//! A column of information_schema, in words that do not depend on which server it is.

use crate::read::Row;
use catalog::definition::{Column, Generated};
use sql::Flavor;
use sql::ident::quote_string;

/// How a server writes the default of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defaults {
    /// MariaDB: always an expression, NULL among them.
    Expressions,
    /// MySQL: the value without quotes, unless EXTRA says that it is an expression.
    Values,
}

/// The fields of information_schema.COLUMNS that [`from_row`] reads, in its order.
pub(crate) const FIELDS: &str = "COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME, IS_NULLABLE, COLUMN_DEFAULT, \
                                 EXTRA, GENERATION_EXPRESSION";

/// A column from a row whose fields begin at `at`.
pub(crate) fn from_row(row: &Row, at: usize, defaults: Defaults) -> Column {
    let extra = Extra::of(&row.text(at + 5));
    let data_type = row.text(at + 1);
    let generated = extra.stored.map(|stored| Generated {
        expression: row.text(at + 6),
        stored,
    });
    let default = match generated {
        Some(_) => None,
        None => row
            .get(at + 4)
            .and_then(|d| defaults.expression(d, &data_type, extra.default_is_expression)),
    };
    Column {
        name: row.text(at),
        collation: row.text(at + 2),
        nullable: row.text(at + 3) == "YES",
        default,
        on_update: extra.on_update,
        generated,
        invisible: extra.invisible,
        auto_increment: extra.auto_increment,
        data_type,
    }
}

/// What the field EXTRA says, with words of MariaDB and of MySQL.
#[derive(Debug, Default, PartialEq, Eq)]
struct Extra {
    auto_increment: bool,
    invisible: bool,
    /// Of a generated column: STORED or VIRTUAL.
    stored: Option<bool>,
    on_update: Option<String>,
    /// MySQL: the default is an expression, else a value without its quotes.
    default_is_expression: bool,
}

impl Extra {
    fn of(text: &str) -> Extra {
        let lower = text.to_ascii_lowercase();
        let has = |words: &str| lower.contains(words);
        let on_update = lower.find("on update ").map(|i| {
            let expression = &text[i + "on update ".len()..];
            expression.split_whitespace().next().unwrap_or_default()
        });
        Extra {
            auto_increment: has("auto_increment"),
            invisible: has("invisible"),
            stored: match () {
                // MariaDB before 10.2 said PERSISTENT.
                () if has("stored generated") || has("persistent") => Some(true),
                () if has("virtual generated") || lower == "virtual" => Some(false),
                () => None,
            },
            on_update: on_update.map(str::to_string),
            default_is_expression: has("default_generated"),
        }
    }
}

/// Types whose values stand in quotes.
const QUOTED: [&str; 12] = [
    "char",
    "varchar",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "enum",
    "set",
    "date",
    "time",
    "datetime",
    "timestamp",
];

impl Defaults {
    /// How a server of this version gives defaults.
    pub(crate) fn of_version(version: &str) -> Defaults {
        let flavor = Flavor::from_version(version);
        match flavor.mariadb && flavor.version >= 100_207 {
            true => Defaults::Expressions,
            false => Defaults::Values,
        }
    }

    fn expression(self, text: String, data_type: &str, is_expression: bool) -> Option<String> {
        let base = data_type.split(['(', ' ']).next().unwrap_or_default();
        match self {
            Defaults::Expressions if text == "NULL" => None,
            Defaults::Values if !is_expression && QUOTED.contains(&base) => {
                Some(quote_string(&text, false))
            }
            _ => Some(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_extra_says() {
        let plain = Extra::default();
        assert_eq!(Extra::of(""), plain);
        assert!(Extra::of("auto_increment").auto_increment);
        assert!(Extra::of("INVISIBLE").invisible);
        assert_eq!(Extra::of("STORED GENERATED").stored, Some(true));
        assert_eq!(Extra::of("VIRTUAL GENERATED").stored, Some(false));
        let mysql = Extra::of("DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3)");
        assert!(mysql.default_is_expression);
        assert_eq!(mysql.stored, None, "a default is no generated column");
        assert_eq!(mysql.on_update.as_deref(), Some("CURRENT_TIMESTAMP(3)"));
    }

    #[test]
    fn defaults_are_expressions_whoever_gives_them() {
        let of = |d: Defaults, text: &str, data_type: &str, expression| {
            d.expression(text.to_string(), data_type, expression)
        };
        let maria = Defaults::of_version("5.5.5-10.11.6-MariaDB");
        let mysql = Defaults::of_version("8.0.36");
        for (maria_text, mysql_text, data_type, expression) in [
            ("'it''s'", "it's", "varchar(20)", false),
            ("'a,b'", "a,b", "set('a','b')", false),
            ("''", "", "varchar(5)", false),
            ("7", "7", "int(11)", false),
            ("b'101'", "b'101'", "bit(3)", false),
            ("uuid()", "uuid()", "varchar(36)", true),
            ("'2026-01-01'", "2026-01-01", "date", false),
        ] {
            let both = [
                of(maria, maria_text, data_type, false),
                of(mysql, mysql_text, data_type, expression),
            ];
            assert_eq!(
                both,
                [Some(maria_text.to_string()), Some(maria_text.to_string())]
            );
        }
        assert_eq!(of(maria, "NULL", "int(11)", false), None);
        assert_eq!(
            of(mysql, "NULL", "varchar(9)", false).as_deref(),
            Some("'NULL'")
        );
    }
}
