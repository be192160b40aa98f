//! What a change of structure sends to shards: one job for each step, one after the other.

use catalog::{Catalog, Placement, ShardId, Table, TableName};
use sql::ident::{quote_name, quote_qualified};
use sql::shard_by::{Rule, ShardBy};

/// One job: its objects are locked against others, its statement goes to each of its shards in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStep {
    /// Tables, or a database with an empty table name.
    pub objects: Vec<TableName>,
    /// Where the statement goes.
    pub shards: Vec<ShardId>,
    /// The statement.
    pub sql: String,
}

fn quoted(name: &TableName) -> String {
    quote_qualified(&name.database, &name.table)
}

/// Every shard that has the table's definition.
pub fn shards_of(catalog: &Catalog, table: &Table) -> Vec<ShardId> {
    match &table.placement {
        Placement::Single(s) | Placement::View(s) => vec![*s],
        // A sharded table is defined everywhere, so that partitions can move.
        Placement::Reference | Placement::Sharded(_) => catalog.shard_ids(),
    }
}

/// Shards that get a new table by a rule, or by none.
pub fn shards_by(catalog: &Catalog, rule: Option<&Rule>, home: ShardId) -> Vec<ShardId> {
    match rule.map(|r| &r.by) {
        None | Some(ShardBy::Single { shard: None }) => vec![home],
        Some(ShardBy::Single { shard: Some(name) }) => {
            vec![catalog.shard_named(name).map_or(home, |s| s.id)]
        }
        Some(_) => catalog.shard_ids(),
    }
}

/// DROP TABLE of one table.
pub fn drop_table(catalog: &Catalog, table: &Table) -> JobStep {
    JobStep {
        objects: vec![table.name.clone()],
        shards: shards_of(catalog, table),
        sql: format!("DROP TABLE IF EXISTS {}", quoted(&table.name)),
    }
}

/// DROP VIEW of one view.
pub fn drop_view(view: &TableName, shard: ShardId) -> JobStep {
    JobStep {
        objects: vec![view.clone()],
        shards: vec![shard],
        sql: format!("DROP VIEW IF EXISTS {}", quoted(view)),
    }
}

/// TRUNCATE TABLE.
pub fn truncate(catalog: &Catalog, table: &Table) -> JobStep {
    JobStep {
        objects: vec![table.name.clone()],
        shards: shards_of(catalog, table),
        sql: format!("TRUNCATE TABLE {}", quoted(&table.name)),
    }
}

/// DROP DATABASE.
pub fn drop_database(catalog: &Catalog, name: &str) -> JobStep {
    of_database(
        catalog,
        name,
        format!("DROP DATABASE IF EXISTS {}", quote_name(name)),
    )
}

/// A statement about a database.
pub fn of_database(catalog: &Catalog, name: &str, sql: String) -> JobStep {
    JobStep {
        objects: vec![TableName::new(name, "")],
        shards: catalog.shard_ids(),
        sql,
    }
}
