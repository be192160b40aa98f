//! Tables and where they are, as `GET /v1/tables` answers them.

use catalog::{Catalog, Placement, Table};
use serde::{Deserialize, Serialize};

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableView {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// single, view, reference, hash, range or list.
    pub kind: String,
    /// Columns of the sharding key.
    pub key: Vec<String>,
    /// Shards that it is on.
    pub shards: Vec<String>,
    /// Its group, for sharded tables.
    pub group: Option<u64>,
    /// Its number, the same through renames.
    pub id: u64,
    /// Columns that an INSERT without a list fills.
    pub columns: Vec<String>,
    /// Its AUTO_INCREMENT column, where ids come from the metadata service.
    pub auto_increment: Option<String>,
}

impl TableView {
    /// From the catalog.
    pub fn new(catalog: &Catalog, t: &Table) -> Self {
        let shards = match &t.placement {
            Placement::Single(s) | Placement::View(s) => vec![*s],
            Placement::Reference => catalog.shard_ids(),
            Placement::Sharded(s) => s.shards().to_vec(),
        };
        let sharding = t.sharding();
        TableView {
            database: t.name.database.clone(),
            table: t.name.table.clone(),
            kind: t.placement.kind().to_string(),
            key: sharding.map_or(Vec::new(), |s| {
                s.key.iter().map(|k| k.name.clone()).collect()
            }),
            shards: shards
                .iter()
                .map(|s| catalog.shard_name(*s).to_string())
                .collect(),
            group: sharding.map(|s| s.group.id.0),
            id: t.id.0,
            columns: t.definition.visible_names(),
            auto_increment: t.auto_increment.as_ref().map(|a| a.column.clone()),
        }
    }
}
