//! Names of the accounts that proxies have on a shard. They say whose an account is, and what it may do on
//! every database, so that whoever makes or ends something reads it off the list of accounts.

use catalog::{Right, Rights, RightsSet};

/// What the name of each such account begins with.
pub(super) const PREFIX: &str = "shardwright_";
/// Marks an account that changes structure.
const STRUCTURE: char = 's';
/// A right on every database, by letter.
const LETTERS: [(char, Right); 3] = [('r', Right::Read), ('w', Right::Write), ('d', Right::Ddl)];

/// An account of a process: its own, or one for the statements of those who may do the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(u32);

impl AccountId {
    /// The process's own, for what no client asked for.
    pub const OWN: AccountId = AccountId(0);

    /// Some account for statements on rows.
    pub(super) const ROWS: AccountId = AccountId(2);

    /// The one for statements on rows of the n-th set of rights.
    pub(super) fn of_set(n: usize) -> Self {
        Self((n as u32 + 1) << 1)
    }

    /// The one that changes structure for the same users.
    pub fn structure(self) -> Self {
        Self(self.0 | 1)
    }

    /// The one for rows of the same users.
    pub fn rows(self) -> Self {
        Self(self.0 & !1)
    }

    /// True if it changes structure.
    pub fn is_structure(self) -> bool {
        self.0 & 1 == 1
    }
}

/// An account's name, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountName {
    /// The incarnation that it belongs to.
    pub incarnation: u64,
    /// Which of its accounts.
    pub id: AccountId,
    /// What it may do on every database.
    pub everywhere: Rights,
}

impl AccountName {
    /// The process's own.
    pub fn own(incarnation: u64) -> Self {
        Self {
            incarnation,
            id: AccountId::OWN,
            everywhere: Rights::default(),
        }
    }

    /// That of a set of rights.
    pub fn of_set(incarnation: u64, id: AccountId, set: &RightsSet) -> Self {
        Self {
            incarnation,
            id,
            everywhere: set.everywhere(),
        }
    }

    /// Reads a name; `None` if it is no such account's.
    pub fn read(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        let Some((incarnation, set)) = rest.split_once('_') else {
            return Some(Self::own(rest.parse().ok()?));
        };
        let letters = set.trim_start_matches(|c: char| c.is_ascii_digit());
        let n: u32 = set.strip_suffix(letters)?.parse().ok()?;
        let rights: Vec<Right> = LETTERS
            .iter()
            .filter(|(letter, _)| letters.contains(*letter))
            .map(|(_, right)| *right)
            .collect();
        let rows = AccountId(n << 1);
        Some(Self {
            incarnation: incarnation.parse().ok()?,
            id: match letters.starts_with(STRUCTURE) {
                true => rows.structure(),
                false => rows,
            },
            everywhere: Rights::of(&rights),
        })
    }
}

impl std::fmt::Display for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PREFIX}{}", self.incarnation)?;
        if self.id == AccountId::OWN {
            return Ok(());
        }
        write!(f, "_{}", self.id.0 >> 1)?;
        if self.id.is_structure() {
            write!(f, "{STRUCTURE}")?;
        }
        let mut letters = LETTERS.iter();
        letters.try_for_each(|(letter, right)| match self.everywhere.allow(*right) {
            true => write!(f, "{letter}"),
            false => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let of = |id, rights: &[Right]| AccountName {
            incarnation: 17,
            id,
            everywhere: Rights::of(rights),
        };
        let rows = AccountId::of_set(4);
        for (name, text) in [
            (AccountName::own(17), "shardwright_17"),
            (of(rows, &[]), "shardwright_17_5"),
            (of(rows, &[Right::Read, Right::Ddl]), "shardwright_17_5rd"),
            (of(rows.structure(), &[]), "shardwright_17_5s"),
            (of(rows.structure(), &[Right::Write]), "shardwright_17_5sw"),
        ] {
            assert_eq!(name.to_string(), text);
            assert_eq!(AccountName::read(text), Some(name));
        }
        for other in [
            "shardwright_admin",
            "shardwright_1_x",
            "app",
            "shardwright_1_",
        ] {
            assert_eq!(AccountName::read(other), None, "{other}");
        }
    }
}
