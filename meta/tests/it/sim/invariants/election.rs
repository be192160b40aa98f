//! At most one node leads in a term.

use crate::sim::history::History;

pub fn check(history: &History) -> Result<(), String> {
    match history.leaders.iter().find(|(_, nodes)| nodes.len() > 1) {
        Some((term, nodes)) => Err(format!("nodes {nodes:?} led in term {term}")),
        None => Ok(()),
    }
}
