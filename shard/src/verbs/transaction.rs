//! Transactions: how one begins, and that it ends.

use crate::conn::{Effect, Section, ServerConn};
use crate::error::ShardError;
use wire::caps::SERVER_STATUS_IN_TRANS;
use wire::framer::Expect;
use wire::reply::ErrPacket;

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Begin {
    /// WITH CONSISTENT SNAPSHOT.
    pub snapshot: bool,
    /// READ ONLY or READ WRITE, if one was asked for.
    pub read_only: Option<bool>,
}

impl Begin {
    fn sql(self) -> &'static str {
        match (self.snapshot, self.read_only) {
            (false, None) => "START TRANSACTION",
            (false, Some(true)) => "START TRANSACTION READ ONLY",
            (false, Some(false)) => "START TRANSACTION READ WRITE",
            (true, None) => "START TRANSACTION WITH CONSISTENT SNAPSHOT",
            (true, Some(true)) => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            (true, Some(false)) => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE",
        }
    }
}

/// What SET TRANSACTION says of the next transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NextTransaction {
    /// The isolation level, in words.
    pub isolation: Option<String>,
    /// READ ONLY or READ WRITE.
    pub read_only: Option<bool>,
}

impl NextTransaction {
    fn sql(&self) -> String {
        let isolation = self.isolation.as_ref();
        let isolation = isolation.map(|l| format!("ISOLATION LEVEL {l}"));
        let access = self
            .read_only
            .map(|ro| if ro { "READ ONLY" } else { "READ WRITE" });
        let parts: Vec<_> = isolation
            .into_iter()
            .chain(access.map(str::to_string))
            .collect();
        format!("SET TRANSACTION {}", parts.join(", "))
    }
}

impl ServerConn {
    /// Plans the beginning of a transaction: what it is like, that it begins, and its savepoints so far.
    /// Without `begin` the next statement is a transaction of its own.
    pub fn plan_transaction(
        &mut self,
        next: Option<&NextTransaction>,
        begin: Option<Begin>,
        savepoints: &[String],
    ) {
        self.unplan(Section::Transaction);
        if let Some(next) = next {
            self.plan(Section::Transaction, &next.sql(), Effect::Done);
        }
        let Some(begin) = begin else {
            return;
        };
        self.plan(Section::Transaction, begin.sql(), Effect::Done);
        for name in savepoints {
            self.plan_transaction_savepoint(name);
        }
    }

    /// Plans the beginning of a transaction that leaves LOCK TABLES alone, which START TRANSACTION does not:
    /// with autocommit off, if it is on, a server begins one by itself.
    pub fn plan_transaction_under_locks(&mut self, autocommit: bool, savepoints: &[String]) {
        self.unplan(Section::Transaction);
        if autocommit {
            self.plan(Section::Transaction, "SET autocommit=0", Effect::Done);
            self.begun_under_locks = true;
        }
        for name in savepoints {
            self.plan_transaction_savepoint(name);
        }
    }

    /// A transaction was begun by turning autocommit off, and must be ended by turning it on again.
    pub fn begun_under_locks(&self) -> bool {
        self.begun_under_locks
    }

    /// Sends COMMIT without waiting for the answer, so that several servers work on theirs at once.
    pub async fn send_commit(&mut self) -> Result<(), ShardError> {
        self.unplan_all();
        match std::mem::take(&mut self.begun_under_locks) {
            // It commits.
            true => self.put_query(b"SET autocommit=1").await?,
            false => self.put_query(b"COMMIT").await?,
        }
        self.flush().await
    }

    /// The answer to COMMIT: done, or the server's refusal. Without an answer nobody knows.
    pub async fn committed(&mut self) -> Result<Result<(), ErrPacket>, ShardError> {
        let limit = self.timeouts().commit();
        let answer = self.answer_within(Expect::Result, Some(limit)).await?;
        Ok(match answer.err {
            Some(err) => Err(err),
            None => Ok(()),
        })
    }

    /// Rolls the transaction back.
    pub async fn rollback(&mut self) -> Result<(), ShardError> {
        self.send_rollback().await?;
        self.rolled_back().await
    }

    /// Sends ROLLBACK without waiting for the answer.
    pub async fn send_rollback(&mut self) -> Result<(), ShardError> {
        self.unplan_all();
        if std::mem::take(&mut self.begun_under_locks) {
            self.plan(Section::Transaction, "ROLLBACK", Effect::Done);
            self.put_query(b"SET autocommit=1").await?;
            return self.flush().await;
        }
        self.put_query(b"ROLLBACK").await?;
        self.flush().await
    }

    /// The answer to ROLLBACK.
    pub async fn rolled_back(&mut self) -> Result<(), ShardError> {
        let limit = self.timeouts().own();
        let answer = self.answer_within(Expect::Result, Some(limit)).await?;
        self.unless_refused(answer).map(drop)
    }

    /// Asks whether a transaction is open: an ERR packet does not say.
    pub async fn is_transaction_open(&mut self) -> Result<bool, ShardError> {
        self.unplan_all();
        let answer = self.run_own("DO 0").await?;
        Ok(answer.status & SERVER_STATUS_IN_TRANS != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_transaction_in_words() {
        let next = NextTransaction {
            isolation: Some("READ COMMITTED".to_string()),
            read_only: Some(true),
        };
        let sql = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY";
        assert_eq!(next.sql(), sql);
    }
}
