//! BEGIN, COMMIT, SAVEPOINT and their variants.

use crate::cursor::Cursor;

/// What stands behind COMMIT or ROLLBACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Completion {
    /// AND CHAIN: a new transaction begins with the same characteristics.
    pub chain: bool,
    /// RELEASE: the session ends.
    pub release: bool,
}

/// A statement of transaction control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transaction {
    /// BEGIN or START TRANSACTION.
    Begin {
        /// WITH CONSISTENT SNAPSHOT.
        snapshot: bool,
        /// READ ONLY (true) or READ WRITE (false), if said.
        read_only: Option<bool>,
    },
    /// COMMIT.
    Commit(Completion),
    /// ROLLBACK of the whole transaction.
    Rollback(Completion),
    /// SAVEPOINT name.
    Savepoint(String),
    /// ROLLBACK TO SAVEPOINT name.
    RollbackTo(String),
    /// RELEASE SAVEPOINT name.
    Release(String),
    /// Any XA statement.
    Xa,
}

/// Reads a transaction statement; `None` if it is not one (or not well-formed).
pub fn parse(mut c: Cursor<'_>) -> Option<Transaction> {
    let out = if c.eat("BEGIN") {
        // BEGIN NOT ATOMIC opens a compound statement, BEGIN ... inside routines never gets here.
        if c.is_word("NOT") {
            return None;
        }
        c.eat("WORK");
        Transaction::Begin {
            snapshot: false,
            read_only: None,
        }
    } else if c.eat_all(&["START", "TRANSACTION"]) {
        start(&mut c)?
    } else if c.eat("COMMIT") {
        c.eat("WORK");
        Transaction::Commit(completion(&mut c)?)
    } else if c.eat("ROLLBACK") {
        c.eat("WORK");
        if c.eat("TO") {
            c.eat("SAVEPOINT");
            Transaction::RollbackTo(c.name()?)
        } else {
            Transaction::Rollback(completion(&mut c)?)
        }
    } else if c.eat("SAVEPOINT") {
        Transaction::Savepoint(c.name()?)
    } else if c.eat_all(&["RELEASE", "SAVEPOINT"]) {
        Transaction::Release(c.name()?)
    } else if c.eat("XA") {
        return Some(Transaction::Xa);
    } else {
        return None;
    };
    c.at_end().then_some(out)
}

fn start(c: &mut Cursor<'_>) -> Option<Transaction> {
    let (mut snapshot, mut read_only) = (false, None);
    while !c.at_end() {
        if c.eat_all(&["WITH", "CONSISTENT", "SNAPSHOT"]) {
            snapshot = true;
        } else if c.eat_all(&["READ", "ONLY"]) && read_only.is_none() {
            read_only = Some(true);
        } else if c.eat_all(&["READ", "WRITE"]) && read_only.is_none() {
            read_only = Some(false);
        } else {
            return None;
        }
        if !c.eat_op(crate::Op::Comma) && !c.at_end() {
            return None;
        }
    }
    Some(Transaction::Begin {
        snapshot,
        read_only,
    })
}

fn completion(c: &mut Cursor<'_>) -> Option<Completion> {
    let mut out = Completion::default();
    if c.eat("AND") {
        out.chain = !c.eat("NO");
        if !c.eat("CHAIN") {
            return None;
        }
    }
    if c.eat("RELEASE") {
        out.release = true;
    } else if c.eat("NO") && !c.eat("RELEASE") {
        return None;
    }
    (!(out.chain && out.release)).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, LexMode, Lexed};

    fn p(sql: &str) -> Option<Transaction> {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        parse(Cursor::new(sql.as_bytes(), &l.tokens, LexMode::default()))
    }

    #[test]
    fn variants() {
        use Transaction::*;
        let plain = Begin {
            snapshot: false,
            read_only: None,
        };
        assert_eq!(p("begin"), Some(plain.clone()));
        assert_eq!(p("START TRANSACTION;"), Some(plain));
        assert_eq!(
            p("start transaction with consistent snapshot, read only"),
            Some(Begin {
                snapshot: true,
                read_only: Some(true)
            })
        );
        let chain = Completion {
            chain: true,
            release: false,
        };
        assert_eq!(p("commit and chain"), Some(Commit(chain)));
        assert_eq!(
            p("rollback work and no chain no release"),
            Some(Rollback(Default::default()))
        );
        assert_eq!(p("rollback to `a b`"), Some(RollbackTo("a b".into())));
        assert_eq!(p("release savepoint x"), Some(Release("x".into())));
        assert_eq!(p("xa start 'x'"), Some(Xa));
        assert_eq!(p("commit and chain release"), None);
        assert_eq!(p("begin not atomic"), None);
        assert_eq!(p("select 1"), None);
    }
}
