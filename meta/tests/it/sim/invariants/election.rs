//! Two leaders never commit at one place of the log.
//!
//! openraft orders leaders by term and node, and lets a node of a higher number take over within a term;
//! so what Raft's election safety is for is checked itself, and not that a term has one leader.

use crate::sim::history::History;

pub fn check(history: &History) -> Result<(), String> {
    match history.committed.iter().find(|(_, by)| by.len() > 1) {
        Some((index, by)) => Err(format!("leaders {by:?} committed at index {index}")),
        None => Ok(()),
    }
}
