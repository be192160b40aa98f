//! Databases, as `GET /v1/databases` answers them.

use serde::{Deserialize, Serialize};

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseView {
    /// Its name.
    pub name: String,
    /// The shard of its single tables.
    pub default_shard: String,
    /// Number of tables.
    pub tables: usize,
}
