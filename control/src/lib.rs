//! What a DBA orders, carried out: shards and their accounts, imports, inspection, the drift check.
//!
//! Layer 2. The admin port (and later jobs' drivers) asks here; the proxy of the process is known only
//! as a [`LocalProxy`]. Connections to shards live on the thread that runs these tasks.

mod account;
pub mod accounts;
mod cluster;
mod definers;
mod drift;
mod gauges;
mod import;
mod inspect;
mod machine;
mod orders;
mod prepare;
mod probe;
pub mod proxies;
mod refresh;
pub mod shards;
mod visits;

pub use account::ShardConfig;
pub use accounts::OwnAccounts;
pub use cluster::{Cluster, LocalProxy};
pub use gauges::ClusterGauges;
pub use orders::Orders;
