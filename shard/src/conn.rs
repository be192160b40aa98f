//! A server connection for one user at a time: what is sent, what is due, and the state that it is in.

mod answer;
mod class;
mod planned;
mod prefix;
mod requests;
mod waiting;

pub use answer::{ServerAnswer, TextRow};
pub use class::ConnClass;

use crate::error::ShardError;
use crate::health::InstanceHealth;
use crate::login::{LoggedIn, Login};
use crate::net::NetStream;
use crate::prepared::PreparedStatements;
use crate::scratch::with_scratch;
use crate::settings::Settings;
use crate::timeouts::Timeouts;
use errors::AvailabilityError;
use planned::Planned;
pub(crate) use planned::{Effect, Section};
use prefix::Due;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use wire::caps::CLIENT_DEPRECATE_EOF;
use wire::framer::Expect;

/// A connection to a shard's server.
#[derive(Debug)]
pub struct ServerConn {
    /// The shard's name.
    pub shard: Arc<str>,
    /// The stream.
    pub stream: NetStream,
    /// Thread id on the server.
    pub thread_id: u32,
    /// The server's version.
    pub version: Arc<str>,
    /// Its class.
    pub class: ConnClass,
    /// Settings that it has now.
    pub settings: Rc<Settings>,
    /// Database that is current.
    pub database: Option<Rc<str>>,
    /// Statements prepared on it.
    pub prepared: PreparedStatements,
    /// Bytes read that no step took yet.
    pub carry: Vec<u8>,
    out: Vec<u8>,
    out_at: usize,
    /// What goes ahead of the next request; nothing of it is sent yet.
    planned: Planned,
    /// What was sent ahead of the last request and is not answered yet.
    due: Due,
    /// Number of the first packet of the last request's answer.
    answer_seq: u8,
    /// One COM_QUERY may hold several statements, as far as the server is concerned.
    multi_statements: bool,
    /// SET timestamp was sent, and not taken back.
    clock_is_set: bool,
    /// A transaction was begun by turning autocommit off.
    pub(crate) begun_under_locks: bool,
    /// An answer is due, or the connection is in a state that nobody else may have.
    pub dirty: bool,
    /// What the server last said: a transaction is open. An ERR packet says nothing about it.
    pub in_transaction: bool,
    /// Something of the session changed in a way that nobody has accounted for.
    state_changed: bool,
    /// The server names every variable that changes.
    names_all_changes: bool,
    /// Statements so far that made something which lives as long as the connection.
    objects_made: u64,
    /// When it was last given back.
    pub idle_since: Instant,
    /// What was left over came behind answers of prefixes: nobody has seen it.
    carry_is_news: bool,
    timeouts: Timeouts,
    /// What the checks of its instance say, if somebody checks it.
    health: Option<Arc<InstanceHealth>>,
}

impl ServerConn {
    /// Connects and logs in.
    pub async fn connect(
        login: &Login,
        class: ConnClass,
        fresh: Rc<Settings>,
        prepared_max: usize,
    ) -> Result<Self, ShardError> {
        let l = login.connect(class).await?;
        if class.deprecate_eof && l.capabilities & CLIENT_DEPRECATE_EOF == 0 {
            let what = "it is too old: CLIENT_DEPRECATE_EOF is needed".to_string();
            let shard = login.shard.to_string();
            return Err(AvailabilityError::ProtocolBroken { shard, what }.into());
        }
        let shard = login.shard.clone();
        let mut conn = Self::of(shard, l, class, fresh, prepared_max);
        conn.timeouts = login.timeouts;
        Ok(conn)
    }

    /// Over a stream that is logged in.
    fn of(
        shard: Arc<str>,
        l: LoggedIn,
        class: ConnClass,
        fresh: Rc<Settings>,
        prepared_max: usize,
    ) -> Self {
        Self {
            shard,
            stream: l.stream,
            thread_id: l.thread_id,
            version: l.version.into(),
            class,
            settings: fresh,
            database: None,
            prepared: PreparedStatements::new(prepared_max),
            carry: Vec::new(),
            out: Vec::new(),
            out_at: 0,
            planned: Planned::default(),
            due: Due::default(),
            answer_seq: 1,
            multi_statements: l.capabilities & wire::caps::CLIENT_MULTI_STATEMENTS != 0,
            clock_is_set: false,
            begun_under_locks: false,
            dirty: false,
            in_transaction: false,
            state_changed: false,
            names_all_changes: l.names_all_changes,
            objects_made: 0,
            idle_since: Instant::now(),
            carry_is_news: false,
            timeouts: Timeouts::default(),
            health: None,
        }
    }

    /// The error of a broken connection.
    pub fn lost(&mut self) -> ShardError {
        self.dirty = true;
        let shard = self.shard.to_string();
        AvailabilityError::ConnectionLost { shard }.into()
    }

    /// The error of a server that breaks the protocol.
    pub fn broken(&mut self, what: impl std::fmt::Display) -> ShardError {
        self.dirty = true;
        let (shard, what) = (self.shard.to_string(), what.to_string());
        AvailabilityError::ProtocolBroken { shard, what }.into()
    }

    /// True if the server closed it while it was idle, or sent something nobody asked for.
    pub fn is_stale(&self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        !self.carry.is_empty()
            || self.stream.poll_news(&mut cx).is_ready() && self.stream.peek().is_some()
    }

    /// Queues bytes of a client's file that the server asked for.
    pub fn queue_raw(&mut self, packets: &[u8]) {
        self.out.extend_from_slice(packets);
        self.dirty = true;
    }

    /// Sends what is queued.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ShardError>> {
        while self.out_at < self.out.len() {
            match self.stream.poll_write(cx, &self.out[self.out_at..]) {
                Poll::Ready(Ok(n)) if n > 0 => self.out_at += n,
                Poll::Ready(_) => return Poll::Ready(Err(self.lost())),
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.out_at > 0 {
            self.out.clear();
            self.out_at = 0;
            if self.out.capacity() > 64 * 1024 {
                self.out = Vec::new();
            }
        }
        match self.stream.poll_flush(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(Err(self.lost())),
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads what is there and hands it to `f` as one buffer, together with bytes left over from
    /// before; `f` says how many it took. Answers to what went ahead of the request are taken off first.
    pub fn poll_read_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        f: impl FnOnce(&mut [u8]) -> (usize, R),
    ) -> Poll<Result<R, ShardError>> {
        if std::mem::take(&mut self.carry_is_news) {
            let (taken, r) = f(&mut self.carry);
            self.carry.drain(..taken);
            return Poll::Ready(Ok(r));
        }
        with_scratch(|buf| {
            loop {
                let n = match self.stream.poll_read(cx, buf) {
                    Poll::Ready(Ok(n)) if n > 0 => n,
                    Poll::Ready(_) => return Poll::Ready(Err(self.lost())),
                    Poll::Pending => return Poll::Pending,
                };
                if !self.due.is_empty() {
                    self.carry.extend_from_slice(&buf[..n]);
                    self.take_due()?;
                    if self.carry.is_empty() || !self.due.is_empty() {
                        continue;
                    }
                } else if self.carry.is_empty() {
                    let (taken, r) = f(&mut buf[..n]);
                    self.carry.extend_from_slice(&buf[taken..n]);
                    return Poll::Ready(Ok(r));
                } else {
                    self.carry.extend_from_slice(&buf[..n]);
                }
                let (taken, r) = f(&mut self.carry);
                self.carry.drain(..taken);
                return Poll::Ready(Ok(r));
            }
        })
    }

    /// Notes the status flags of an answer that was no error; not every kind of answer has them.
    pub fn note_status(&mut self, expect: Expect, status: u16) {
        if matches!(expect, Expect::Result | Expect::Cursor | Expect::Rows) {
            self.in_transaction = status & wire::caps::SERVER_STATUS_IN_TRANS != 0;
        }
    }

    /// Notes if an answer says that something of the session changed; `state` is what its packet says of it.
    /// The flag alone may mean the database, or the transaction on MySQL.
    pub fn note_changes(&mut self, status: u16, state: &[u8]) {
        if status & wire::caps::SERVER_SESSION_STATE_CHANGED != 0 {
            self.state_changed |= state.is_empty() || wire::session_state::is_change(state);
        }
    }

    /// True if a statement changed something of the session, and nobody has said what: stored code did, or
    /// the statement itself. Nobody else may have the connection then.
    pub fn state_is_unknown(&self) -> bool {
        self.state_changed
    }

    /// True if the server names every variable that changes.
    pub fn names_all_changes(&self) -> bool {
        self.names_all_changes
    }

    /// Notes how many statements have made something; how many it was before.
    pub(crate) fn note_objects_made(&mut self, made: u64) -> u64 {
        std::mem::replace(&mut self.objects_made, made)
    }

    /// Something may have changed that nobody knows.
    pub fn state_is_doubtful(&mut self) {
        self.state_changed = true;
    }

    /// Whoever ran the last statement knows what it changed.
    pub fn state_is_known(&mut self) {
        self.state_changed = false;
    }

    /// Number of the first packet of the last request's answer: not 1 if the request shared its packet with
    /// what went ahead of it.
    pub fn answer_seq(&self) -> u8 {
        self.answer_seq
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// True if SET timestamp was sent, and not taken back.
    pub(crate) fn clock_is_set(&self) -> bool {
        self.clock_is_set
    }

    /// True if another session may have it next.
    pub(crate) fn is_anybodys(&self) -> bool {
        !self.dirty && !self.in_transaction && !self.state_changed && self.carry.is_empty()
    }

    /// True if it is as the session wants it.
    pub fn is_ready_for(&self, settings: &Rc<Settings>, database: Option<&Rc<str>>) -> bool {
        self.database.as_ref() == database
            && Rc::ptr_eq(&self.settings, settings)
            && !self.clock_is_set
    }
}
