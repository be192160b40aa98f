//! Every name in a statement, kept with its plan: whether the statement may use a table is asked long after
//! its text is gone, and of tables that its catalog did not have yet.
//!
//! The answer is never too small for what the text says; keywords and columns count as names too. What
//! views, triggers, foreign keys and routines use beyond it is their server's matter, which locks it.

use catalog::TableName;
use sql::ident::name_of;
use sql::lexer::Token;

/// The names in a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// The database that was current, which a name without one means.
    database: Option<Box<str>>,
    /// In lower case, sorted, each once.
    names: Box<[Box<str>]>,
}

fn folded(name: &str) -> Box<str> {
    name.to_lowercase().into()
}

impl Mentions {
    /// The names in a statement, with the current database.
    pub fn of(database: Option<&str>, text: &[u8], tokens: &[Token]) -> Self {
        let names = tokens.iter().filter_map(|t| name_of(text, *t));
        let mut names: Vec<_> = names.map(|n| folded(&n)).collect();
        names.sort_unstable();
        names.dedup();
        Self {
            database: database.map(folded),
            names: names.into(),
        }
    }

    /// True if the statement may use the table; without a table's name, any table of the database.
    pub fn may_mean(&self, table: &TableName) -> bool {
        let database = folded(&table.database);
        let in_database = self.database.as_ref() == Some(&database) || self.has(&database);
        in_database && (table.table.is_empty() || self.has(&folded(&table.table)))
    }

    fn has(&self, name: &str) -> bool {
        self.names.binary_search_by(|n| (**n).cmp(name)).is_ok()
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.names.iter().map(|n| n.len() + 32).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql::{Flavor, LexMode, Lexed};

    fn of(database: Option<&str>, text: &str) -> Mentions {
        let mode = LexMode::default();
        let flavor = Flavor::from_version("10.11.0-MariaDB");
        let lexed = Lexed::new(text.as_bytes(), mode, flavor).unwrap();
        Mentions::of(database, text.as_bytes(), &lexed.tokens)
    }

    #[test]
    fn a_table_is_meant_by_its_name_in_its_database() {
        let m = of(
            Some("shop"),
            "SELECT o.id FROM Orders o JOIN `bank`.acc USING (id)",
        );
        let table = |d: &str, t: &str| TableName::new(d, t);
        for meant in [
            ("shop", "orders"),
            ("SHOP", "ORDERS"),
            ("bank", "acc"),
            ("shop", ""),
        ] {
            assert!(m.may_mean(&table(meant.0, meant.1)), "{meant:?}");
        }
        for other in [("shop", "users"), ("other", "orders"), ("other", "")] {
            assert!(!m.may_mean(&table(other.0, other.1)), "{other:?}");
        }
    }

    #[test]
    fn a_string_is_no_name_and_without_a_database_only_full_names_mean_anything() {
        let m = of(None, "SELECT 'orders', shop.x FROM t");
        assert!(!m.may_mean(&TableName::new("shop", "orders")));
        assert!(m.may_mean(&TableName::new("shop", "t")));
        assert!(!m.may_mean(&TableName::new("bank", "t")));
    }
}
