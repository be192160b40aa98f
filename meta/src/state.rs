//! The state machine: entries in, state out. Deterministic.

use catalog::{Catalog, Command, Rejected, TableId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// A change of the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A change of the catalog.
    Change(Command),
    /// Ids of a table are leased.
    Lease {
        /// The table.
        table: TableId,
        /// None below this.
        at_least: u64,
        /// How many.
        count: u64,
    },
}

/// Everything that is replicated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Number of the last entry.
    pub index: u64,
    /// The catalog.
    pub catalog: Catalog,
    /// Next free id by table.
    pub sequences: BTreeMap<u64, u64>,
}

/// What an entry gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The catalog changed.
    Changed,
    /// These ids are leased.
    Leased(Range<u64>),
}

impl State {
    /// Carries out an entry. On an error nothing changed, not even the index.
    pub fn apply(&mut self, entry: &Entry) -> Result<Outcome, Rejected> {
        let outcome = match entry {
            Entry::Change(command) => {
                self.catalog = self.catalog.apply(command)?;
                Outcome::Changed
            }
            Entry::Lease {
                table,
                at_least,
                count,
            } => {
                let next = self.sequences.entry(table.0).or_insert(1);
                let start = (*next).max(*at_least);
                let end = start.saturating_add(*count);
                *next = end;
                Outcome::Leased(start..end)
            }
        };
        self.index += 1;
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_never_overlap() {
        let mut s = State::default();
        let mut lease = |at_least, count| match s.apply(&Entry::Lease {
            table: TableId(1),
            at_least,
            count,
        }) {
            Ok(Outcome::Leased(r)) => r,
            other => panic!("{other:?}"),
        };
        assert_eq!(lease(0, 10), 1..11);
        assert_eq!(lease(0, 10), 11..21);
        assert_eq!(lease(100, 5), 100..105);
        assert_eq!(lease(50, 5), 105..110);
    }
}
