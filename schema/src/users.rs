//! Which views, routines, triggers and events of a server name a table. They run inside that server: once the
//! table has rows on others, they see and change a part of them.

use catalog::{Placement, TableName};
use shard::{ServerConn, ShardError};
use sql::ident::{name_of, quote_string};
use sql::{Flavor, LexMode, Lexed};

/// Kind, database, name, definition and sql_mode of every object whose definition has a text in it.
fn question(text: &str) -> String {
    let has = |column: &str| {
        let text = quote_string(&text.to_lowercase(), false);
        format!("LOCATE({text}, LOWER({column})) > 0")
    };
    let parts = [
        (
            "'view'",
            "TABLE_SCHEMA",
            "TABLE_NAME",
            "VIEW_DEFINITION",
            "''",
            "VIEWS",
        ),
        (
            "LOWER(ROUTINE_TYPE)",
            "ROUTINE_SCHEMA",
            "ROUTINE_NAME",
            "ROUTINE_DEFINITION",
            "SQL_MODE",
            "ROUTINES",
        ),
        (
            "'trigger'",
            "TRIGGER_SCHEMA",
            "TRIGGER_NAME",
            "ACTION_STATEMENT",
            "SQL_MODE",
            "TRIGGERS",
        ),
        (
            "'event'",
            "EVENT_SCHEMA",
            "EVENT_NAME",
            "EVENT_DEFINITION",
            "SQL_MODE",
            "EVENTS",
        ),
    ];
    let part = |(kind, database, name, definition, mode, table): (&str, _, _, _, _, _)| {
        format!(
            "SELECT {kind}, {database}, {name}, {definition}, {mode} FROM information_schema.{table} \
             WHERE {database} NOT IN ('mysql', 'sys') AND ({definition} IS NULL OR {})",
            has(definition)
        )
    };
    parts.map(part).join(" UNION ALL ")
}

/// What several servers have of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Each a part of its rows.
    Parts,
    /// All the same rows.
    Copies,
}

impl Spread {
    /// `None` if one server has the table alone.
    pub fn of(placement: &Placement) -> Option<Self> {
        match placement {
            Placement::Single(_) | Placement::View(_) => None,
            Placement::Reference => Some(Self::Copies),
            Placement::Sharded(_) => Some(Self::Parts),
        }
    }
}

/// Objects that may not stay if a table is spread like this, such as `view d.v`. A view may read a table that
/// is the same everywhere; nothing may change it on one server only.
pub async fn in_the_way(
    conn: &mut ServerConn,
    table: &TableName,
    spread: Spread,
) -> Result<Vec<String>, ShardError> {
    let flavor = Flavor::from_version(&conn.version);
    let answer = conn.run(&question(&table.table)).await?;
    let (_, rows) = answer.rows().map_err(|e| conn.broken(e))?;
    let mut out = Vec::new();
    for row in rows {
        let field = |n: usize| -> Option<String> {
            let bytes: &[u8] = row.get(n)?.as_deref()?;
            Some(String::from_utf8_lossy(bytes).into_owned())
        };
        let text = |n| field(n).unwrap_or_default();
        if text(0) == "view" && spread == Spread::Copies {
            continue;
        }
        let mode = LexMode::from_sql_mode(&text(4));
        // What cannot be read may name anything.
        let uses = field(3).is_none_or(|d| names(&d, mode, flavor, &text(1), table));
        if uses {
            out.push(format!("{} {}.{}", text(0), text(1), text(2)));
        }
    }
    Ok(out)
}

/// True if a definition of an object in a database may mean a table; a column of that name counts too.
fn names(
    definition: &str,
    mode: LexMode,
    flavor: Flavor,
    database: &str,
    table: &TableName,
) -> bool {
    let Ok(lexed) = Lexed::new(definition.as_bytes(), mode, flavor) else {
        return true;
    };
    let has = |wanted: &str| {
        let mut names = lexed
            .tokens
            .iter()
            .filter_map(|t| name_of(definition.as_bytes(), *t));
        names.any(|n| n.eq_ignore_ascii_case(wanted))
    };
    has(&table.table) && (database.eq_ignore_ascii_case(&table.database) || has(&table.database))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_names_a_table_as_a_server_reads_it() {
        let table = TableName::new("shop", "Orders");
        let of = |definition: &str, sql_mode: &str, database: &str| {
            let mode = LexMode::from_sql_mode(sql_mode);
            let flavor = Flavor::from_version("10.11.6-MariaDB");
            names(definition, mode, flavor, database, &table)
        };
        assert!(of("select `orders`.`id` from `orders`", "", "shop"));
        assert!(of(
            "BEGIN INSERT INTO shop.ORDERS VALUES (1); END",
            "",
            "other"
        ));
        assert!(!of("select 1 from `orders`", "", "other"));
        assert!(!of("select 'orders', orders2.x from y", "", "shop"));
        assert!(of("select 1 from \"orders\"", "ANSI_QUOTES", "shop"));
        assert!(!of("select \"orders\"", "", "shop"));
        assert!(
            of("select 'open", "", "shop"),
            "what cannot be read may name it"
        );
    }
}
