//! The server connections of a session, at most one a shard, and the transaction over them.

use crate::session::Stop;
use crate::session::branch::{Branch, Pins};
use crate::session::client_state::ClientState;
use crate::session::outcome::Outcome;
use crate::session::stop::without_account;
use crate::session::transaction::Transaction;
use crate::worker::Worker;
use catalog::ShardId;
use errors::{AvailabilityError, TransactionError};
use shard::{NextTransaction, ShardError};
use smallvec::SmallVec;
use wire::caps::SERVER_STATUS_IN_TRANS;

/// The server connections of a session.
#[derive(Default)]
pub(crate) struct Branches {
    list: SmallVec<[Branch; 2]>,
    /// The transaction.
    pub transaction: Transaction,
    /// SET TRANSACTION of the next transaction.
    pub next: Option<NextTransaction>,
}

impl Branches {
    /// True between BEGIN and its end, or while a branch is open under autocommit=0.
    pub(crate) fn in_transaction(&self) -> bool {
        self.transaction != Transaction::Idle || self.list.iter().any(|b| b.open)
    }

    /// True if nothing of the session lives on a connection, and nothing is said about the next one.
    pub(crate) fn are_unused(&self) -> bool {
        self.list.is_empty() && self.transaction == Transaction::Idle && self.next.is_none()
    }

    /// The connection to a shard.
    pub(crate) fn get(&mut self, shard: ShardId) -> Option<&mut Branch> {
        self.list.iter_mut().find(|b| b.shard == shard)
    }

    /// The connection to a shard that must be there.
    pub(crate) fn held(&mut self, shard: ShardId) -> Result<&mut Branch, Stop> {
        // Only a lost one is missing, and what it did is rolled back when the statement ends.
        let lost = || AvailabilityError::Disconnected.into();
        self.get(shard).ok_or_else(lost)
    }

    /// All connections.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Branch> {
        self.list.iter()
    }

    /// Shards on which LOCK TABLES holds.
    pub(crate) fn locked(&self) -> impl Iterator<Item = ShardId> {
        let locked = self.list.iter().filter(|b| b.pins.locked_tables);
        locked.map(|b| b.shard)
    }

    /// Closes tables that HANDLER has open, where nothing else lives on their connections: DDL on another
    /// connection would wait for them. A server closes those of the table that changes.
    pub(crate) fn close_handlers(&mut self) {
        let only_handler = Pins {
            handler: true,
            ..Pins::default()
        };
        self.list.retain(|b| b.open || b.pins != only_handler);
    }

    /// All connections, to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Branch> {
        self.list.iter_mut()
    }

    /// True if a branch besides that of `shard` is open.
    pub(crate) fn others_open(&self, shard: ShardId) -> bool {
        self.list.iter().any(|b| b.shard != shard && b.open)
    }

    /// Why connections stay with the session, for people.
    pub(crate) fn pin_reasons(&self) -> impl Iterator<Item = &'static str> {
        self.list.iter().flat_map(|b| b.pins.reasons())
    }

    /// Takes the open branches out; pinned connections without one stay.
    pub(crate) fn take_open(&mut self) -> Vec<Branch> {
        let mut open = Vec::new();
        for branch in std::mem::take(&mut self.list) {
            match branch.open {
                true => open.push(branch),
                false => self.list.push(branch),
            }
        }
        open
    }

    /// Puts a branch back whose part of the transaction is over, if something else keeps it.
    pub(crate) fn keep_if_pinned(&mut self, mut branch: Branch) {
        branch.open = false;
        branch.note_unknown_state();
        if !branch.pins.is_empty() && branch.clean().is_ok() {
            self.list.push(branch);
        }
    }

    /// The connection to `shard`. What the session needs of it, its branch of the transaction included,
    /// is planned and travels with the next request.
    pub(crate) async fn acquire(
        &mut self,
        worker: &Worker,
        client: &ClientState,
        shard: ShardId,
        user_variables: bool,
    ) -> Result<&mut Branch, Stop> {
        self.check_aborted().await?;
        let wanted = client.settings.wanted(user_variables);
        let database = client.database.as_ref();
        if self.get(shard).is_none() {
            let pool = worker.pool(shard)?;
            match pool.lease(client.class, wanted, database).await {
                Ok(lease) => self.list.push(Branch::new(shard, lease)),
                Err(e) => return Err(self.abort(e).await),
            }
        }
        let settings = (&client.settings.all, wanted);
        let (open, next) = (self.transaction.open(), self.next.as_ref());
        let planned = match self.list.iter_mut().find(|b| b.shard == shard) {
            None => Ok(()),
            Some(branch) => branch.plan(settings, database, open, next),
        };
        match planned {
            Ok(()) => self.held(shard),
            Err(e) => Err(self.abort(e).await),
        }
    }

    /// After a statement: what a server says of its transaction is noted, and connections that nothing
    /// keeps are given back.
    pub(crate) fn release_idle(&mut self) {
        for branch in &mut self.list {
            branch.open |= branch.lease.in_transaction();
            branch.note_unknown_state();
        }
        if self.list.iter().any(|b| b.open && b.lease.is_dirty()) {
            self.transaction = Transaction::Aborted;
        }
        self.list
            .retain(|b| !b.lease.is_dirty() && (b.open || !b.pins.is_empty()));
    }

    /// Notes what the answer of a shard says of its transaction.
    pub(crate) fn note_status(&mut self, shard: ShardId, status: u16) {
        let Some(branch) = self.get(shard) else {
            return;
        };
        let was_open = branch.open;
        branch.open = status & SERVER_STATUS_IN_TRANS != 0;
        if was_open && !branch.open {
            // The statement committed by itself (a routine, an implicit commit).
            self.transaction = Transaction::Idle;
        }
        if !self.in_transaction() {
            // SET TRANSACTION was for this statement.
            self.next = None;
        }
    }

    /// A transaction that lost a branch is rolled back everywhere, and says so before anything else.
    pub(crate) async fn check_aborted(&mut self) -> Result<(), Stop> {
        if self.transaction != Transaction::Aborted {
            return Ok(());
        }
        self.rollback_all().await;
        Err(TransactionError::LostBranch.into())
    }

    /// One branch is lost, so the transaction is: everything is rolled back, and the client told.
    pub(crate) async fn abort(&mut self, cause: ShardError) -> Stop {
        if !self.in_transaction() {
            return cause.into();
        }
        self.rollback_all().await;
        match cause {
            ShardError::Server { err, .. } => Stop::Server(err),
            ShardError::Unusable(e) => {
                let cause = without_account(e).to_string();
                TransactionError::RolledBack { cause }.into()
            }
        }
    }

    /// An ERR packet of a shard is only an error; a broken connection ends the transaction.
    pub(crate) async fn abort_unless_server(&mut self, e: ShardError) -> Stop {
        match e {
            ShardError::Server { err, .. } => Stop::Server(err),
            e => self.abort(e).await,
        }
    }

    /// Rolls every branch back and ends the transaction. What cannot be reached is closed, and the
    /// server rolls it back.
    pub(crate) async fn rollback_all(&mut self) {
        if self.in_transaction() {
            self.next = None;
        }
        self.transaction = Transaction::Idle;
        // All are on their way before one is waited for: none is held up by another.
        let mut sent = Vec::new();
        for mut branch in self.take_open() {
            if let Ok(conn) = branch.clean()
                && conn.send_rollback().await.is_ok()
            {
                sent.push(branch);
            }
        }
        for mut branch in sent {
            let done = match branch.conn() {
                Ok(conn) => conn.rolled_back().await,
                Err(e) => Err(e),
            };
            if done.is_ok() {
                self.keep_if_pinned(branch);
            }
        }
    }

    /// After an error that may have come inside a transaction: asks the server whether one is open. If
    /// it is gone on one shard (a deadlock), it is ended on all. Under autocommit=0 the statement that
    /// failed may have opened it.
    pub(crate) async fn check_after_error(&mut self, shard: ShardId, autocommit: bool) {
        let Some(branch) = self.get(shard) else {
            return;
        };
        let was_open = branch.open;
        if !was_open && autocommit {
            return;
        }
        let open = match branch.clean() {
            Ok(conn) => conn.is_transaction_open().await,
            Err(e) => Err(e),
        };
        branch.open = open.unwrap_or(false) || branch.conn().is_ok_and(|c| c.begun_under_locks());
        if !branch.open && was_open {
            self.rollback_all().await;
        }
    }

    /// The end of a statement: connections that nothing keeps go back, and if a branch was lost with the
    /// failure, the client learns that first.
    pub(crate) async fn settle(&mut self, done: Result<Outcome, Stop>) -> Result<Outcome, Stop> {
        self.release_idle();
        match done {
            Ok(outcome) => Ok(outcome),
            Err(Stop::Gone) => Err(Stop::Gone),
            Err(stop) => Err(self.check_aborted().await.err().unwrap_or(stop)),
        }
    }
}
