//! Rules that wait for their table, as `GET /v1/rules` answers them.

use serde::{Deserialize, Serialize};

/// A rule that waits for its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    /// Its database.
    pub database: String,
    /// The table.
    pub table: String,
    /// What follows SHARD BY.
    pub clause: String,
}
