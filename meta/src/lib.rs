//! The metadata service: the catalog, id sequences, proxies and settings, replicated by Raft.
//!
//! [`MetaNode`] is one node, embedded in a proxy or a process of its own with a port (`api.rs`). What it
//! keeps is written through [`disk::Disk`]; what it computes stands in the `catalog` crate.

mod api;
pub mod disk;
mod leases;
mod legacy;
mod node;
pub mod raft;
pub mod run;
pub mod sealed;
pub mod serve;
mod service;

pub use node::{MetaNode, NodeStartError};
pub use service::{MetaConfig, Service};
