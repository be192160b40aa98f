//! Next ids of tables, as `GET /v1/sequences` answers them.

use catalog::{Placement, Table};
use serde::{Deserialize, Serialize};

/// The ids of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceView {
    /// Its database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The next id that no proxy has leased.
    pub next: u64,
}

/// True if a table's ids come from the metadata service; a single table has its own counter on its shard.
pub fn draws_ids(t: &Table) -> bool {
    let spread = !matches!(t.placement, Placement::Single(_) | Placement::View(_));
    spread && t.auto_increment.is_some()
}
