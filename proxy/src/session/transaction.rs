//! The state of a session's transaction.

use shard::Begin;

/// A transaction that a statement opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    /// How a branch begins.
    pub begin: Begin,
    /// Savepoints so far, oldest first.
    pub savepoints: Vec<String>,
}

impl Open {
    /// Opened by `begin`, without savepoints.
    pub(crate) fn by(begin: Begin) -> Self {
        Self {
            begin,
            savepoints: Vec::new(),
        }
    }
}

/// The state of a session's transaction.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// None was opened by a statement. Under autocommit=0 a server may have opened a branch by itself.
    #[default]
    Idle,
    /// A statement opened it; branches open when a shard is first touched.
    Open(Open),
    /// A branch was lost: nothing of it may stay, and the client must be told before anything else.
    Aborted,
    /// COMMIT is on its way to the branches.
    Committing,
}

impl Transaction {
    /// The open transaction.
    pub(crate) fn open(&self) -> Option<&Open> {
        match self {
            Transaction::Open(open) => Some(open),
            _ => None,
        }
    }

    /// Its savepoints, oldest first; `None` if none is open.
    pub(crate) fn savepoints(&mut self) -> Option<&mut Vec<String>> {
        match self {
            Transaction::Open(open) => Some(&mut open.savepoints),
            _ => None,
        }
    }

    /// Opens it in words, if it is not yet. Under autocommit=0 a server opens one by itself with the first
    /// table that it touches, which is too late for savepoints and for more than one shard.
    pub(crate) fn open_in_words(&mut self) {
        if !matches!(self, Transaction::Open(_)) {
            *self = Transaction::Open(Open::by(Begin::default()));
        }
    }
}
