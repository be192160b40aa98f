//! What the admin port is asked and answers, as JSON: shared by the server and by `shardctl`.
//!
//! Layer 0. One resource a file. No HTTP in here, so that a client links none of the server. Nodes,
//! proxies and audit records come as the metadata service has them (`meta_client`, `catalog`).

pub mod counters;
pub mod database;
pub mod order;
pub mod report;
pub mod rule;
pub mod sequence;
pub mod session;
pub mod setting;
pub mod shard;
pub mod table;
pub mod user;
pub mod version;
