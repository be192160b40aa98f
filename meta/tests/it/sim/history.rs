//! What was seen from outside: answers, reads, and whose entries were applied.

use catalog::Answer;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An answered change.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// Its request.
    pub request: String,
    /// The answer.
    pub answer: Answer,
    /// When it came, since the start.
    pub at: Duration,
}

/// An answered read of the whole state.
#[derive(Debug, Clone)]
pub struct Read {
    /// When it was asked for.
    pub from: Duration,
    /// When the answer came.
    pub until: Duration,
    /// The catalog's epoch.
    pub epoch: u64,
    /// Changes so far.
    pub changes: u64,
    /// Incarnations that are not fenced.
    pub incarnations: BTreeSet<u64>,
    /// Requests that the state remembers.
    pub requests: BTreeSet<String>,
}

/// Everything so far.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Answered changes, in the order of their answers.
    pub acknowledged: Vec<Acknowledged>,
    /// Answered reads, in the order of their answers.
    pub reads: Vec<Read>,
    /// By index: term and node of the leaders whose entry some node applied there.
    pub committed: BTreeMap<u64, BTreeSet<(u64, u64)>>,
}
