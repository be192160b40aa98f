//! A server connection that stays with a session, and why it does.

use crate::session::settings::is_on;
use crate::session::transaction::Open;
use catalog::ShardId;
use shard::{Lease, NextTransaction, ServerConn, Settings, ShardError};
use std::rc::Rc;

fn is_autocommit(settings: &Settings) -> bool {
    settings.get("autocommit").is_none_or(is_on)
}

/// Why a connection stays with its session outside of transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pins {
    /// Temporary tables.
    pub temporary_tables: bool,
    /// GET_LOCK.
    pub named_locks: bool,
    /// LOCK TABLES.
    pub locked_tables: bool,
    /// User variables assigned inside a statement.
    pub user_variables: bool,
    /// PREPARE as an SQL statement.
    pub sql_prepare: bool,
    /// HANDLER.
    pub handler: bool,
    /// An open cursor.
    pub cursor: bool,
    /// Stored code changed something of the session, or may have.
    pub stored_code: bool,
}

impl Pins {
    /// The reasons, for people.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = &'static str> + use<> {
        [
            (self.temporary_tables, "temporary table"),
            (self.named_locks, "GET_LOCK"),
            (self.locked_tables, "LOCK TABLES"),
            (self.user_variables, "user variable"),
            (self.sql_prepare, "PREPARE"),
            (self.handler, "HANDLER"),
            (self.cursor, "cursor"),
            (self.stored_code, "stored code"),
        ]
        .into_iter()
        .filter(|(yes, _)| *yes)
        .map(|(_, why)| why)
    }

    /// True if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what a statement asks for by its kind.
    pub(crate) fn add(&mut self, pin: router::plan::Pin) {
        match pin {
            router::plan::Pin::LockedTables => self.locked_tables = true,
            router::plan::Pin::Handler => self.handler = true,
            router::plan::Pin::TemporaryTables => self.temporary_tables = true,
        }
    }
}

/// A server connection that stays with the session: the part of its transaction on one shard, or pinned.
pub(crate) struct Branch {
    /// Its shard.
    pub shard: ShardId,
    /// The connection.
    pub lease: Lease,
    /// A transaction is open on it.
    pub open: bool,
    /// Why it stays besides.
    pub pins: Pins,
    /// Names of PREPARE as an SQL statement that it knows, in lower case.
    pub prepared_names: Vec<String>,
}

impl Drop for Branch {
    /// A connection with a transaction, a lock or a table of its own must never serve somebody else.
    fn drop(&mut self) {
        if self.open || !self.pins.is_empty() {
            self.lease.discard();
        }
    }
}

impl Branch {
    /// A connection without anything that keeps it.
    pub(crate) fn new(shard: ShardId, lease: Lease) -> Self {
        Self {
            shard,
            lease,
            open: false,
            pins: Pins::default(),
            prepared_names: Vec::new(),
        }
    }

    /// The connection.
    pub(crate) fn conn(&mut self) -> Result<&mut ServerConn, ShardError> {
        self.lease.conn()
    }

    /// Notes if something changed on the connection that nobody has accounted for: it stays with the session.
    pub(crate) fn note_unknown_state(&mut self) {
        self.pins.stored_code |= self.lease.state_is_unknown();
    }

    /// The connection, if no answer is due on it.
    pub(crate) fn clean(&mut self) -> Result<&mut ServerConn, ShardError> {
        let conn = self.lease.conn()?;
        match conn.dirty {
            true => Err(conn.lost()),
            false => Ok(conn),
        }
    }

    /// Plans what the session's next request needs of the connection: settings, database, and its part of the
    /// transaction, if one is open and it has none yet. All of it travels with the request.
    pub(crate) fn plan(
        &mut self,
        (all, wanted): (&Rc<Settings>, &Rc<Settings>),
        database: Option<&Rc<str>>,
        open: Option<&Open>,
        next: Option<&NextTransaction>,
    ) -> Result<(), ShardError> {
        // User variables that only the pinned connection knows must not be reset.
        let settings = match self.pins.is_empty() {
            true => wanted,
            false => all,
        };
        let conn = self.lease.conn()?;
        conn.plan_session(settings, database);
        if !self.open {
            let savepoints = open.map_or(&[][..], |o| &o.savepoints);
            match open.filter(|_| self.pins.locked_tables) {
                // START TRANSACTION would end the locks.
                Some(_) => conn.plan_transaction_under_locks(is_autocommit(all), savepoints),
                None => conn.plan_transaction(next, open.map(|o| o.begin), savepoints),
            }
            // Whether it begins or not: nothing but its end may come between.
            self.open = open.is_some();
        }
        Ok(())
    }
}
