//! Clients' sessions at every proxy, as `GET /v1/sessions` answers them.

use serde::{Deserialize, Serialize};

/// The sessions, and what is missing among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// The sessions of the proxies that answered.
    pub sessions: Vec<ClientSession>,
    /// The proxies that did not.
    pub silent: Vec<SilentProxy>,
    /// Why proxies may be missing altogether: which there are could not be asked.
    pub stale: Option<String>,
}

/// A client's session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSession {
    /// Name of its proxy.
    pub proxy: String,
    /// CONNECTION_ID(), for KILL at any proxy.
    pub id: u32,
    /// User name.
    pub user: String,
    /// Address of the client.
    pub host: String,
    /// Current database; empty for none.
    pub database: String,
    /// What runs, as SHOW PROCESSLIST names it.
    pub command: String,
    /// Seconds since the command began, or since the last one ended.
    pub seconds: u64,
    /// The statement that runs.
    pub statement: Option<String>,
    /// A transaction is open.
    pub in_transaction: bool,
    /// Why server connections stay with the session.
    pub pins: String,
}

/// A proxy that did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentProxy {
    /// Its name.
    pub proxy: String,
    /// Where its clients reach it.
    pub address: String,
    /// Why there is no answer, as a sentence behind its name.
    pub why: String,
}
