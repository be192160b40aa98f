//! The proxy: clients on one side, shards on the other.
//!
//! Layer 3. One worker a core, each with its own runtime, listener, pools and plans; a session lives
//! and dies on its worker. `listener` accepts, `auth` lets in, `session` holds the state and reads commands,
//! `command` has one COM_ per file, `exec` tells the life of a statement from top to bottom and has one
//! primitive per file, `show` and `ddl` are what the proxy answers and changes by itself.

mod auth;
mod buffers;
mod command;
pub mod config;
mod ddl;
mod eligibility;
mod exec;
mod gauges;
mod ids;
mod listener;
mod metrics;
mod plans;
mod registry;
mod server;
mod session;
mod show;
mod worker;

pub use auth::users;
pub use gauges::ProxyGauges;
pub use metrics::Metrics;
pub use server::{Parts, Proxy, Shared, StartError};
