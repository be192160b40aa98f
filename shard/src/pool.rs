//! Connections of one worker to one shard, leased one at a time, first come first served.

use crate::conn::{ConnClass, ServerConn};
use crate::error::ShardError;
use crate::health::ShardHealth;
use crate::login::Login;
use crate::settings::Settings;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Bounds of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Connections of this worker to this shard.
    pub connections_max: usize,
    /// Statements that may wait for one.
    pub waiters_max: usize,
    /// How long one waits.
    pub wait: Duration,
    /// Statements prepared on one connection.
    pub prepared_max: usize,
    /// Idle connections are closed after this time.
    pub idle: Duration,
}

/// What a waiter is given: a connection, or the right to make one.
enum Grant {
    Conn(Box<ServerConn>),
    Permit,
}

struct Inner {
    idle: Vec<ServerConn>,
    /// Connections that exist or are being made.
    total: usize,
    waiters: VecDeque<oneshot::Sender<Grant>>,
}

/// The pool.
pub struct ShardPool {
    /// How connections are made.
    pub login: Login,
    /// What the checks say of the shard.
    pub health: Arc<ShardHealth>,
    limits: PoolLimits,
    fresh: Rc<Settings>,
    inner: RefCell<Inner>,
    /// Leases that had to wait, for people.
    pub waits: Cell<u64>,
}

impl ShardPool {
    /// An empty pool. `fresh` are the settings of a new connection, interned.
    pub fn new(
        login: Login,
        health: Arc<ShardHealth>,
        limits: PoolLimits,
        fresh: Rc<Settings>,
    ) -> Rc<Self> {
        let inner = Inner {
            idle: Vec::new(),
            total: 0,
            waiters: VecDeque::new(),
        };
        let inner = RefCell::new(inner);
        Rc::new(Self {
            login,
            health,
            limits,
            fresh,
            inner,
            waits: Cell::new(0),
        })
    }

    /// Leases a connection, if possible one that needs no change for `settings` and `database`.
    pub async fn lease(
        self: &Rc<Self>,
        class: ConnClass,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
    ) -> Result<Lease, ShardError> {
        let grant = match self.take(class, settings, database) {
            Some(grant) => grant,
            None => self.wait().await?,
        };
        // From here on the slot is ours: the guard gives it back if we fail or are dropped.
        let mut lease = Lease {
            pool: self.clone(),
            conn: None,
        };
        let conn = match grant {
            Grant::Conn(conn) if usable(&conn, class, database) => *conn,
            Grant::Conn(_) | Grant::Permit => {
                let fresh = self.fresh.clone();
                ServerConn::connect(&self.login, class, fresh, self.limits.prepared_max).await?
            }
        };
        lease.conn = Some(conn);
        Ok(lease)
    }

    /// A connection or a permit, if there is one without waiting.
    fn take(
        &self,
        class: ConnClass,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
    ) -> Option<Grant> {
        let mut inner = self.inner.borrow_mut();
        if !inner.waiters.is_empty() {
            return None;
        }
        let fits = |c: &ServerConn| c.class == class && c.is_ready_for(settings, database);
        let at = inner
            .idle
            .iter()
            .rposition(fits)
            .or_else(|| inner.idle.iter().rposition(|c| c.class == class));
        if let Some(at) = at {
            return Some(Grant::Conn(Box::new(inner.idle.swap_remove(at))));
        }
        if inner.total < self.limits.connections_max {
            inner.total += 1;
            return Some(Grant::Permit);
        }
        // One of another class makes room.
        inner.idle.pop().map(|_| Grant::Permit)
    }

    async fn wait(&self) -> Result<Grant, ShardError> {
        let started = Instant::now();
        let receiver = {
            let mut inner = self.inner.borrow_mut();
            inner.waiters.retain(|w| !w.is_closed());
            if inner.waiters.len() >= self.limits.waiters_max {
                return Err(self.exhausted(started, inner.waiters.len()));
            }
            let (sender, receiver) = oneshot::channel();
            inner.waiters.push_back(sender);
            receiver
        };
        self.waits.set(self.waits.get() + 1);
        match tokio::time::timeout(self.limits.wait, receiver).await {
            Ok(Ok(grant)) => Ok(grant),
            _ => {
                let waiting = self.inner.borrow().waiters.len();
                Err(self.exhausted(started, waiting))
            }
        }
    }

    fn exhausted(&self, started: Instant, waiting: usize) -> ShardError {
        ShardError::Exhausted {
            shard: self.login.shard.to_string(),
            max: self.limits.connections_max,
            waited_ms: started.elapsed().as_millis() as u64,
            waiting,
        }
    }

    /// Hands a grant to the first waiter that is still there; else keeps it.
    fn give(&self, mut grant: Grant) {
        let mut inner = self.inner.borrow_mut();
        while let Some(waiter) = inner.waiters.pop_front() {
            match waiter.send(grant) {
                Ok(()) => return,
                Err(back) => grant = back,
            }
        }
        match grant {
            Grant::Conn(mut conn) => {
                conn.idle_since = Instant::now();
                inner.idle.push(*conn);
            }
            Grant::Permit => inner.total = inner.total.saturating_sub(1),
        }
    }

    /// Takes a slot for a shared connection, outside of the queue; `None` if the pool is full.
    pub fn reserve(self: &Rc<Self>) -> Option<Lease> {
        let mut inner = self.inner.borrow_mut();
        // Leave at least one for transactions.
        if inner.total + 1 >= self.limits.connections_max.max(2) {
            return None;
        }
        inner.total += 1;
        Some(Lease {
            pool: self.clone(),
            conn: None,
        })
    }

    /// Fills a reserved slot.
    pub async fn fill(&self, lease: &mut Lease, class: ConnClass) -> Result<(), ShardError> {
        let fresh = self.fresh.clone();
        let conn = ServerConn::connect(&self.login, class, fresh, self.limits.prepared_max).await?;
        lease.conn = Some(conn);
        Ok(())
    }

    /// Closes connections that were idle too long.
    pub fn close_idle(&self) {
        let mut inner = self.inner.borrow_mut();
        let before = inner.idle.len();
        let max = self.limits.idle;
        inner.idle.retain(|c| c.idle_since.elapsed() < max);
        let closed = before - inner.idle.len();
        inner.total = inner.total.saturating_sub(closed);
    }

    /// Connections in all, idle ones, and statements that wait.
    pub fn counts(&self) -> (usize, usize, usize) {
        let inner = self.inner.borrow();
        (inner.total, inner.idle.len(), inner.waiters.len())
    }
}

/// A session without a database cannot use a connection that has one: it could not be taken away.
fn usable(conn: &ServerConn, class: ConnClass, database: Option<&Rc<str>>) -> bool {
    let database = database.is_some() || conn.database.is_none();
    conn.class == class && database && !conn.is_stale()
}

/// A connection that belongs to one session until this is dropped. A connection with an answer still
/// due, or in a state of its own, is closed instead of given back.
pub struct Lease {
    pool: Rc<ShardPool>,
    conn: Option<ServerConn>,
}

impl Lease {
    /// The connection. Only a lease whose making failed has none.
    pub fn conn(&mut self) -> Result<&mut ServerConn, ShardError> {
        let shard = self.pool.login.shard.to_string();
        self.conn.as_mut().ok_or(ShardError::Lost { shard })
    }

    /// The pool it came from.
    pub fn pool(&self) -> &Rc<ShardPool> {
        &self.pool
    }

    /// Takes the connection out for good (it is driven elsewhere); the slot stays taken.
    pub fn take_conn(&mut self) -> Option<ServerConn> {
        self.conn.take()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match self.conn.take() {
            // A transaction is nobody else's: the server rolls it back when the connection goes.
            Some(conn) if !conn.dirty && !conn.in_transaction && conn.carry.is_empty() => {
                self.pool.give(Grant::Conn(Box::new(conn)));
            }
            _ => self.pool.give(Grant::Permit),
        }
    }
}

impl Lease {
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

    /// True if the connection cannot be used any more.
    pub fn is_dirty(&self) -> bool {
        self.conn.as_ref().is_none_or(|c| c.dirty)
    }
}
