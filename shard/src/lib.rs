//! Connections to shards: log in, lease, share, prepare, reset, kill, watch.
//!
//! Layer 1. Everything here lives on one thread (a worker's) and is `Rc` and `RefCell`, except health,
//! which all workers read. Rows are never decoded; what goes up are MySQL packets.

pub mod account;
pub mod conn;
pub mod directory;
pub mod error;
pub mod health;
mod kind;
pub mod login;
pub mod net;
pub mod pace;
pub mod pipeline;
pub mod pool;
pub mod prepared;
pub mod profile;
pub mod rows;
pub mod scan;
pub mod scratch;
pub mod settings;
pub mod timeouts;
pub mod verbs;

pub use conn::{ConnClass, ServerConn, TextRow};
pub use directory::{ShardDirectory, ShardHandle, ShardMap};
pub use error::ShardError;
pub use health::{Answers, HealthTiming, InstanceHealth};
pub use kind::ServerKind;
pub use login::Login;
pub use net::NetStream;
pub use pipeline::{Pipeline, ReplySlot};
pub use pool::{Lease, PoolCounts, PoolLimits, ShardPool};
pub use profile::Profile;
pub use rows::{RowStream, StreamEnd};
pub use settings::Settings;
pub use timeouts::Timeouts;
pub use verbs::kill::kill_query;
pub use verbs::transaction::{Begin, NextTransaction};
pub use verbs::warnings::Condition;
