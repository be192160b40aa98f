//! Tables as their servers define them, and what a sharding rule makes of such a definition.
//!
//! Layer 1. DDL, imports and the drift check read definitions here and nowhere else.

mod column;
pub mod difference;
pub mod foreign_key;
pub mod key;
pub mod read;
mod redefine;
pub mod rule;
pub mod server_changes;
pub mod shadow;
mod trigger;
pub mod users;

pub use difference::difference;
pub use read::{TableInfo, TableInfos};
pub use redefine::redefined;
