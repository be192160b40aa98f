//! A server connection that many sessions use at once.
//!
//! Requests of different sessions stand back to back in one buffer, which is sent once a turn of the
//! event loop; answers are split at packet headers and handed out in order. Requests are taken from the
//! start, before the connection is there. All sessions behind a slow statement wait, so only fast ones
//! come here, and one that holds the others up nevertheless loses its company after a while.

mod driver;
mod slot;

pub use slot::{ReplySlot, SlotEnd, SlotNews};

use crate::error::ShardError;
use crate::pace::Pace;
use crate::pool::ShardPool;
use crate::prepared::{PreparedStatements, StatementKey};
use crate::profile::Profile;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};
use wire::command::stmt_close;
use wire::framer::{Expect, Framer};

struct Pending {
    slot: Rc<ReplySlot>,
    framer: Framer,
    /// When it was given to the connection.
    sent: Option<Instant>,
    failed: bool,
    /// The server's id, if the request prepares a statement and the server has answered so much.
    prepared: Option<u32>,
}

struct Inner {
    out: Vec<u8>,
    queue: VecDeque<Pending>,
    waker: Option<Waker>,
    closed: bool,
    /// Its instance counts as down: no answer is waited for.
    given_up: bool,
    last_use: Instant,
}

impl Inner {
    /// COM_STMT_CLOSE, which has no answer.
    fn put_close(&mut self, id: u32) {
        stmt_close::put(&mut self.out, id);
    }

    fn wake(&mut self) {
        if let Some(w) = self.waker.take() {
            w.wake();
        }
    }
}

/// A pipeline.
pub struct Pipeline {
    inner: RefCell<Inner>,
    prepared: RefCell<PreparedStatements>,
    deprecate_eof: bool,
    pace: Pace,
    pool: Rc<ShardPool>,
}

impl Pipeline {
    /// Starts one for sessions of `profile`. It gets its connection ahead of leases; until then requests
    /// wait in it. After `stall` without an answer the statement that is due keeps the connection to itself.
    pub fn open(pool: Rc<ShardPool>, profile: Profile, stall: Duration) -> Rc<Self> {
        let inner = Inner {
            out: Vec::new(),
            queue: VecDeque::new(),
            waker: None,
            closed: false,
            given_up: false,
            last_use: Instant::now(),
        };
        let this = Rc::new(Self {
            inner: RefCell::new(inner),
            prepared: RefCell::new(PreparedStatements::new(pool.limits().prepared_max)),
            deprecate_eof: profile.class.deprecate_eof,
            pace: Pace::default(),
            pool: pool.clone(),
        });
        pool.note_pipeline(&this);
        tokio::task::spawn_local(driver::run(this.clone(), pool, profile, stall));
        this
    }

    /// Microseconds that the fastest kind of statement takes here now: of those that this pipeline
    /// carries, and the checks of the server. 0 while nothing is known.
    pub fn fastest_us(&self) -> f64 {
        let own = self.pace.fastest_us();
        let check = self.pool.health.check_us();
        own.map_or(check, |own| if check > 0.0 { own.min(check) } else { own })
    }

    /// The same of statements on leased connections.
    pub fn fastest_alone_us(&self) -> f64 {
        self.pool.alone.fastest_us().unwrap_or(0.0)
    }

    /// Notes what one kind of statement takes on average now.
    pub fn note_mean(&self, mean_us: f64) {
        self.pace.note(mean_us);
    }

    /// Requests that wait for their answers.
    pub fn depth(&self) -> usize {
        self.inner.borrow().queue.len()
    }

    /// True once it takes no more requests.
    pub fn is_closed(&self) -> bool {
        self.inner.borrow().closed
    }

    /// When the last request went out.
    pub fn last_use(&self) -> Instant {
        self.inner.borrow().last_use
    }

    /// Takes no more requests; when the last answer is out, its connection goes back to the pool.
    pub fn close(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.closed = true;
        inner.wake();
    }

    /// No answer is waited for any more: those who wait may run elsewhere, and learn there why.
    pub(crate) fn give_up(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.given_up = true;
        inner.closed = true;
        inner.wake();
    }

    /// Appends a request that `write` puts as packets; its answer goes to `slot`.
    /// False if the pipeline is closed.
    pub fn submit(
        &self,
        slot: &Rc<ReplySlot>,
        expect: Expect,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let mut inner = self.inner.borrow_mut();
        if inner.closed {
            return false;
        }
        write(&mut inner.out);
        slot.begin();
        let framer = Framer::new(expect, self.deprecate_eof);
        inner.queue.push_back(Pending {
            slot: slot.clone(),
            framer,
            sent: None,
            failed: false,
            prepared: None,
        });
        inner.wake();
        true
    }

    /// The server's id of a prepared statement, if it is prepared here.
    pub fn statement(&self, key: StatementKey) -> Option<u32> {
        self.prepared.borrow_mut().get(key)
    }

    /// Notes a statement that a session has prepared here.
    pub fn remember(&self, key: StatementKey, id: u32) {
        if let Some(old) = self.prepared.borrow_mut().put(key, id) {
            self.inner.borrow_mut().put_close(old);
        }
    }

    /// There is no connection: requests that wait learn why, and no more are taken.
    fn refuse(&self, error: &ShardError) {
        let mut inner = self.inner.borrow_mut();
        inner.closed = true;
        inner.out.clear();
        for p in inner.queue.drain(..) {
            p.slot.refuse(error.clone());
        }
    }
}
