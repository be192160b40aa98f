//! KILL of a session that another proxy serves. The owner of the session checks the right to it.

use super::Whose;
use serde::{Deserialize, Serialize};

/// Asks for the end of a session or of its statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillAsked {
    /// CONNECTION_ID() of the session.
    pub id: u32,
    /// Only the statement that runs.
    pub query: bool,
    /// Who asks.
    pub by: Whose,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Killed {
    /// The session was told.
    Done,
    /// There is no such session.
    Unknown,
    /// It is somebody else's.
    NotOwner,
}
