//! Transactions over several shards.
//!
//! Layer 2, pure. So far one mode: `best_effort`. Every branch has run its statements without an
//! error and holds its locks; then all commit at once. It is *not* atomic under crashes: a shard that
//! fails within that round leaves the others committed. The error then names the shards that did, did
//! not, and may have committed.

use catalog::ShardId;

/// What became of one branch's COMMIT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchResult {
    /// The shard said OK.
    Committed,
    /// The shard said no, with its words; the branch is rolled back.
    Refused(String),
    /// The answer was lost: it may have committed.
    Unknown(String),
}

/// What became of the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every branch committed.
    Committed,
    /// No branch committed; the words of the first that refused.
    RolledBack(String),
    /// Some did and some did not, or it is not known.
    PartiallyCommitted {
        /// Branches that committed.
        committed: Vec<ShardId>,
        /// Branches that did not.
        refused: Vec<ShardId>,
        /// Branches whose answer was lost.
        unknown: Vec<ShardId>,
    },
}

/// Judges a round of commits.
pub fn judge(results: &[(ShardId, BranchResult)]) -> Outcome {
    let pick = |f: fn(&BranchResult) -> bool| -> Vec<ShardId> {
        results
            .iter()
            .filter(|(_, r)| f(r))
            .map(|(s, _)| *s)
            .collect()
    };
    let committed = pick(|r| *r == BranchResult::Committed);
    let refused = pick(|r| matches!(r, BranchResult::Refused(_)));
    let unknown = pick(|r| matches!(r, BranchResult::Unknown(_)));
    if refused.is_empty() && unknown.is_empty() {
        return Outcome::Committed;
    }
    if committed.is_empty() && unknown.is_empty() {
        let words = results.iter().find_map(|(_, r)| match r {
            BranchResult::Refused(w) => Some(w.clone()),
            _ => None,
        });
        return Outcome::RolledBack(words.unwrap_or_default());
    }
    Outcome::PartiallyCommitted {
        committed,
        refused,
        unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BranchResult::*;

    #[test]
    fn only_a_clean_round_is_a_commit() {
        let r = |list: &[BranchResult]| {
            let with_ids = list
                .iter()
                .enumerate()
                .map(|(i, r)| (ShardId(i as u32), r.clone()));
            judge(&with_ids.collect::<Vec<_>>())
        };
        assert_eq!(r(&[Committed, Committed]), Outcome::Committed);
        assert_eq!(
            r(&[Refused("a".into()), Refused("b".into())]),
            Outcome::RolledBack("a".into())
        );
        assert!(matches!(
            r(&[Committed, Refused("a".into())]),
            Outcome::PartiallyCommitted { .. }
        ));
        assert!(matches!(
            r(&[Unknown("a".into())]),
            Outcome::PartiallyCommitted { .. }
        ));
    }
}
