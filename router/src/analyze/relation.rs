//! What the name of a table means where it stands.

use crate::analyze::block::{Cte, Query, QueryId};
use crate::analyze::information_schema::object_table;
use crate::analyze::instance::Relation;
use crate::analyze::scope::{is_system_schema, parts};
use catalog::Catalog;
use sqlparser::ast::ObjectName;

/// What a table name in FROM means.
pub(super) enum Found {
    /// This.
    Relation(Relation),
    /// Not in the catalog: database and table.
    Missing(String, String),
    /// There is no current database.
    NoDatabase,
    /// A name of three parts, a function, ...
    Odd,
}

/// Looks a name up: in the WITHs of the queries around, innermost last, then in the catalog.
pub(super) fn find(
    catalog: &Catalog,
    database: Option<&str>,
    queries: &[Query<'_>],
    around: &[QueryId],
    name: &ObjectName,
) -> Found {
    let Some(parts) = parts(name) else {
        return Found::Odd;
    };
    let (db, table) = match parts.as_slice() {
        [table] => {
            if let Some(found) = find_cte(queries, around, &table.value) {
                return found;
            }
            if table.value.eq_ignore_ascii_case("dual") && table.quote_style.is_none() {
                return Found::Relation(Relation::Dual);
            }
            match database {
                Some(db) => (db, &table.value),
                None => return Found::NoDatabase,
            }
        }
        [db, table] => (db.value.as_str(), &table.value),
        _ => return Found::Odd,
    };
    if db.eq_ignore_ascii_case("information_schema") {
        return Found::Relation(Relation::InformationSchema(object_table(table)));
    }
    if is_system_schema(db) {
        return Found::Relation(Relation::System);
    }
    match catalog.table(db, table) {
        Some(t) => Found::Relation(Relation::Table(t.clone())),
        None => Found::Missing(db.to_string(), table.clone()),
    }
}

fn find_cte(queries: &[Query<'_>], around: &[QueryId], name: &str) -> Option<Found> {
    let visible = |like: fn(&str, &str) -> bool| {
        around.iter().rev().find_map(|&q| {
            let is = |c: &Cte<'_>| c.is_visible && like(&c.alias.name.value, name);
            let at = queries[q].ctes.iter().rposition(is)?;
            Some(Relation::Cte(q, at))
        })
    };
    if let Some(exact) = visible(|a, b| a == b) {
        return Some(Found::Relation(exact));
    }
    // Whether case counts is the server's affair.
    visible(|a, b| a.eq_ignore_ascii_case(b)).map(|_| Found::Odd)
}

/// True for the names of MariaDB's tables of numbers, `seq_1_to_10` and `seq_1_to_10_step_3`.
pub(super) fn is_sequence(table: &str) -> bool {
    let lower = table.to_ascii_lowercase();
    let is_number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    let Some((from, rest)) = lower
        .strip_prefix("seq_")
        .and_then(|r| r.split_once("_to_"))
    else {
        return false;
    };
    let (to, step) = rest.split_once("_step_").unwrap_or((rest, "1"));
    [from, to, step].into_iter().all(is_number)
}
