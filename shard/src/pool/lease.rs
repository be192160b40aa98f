//! The right to a connection, until it is dropped.

use super::{Purpose, ShardPool};
use crate::account::AccountId;
use crate::conn::ServerConn;
use crate::error::ShardError;
use crate::login::Login;
use crate::profile::Profile;
use errors::AvailabilityError;
use std::rc::Rc;

/// A connection that belongs to one session, or one pipeline, until this is dropped. A connection with an
/// answer still due, or in a state of its own, is closed instead of given back.
pub struct Lease {
    pool: Rc<ShardPool>,
    purpose: Purpose,
    conn: Option<ServerConn>,
}

impl Lease {
    pub(super) fn new(pool: Rc<ShardPool>, purpose: Purpose, conn: Option<ServerConn>) -> Self {
        Self {
            pool,
            purpose,
            conn,
        }
    }

    /// The connection. Only a lease whose making failed has none.
    pub fn conn(&mut self) -> Result<&mut ServerConn, ShardError> {
        let shard = &self.pool.login.shard;
        let lost = || {
            let shard = shard.to_string();
            AvailabilityError::ConnectionLost { shard }.into()
        };
        self.conn.as_mut().ok_or_else(lost)
    }

    /// The pool it came from.
    pub fn pool(&self) -> &Rc<ShardPool> {
        &self.pool
    }

    /// How to log in as the connection did, to end what it does.
    pub fn login(&self) -> Login {
        let id = self
            .conn
            .as_ref()
            .map_or(AccountId::OWN, |c| c.class.account);
        self.pool.login.with_account(id)
    }

    /// True if there is a connection that can be brought to `profile` and was not closed while it was idle.
    pub(super) fn has_live(&self, profile: &Profile) -> bool {
        let usable = |c: &ServerConn| profile.can_have(c) && !c.is_stale();
        self.conn.as_ref().is_some_and(usable)
    }

    pub(crate) fn put_conn(&mut self, conn: ServerConn) {
        self.conn = Some(conn);
    }

    /// Takes the connection out, to drive it elsewhere; the slot stays taken.
    pub(crate) fn take_conn(&mut self) -> Option<ServerConn> {
        self.conn.take()
    }

    /// What was taken for a pipeline belongs to one session from now on.
    pub(crate) fn pipeline_is_lease(&mut self) {
        if self.purpose == Purpose::Pipeline {
            self.purpose = Purpose::Exclusive;
            self.pool.pipeline_is_lease();
        }
    }

    /// The connection is to be closed, not given back.
    pub fn discard(&mut self) {
        if let Some(conn) = &mut self.conn {
            conn.dirty = true;
        }
    }

    /// True if the server last said that a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.conn.as_ref().is_some_and(|c| c.in_transaction)
    }

    /// True if the connection has changed in a way that nobody has accounted for.
    pub fn state_is_unknown(&self) -> bool {
        self.conn.as_ref().is_some_and(ServerConn::state_is_unknown)
    }

    /// True if the connection cannot be used any more.
    pub fn is_dirty(&self) -> bool {
        self.conn.as_ref().is_none_or(|c| c.dirty)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A transaction is nobody else's: the server rolls it back when the connection goes.
        let conn = self.conn.take();
        let mut conn = conn.filter(ServerConn::is_anybodys);
        // What was planned for a request that never came is not for the next session's.
        if let Some(conn) = &mut conn {
            conn.unplan_all();
        }
        self.pool.give_back(self.purpose, conn);
    }
}
