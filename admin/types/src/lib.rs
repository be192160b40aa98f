//! What the admin port is asked and answers, as JSON: shared by the server and by `shardctl`.
//!
//! Layer 0. No HTTP in here, so that a client links none of the server.

pub mod report;
pub mod views;
