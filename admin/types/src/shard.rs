//! Shards, as `GET /v1/shards` answers them.

use serde::{Deserialize, Serialize};

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardView {
    /// Its name.
    pub name: String,
    /// Host of its primary.
    pub host: String,
    /// Port of its primary.
    pub port: u16,
    /// True if nothing new is placed on it.
    pub disabled: bool,
    /// Single tables and partitions on it.
    pub tables: usize,
}
