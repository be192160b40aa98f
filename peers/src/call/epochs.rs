//! Whether statements still use a catalog older than some epoch. A change of structure, an import or a
//! cut-over asks this of every proxy before it goes on.

use super::{Ask, PeerAnswer, PeerCall};
use catalog::TableName;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Asks who is behind an epoch, and waits a while for nobody to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochAsked {
    /// Every worker must plan by it.
    pub epoch: u64,
    /// No statement that may use one of these must have been planned by an older one. A name without a
    /// table means the whole database. Without any, statements are not asked about.
    pub tables: Vec<TableName>,
    /// The session that asks does not wait for itself.
    pub except: Option<SessionOf>,
    /// How long the answer may take if somebody is behind, in milliseconds.
    pub wait_ms: u64,
}

/// A session of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOf {
    /// The proxy's incarnation.
    pub incarnation: u64,
    /// CONNECTION_ID().
    pub id: u32,
}

/// Who is behind at one proxy; nobody, if both lists are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Workers that do not plan by the epoch yet.
    pub workers: Vec<WorkerBehind>,
    /// Statements and open cursors, the oldest first, at most [`Behind::STATEMENTS_MAX`].
    pub statements: Vec<StatementBehind>,
}

/// A worker that does not plan by the epoch yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerBehind {
    /// Its number.
    pub worker: usize,
    /// The epoch that it plans by.
    pub epoch: u64,
}

/// A statement, or a cursor that one left open, which was planned by an older epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementBehind {
    /// CONNECTION_ID() of its session.
    pub session: u32,
    /// The epoch that it was planned by.
    pub epoch: u64,
    /// Milliseconds since it began.
    pub for_ms: u64,
}

impl Behind {
    /// Statements that are named, of however many.
    pub const STATEMENTS_MAX: usize = 16;

    /// True if the epoch is reached.
    pub fn is_nobody(&self) -> bool {
        self.workers.is_empty() && self.statements.is_empty()
    }
}

impl From<EpochAsked> for PeerCall {
    fn from(asked: EpochAsked) -> PeerCall {
        PeerCall::Epoch(asked)
    }
}

impl Ask for EpochAsked {
    type Answer = Behind;
    const REPEATABLE: bool = true;

    fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }

    fn answer(answer: PeerAnswer) -> Option<Behind> {
        match answer {
            PeerAnswer::Epoch(behind) => Some(behind),
            _ => None,
        }
    }
}
