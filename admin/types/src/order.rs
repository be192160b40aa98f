//! What `POST /v1/orders` takes and answers.

use crate::user::UserOrder;
use catalog::Answer;
use serde::{Deserialize, Serialize};

/// A change that a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// A new shard, or another address of one.
    PutShard {
        /// Its name.
        name: String,
        /// Host of its primary.
        host: String,
        /// Port of its primary.
        port: u16,
        /// Add it although a check found something.
        #[serde(default)]
        force: bool,
    },
    /// Nothing new is placed on a shard, or again.
    DisableShard {
        /// Its name.
        name: String,
        /// False takes it back.
        disabled: bool,
    },
    /// A rule for a table to come.
    PutRule {
        /// Its database.
        database: String,
        /// The table.
        table: String,
        /// What follows SHARD BY.
        clause: String,
    },
    /// The rule is not wanted any more.
    DropRule {
        /// Its database.
        database: String,
        /// The table.
        table: String,
    },
    /// The next id of a table, never lower than now.
    RaiseSequence {
        /// Its database.
        database: String,
        /// The table.
        table: String,
        /// The next id.
        next: u64,
    },
    /// A setting; without a value its default.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: Option<String>,
    },
    /// A proxy lets go of its clients, or goes on.
    Drain {
        /// Its incarnation.
        incarnation: u64,
        /// False takes it back.
        draining: bool,
    },
    /// A proxy's incarnation ends for ever.
    Fence {
        /// The incarnation.
        incarnation: u64,
    },
    /// A table that the shards have already enters the catalog.
    ImportTable {
        /// Its database.
        database: String,
        /// The table.
        table: String,
        /// What would follow SHARD BY, `SINGLE ON s1` and `REFERENCE` among it.
        clause: String,
    },
    /// The catalog takes over what a table is made of, as its shards have it.
    RefreshTable {
        /// Its database.
        database: String,
        /// The table.
        table: String,
    },
    /// About a user.
    #[serde(untagged)]
    User(UserOrder),
}

/// An order and how to carry it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// The order.
    pub order: Order,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// Only at this epoch of the catalog.
    #[serde(default)]
    pub expected_epoch: Option<u64>,
}

/// What an order did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReply {
    /// True if nothing was changed.
    pub dry_run: bool,
    /// What the metadata service answered.
    pub answer: Answer,
    /// What checks found and did not object to.
    pub notes: Vec<String>,
}
