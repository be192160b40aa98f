//! The proxy: clients on one side, shards on the other.
//!
//! Layer 3. One worker a core, each with its own runtime, listener, pools and plans; a session lives
//! and dies on its worker. `session` reads commands; `statement` tells the life of one from top to
//! bottom; the modules below it are the ways to run it.

pub mod client;
pub mod commands;
pub mod config;
pub mod ddl;
pub mod deadlock;
pub mod diagnostics;
pub mod dynamic;
pub mod exclusive;
pub mod fanout;
pub mod handshake;
pub mod ids;
pub mod insert;
pub mod listener;
pub mod listing;
pub mod local;
pub mod metrics;
pub mod plans;
pub mod prepared;
pub mod probation;
pub mod registry;
pub mod relay;
pub mod request;
pub mod rights;
pub mod server;
pub mod session;
pub mod set;
pub mod shared;
pub mod statement;
pub mod transaction;
pub mod users;
pub mod worker;

pub use server::{Parts, Proxy, Shared, StartError};
