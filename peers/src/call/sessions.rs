//! The sessions of a proxy, for SHOW PROXY SESSIONS and SHOW PROCESSLIST.

use super::Whose;
use serde::{Deserialize, Serialize};

/// Asks for sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsAsked {
    /// Those that this one may see.
    pub visible_to: Whose,
}

/// A session, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// CONNECTION_ID().
    pub id: u32,
    /// User name.
    pub user: String,
    /// Address of the client.
    pub host: String,
    /// Current database; empty for none.
    pub database: String,
    /// The worker that serves it.
    pub worker: usize,
    /// What runs, as SHOW PROCESSLIST names it.
    pub command: String,
    /// Seconds since the command began, or since the last one ended.
    pub seconds: u64,
    /// The statement that runs, cut at what the proxy keeps.
    pub statement: Option<String>,
    /// A transaction is open.
    pub in_transaction: bool,
    /// Why server connections stay with the session.
    pub pins: String,
}
