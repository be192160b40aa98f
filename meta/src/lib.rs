//! The metadata service: one embedded node.
//!
//! State is a catalog and the id sequences. Each change is an entry of an append-only log, synced
//! before it is acknowledged; from time to time the state is written whole and the log starts anew.

pub mod log;
pub mod node;
pub mod state;
pub mod store;

pub use node::EmbeddedMeta;
pub use store::StoreError;
