//! A shard's answer goes to the client: packets are passed, not decoded; only what ends a result is
//! looked at.

mod local_file;
mod pass;

use crate::registry::{Kill, SessionInfo};
use crate::session::client_io::{ClientIo, OUT_BYTES_MAX};
use errors::AvailabilityError;
use pass::{PassError, pass};
use shard::net::Peek;
use shard::{ServerConn, ShardError, ShardPool};
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use wire::framer::{Expect, Framer};
use wire::reply::{ErrPacket, OkPacket};

/// How often it is looked whether a client takes something.
const CLIENT_LOOK: Duration = Duration::from_millis(250);

/// Which part of the client's answer a shard's answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// Columns and rows, but not the end.
    First,
    /// Rows only.
    Middle,
    /// Rows and the end.
    Last,
    /// None of it.
    Discard,
}

/// How an answer is changed on its way.
#[derive(Debug, Clone)]
pub(crate) struct RelayOptions {
    /// What kind of answer it is.
    pub expect: Expect,
    /// Flags to set in every status.
    pub status_set: u16,
    /// The last insert id that the client is told instead of the shard's.
    pub insert_id: Option<u64>,
    /// Which part it is.
    pub part: Part,
    /// Warnings of parts before this one.
    pub warnings_before: u16,
    /// The statement's kind says what it changes of the session.
    pub explained: bool,
    /// Set when the statement is ended to break a deadlock; its error then says so.
    pub deadlock: Option<Rc<Cell<bool>>>,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            expect: Expect::Result,
            status_set: 0,
            insert_id: None,
            part: Part::Whole,
            warnings_before: 0,
            explained: false,
            deadlock: None,
        }
    }
}

/// What an answer was.
#[derive(Debug, Clone, Default)]
pub(crate) struct RelayEnd {
    /// Status flags at the end (not meaningful after an error).
    pub status: u16,
    /// Warnings.
    pub warnings: u16,
    /// Rows of the last result set.
    pub rows: u64,
    /// There was a result set.
    pub has_columns: bool,
    /// The (last) OK packet, as the shard sent it.
    pub ok: Option<OkPacket>,
    /// What the last packet says of changes of the session.
    pub session_state: Vec<u8>,
    /// The error.
    pub err: Option<ErrPacket>,
    /// Bytes in all.
    pub bytes: usize,
    /// The statement was ended by KILL QUERY, or was over before that came.
    pub killed: bool,
}

/// Why an answer did not come through.
#[derive(Debug)]
pub(crate) enum RelayError {
    /// The shard failed. `resumable` tells whether an ERR packet may still follow.
    Shard {
        /// What happened.
        error: ShardError,
        /// The client is between two packets.
        resumable: bool,
    },
    /// The client is gone, or its session was killed.
    Gone,
}

enum Turn {
    Done,
    Flush,
    File,
    KillQuery,
}

struct Relay<'a> {
    io: &'a mut ClientIo,
    conn: &'a mut ServerConn,
    info: &'a SessionInfo,
    framer: Framer,
    options: RelayOptions,
    end: RelayEnd,
    killed: bool,
    /// By how much the shard's packets are numbered higher than the client's.
    seq_shift: u8,
}

/// Sends what is queued on `conn` and passes its answer to the client (not flushed at the end).
/// If somebody wants the statement ended, the shard is told over a connection of its own, with the account
/// of `conn`.
pub(crate) async fn relay(
    io: &mut ClientIo,
    conn: &mut ServerConn,
    info: &SessionInfo,
    options: RelayOptions,
    pool: &ShardPool,
) -> Result<RelayEnd, RelayError> {
    let mut framer = Framer::new(options.expect, conn.class.deprecate_eof);
    // Packets that are left out take no number, so later parts are numbered from their rows on.
    let seq_shift = conn.answer_seq().wrapping_sub(io.seq);
    if seq_shift != 0 && matches!(options.part, Part::Whole | Part::First) {
        framer.renumber_from(io.seq);
    }
    if options.part != Part::Whole {
        framer.pause_at_rows();
    }
    let end = RelayEnd::default();
    let mut r = Relay {
        io,
        conn,
        info,
        framer,
        options,
        end,
        killed: false,
        seq_shift,
    };
    r.conn.flush().await.map_err(|error| RelayError::Shard {
        error,
        resumable: true,
    })?;
    loop {
        match poll_fn(|cx| r.poll(cx)).await? {
            Turn::Done => break,
            Turn::Flush => r.flush_to_client(pool).await?,
            Turn::File => r.send_file(pool).await?,
            Turn::KillQuery => r.kill_query(&pool.login).await?,
        }
    }
    r.conn.dirty = !r.conn.carry.is_empty();
    let mut end = r.end;
    (end.status, end.warnings) = (r.framer.status, r.framer.warnings);
    (end.rows, end.has_columns) = (r.framer.rows, r.framer.has_columns);
    end.killed = r.killed;
    if end.err.is_none() {
        r.conn.note_status(r.options.expect, end.status);
        r.conn.note_changes(end.status, &end.session_state);
    }
    Ok(end)
}

impl Relay<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Turn, RelayError>> {
        loop {
            if self.framer.is_done() {
                return Poll::Ready(Ok(Turn::Done));
            }
            if self.framer.wants_file() {
                return Poll::Ready(Ok(Turn::File));
            }
            if self.io.queued() > OUT_BYTES_MAX {
                match self.io.poll_flush(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(RelayError::Gone)),
                    Poll::Pending => return Poll::Ready(Ok(Turn::Flush)),
                }
            }
            let Self {
                io,
                conn,
                framer,
                options,
                end,
                ..
            } = self;
            let read = conn.poll_read_with(cx, |buf| pass(io, framer, options, end, buf));
            match read {
                Poll::Ready(Ok(Ok(()))) => {}
                Poll::Ready(Ok(Err(PassError::Gone))) => {
                    return Poll::Ready(Err(RelayError::Gone));
                }
                Poll::Ready(Ok(Err(PassError::Malformed(m)))) => {
                    let error = self.conn.broken(m);
                    return Poll::Ready(Err(self.failed(error)));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.failed(error))),
                Poll::Pending => return self.idle(cx),
            }
        }
    }

    /// Waits until the client has taken what is queued, within the write timeout. KILL of the session ends
    /// the wait; KILL QUERY ends the statement, but not what is on its way already. A client that takes
    /// nothing while others wait for its connection is cut off sooner.
    async fn flush_to_client(&mut self, pool: &ShardPool) -> Result<(), RelayError> {
        let (mut left, mut since) = (self.io.unsent(), Instant::now());
        loop {
            let (io, info, killed) = (&mut *self.io, self.info, self.killed);
            let taken = poll_fn(|cx| {
                info.register(cx.waker());
                match info.kill_state() {
                    Kill::Connection | Kill::Idle => Poll::Ready(Err(RelayError::Gone)),
                    Kill::Query if !killed => Poll::Ready(Ok(Turn::KillQuery)),
                    _ => io.poll_flush(cx).map(|done| match done {
                        Ok(()) => Ok(Turn::Flush),
                        Err(_) => Err(RelayError::Gone),
                    }),
                }
            });
            match tokio::time::timeout(CLIENT_LOOK, taken).await {
                Ok(Ok(Turn::KillQuery)) => {
                    self.killed = true;
                    self.kill_query(&pool.login).await?;
                }
                Ok(flushed) => return flushed.map(drop),
                Err(_) if self.io.unsent() != left => {
                    (left, since) = (self.io.unsent(), Instant::now());
                }
                Err(_) => {
                    let (idle, in_the_way) = (since.elapsed(), pool.counts().waiting > 0);
                    if in_the_way && idle >= pool.limits().slow_client {
                        tracing::info!(
                            session = self.info.id,
                            "cut off: it takes nothing, and others wait"
                        );
                        return Err(RelayError::Gone);
                    }
                    if idle >= self.io.write_timeout {
                        return Err(RelayError::Gone);
                    }
                }
            }
        }
    }

    /// Ends the statement on the shard. Waited for, so that it cannot hit a later one of this session.
    async fn kill_query(&mut self, login: &shard::Login) -> Result<(), RelayError> {
        let answered = self.conn.prefixes_answered().await;
        answered.map_err(|error| self.failed(error))?;
        let login = login.with_account(self.conn.class.account);
        let Err(error) = shard::kill_query(&login, self.conn.thread_id).await else {
            return Ok(());
        };
        tracing::debug!(%error, "KILL QUERY did not reach the shard");
        let shard = self.conn.shard.to_string();
        let error = AvailabilityError::KillUnanswered { shard };
        Err(self.failed(error.into()))
    }

    fn failed(&mut self, error: ShardError) -> RelayError {
        // An ERR packet may follow what was passed: give it the next number.
        let numbered = match self.options.part {
            Part::Whole | Part::First => self.end.bytes > 0,
            Part::Middle | Part::Last => self.framer.is_in_rows(),
            Part::Discard => false,
        };
        if numbered {
            self.io.seq = self.framer.next_seq();
        }
        RelayError::Shard {
            error,
            resumable: !self.framer.is_inside_packet(),
        }
    }

    /// Nothing from the shard: push out what is there, and look after the client and KILL.
    fn idle(&mut self, cx: &mut Context<'_>) -> Poll<Result<Turn, RelayError>> {
        if self.io.queued() > 0 && self.io.poll_flush(cx).ready_and(Result::is_err) {
            return Poll::Ready(Err(RelayError::Gone));
        }
        while self.io.stream.poll_news(cx).is_ready() {
            match self.io.stream.peek() {
                Some(Peek::Closed) => return Poll::Ready(Err(RelayError::Gone)),
                // The next command, sent early.
                Some(Peek::Bytes) => break,
                None => {}
            }
        }
        self.info.register(cx.waker());
        match self.info.kill_state() {
            Kill::Connection | Kill::Idle => Poll::Ready(Err(RelayError::Gone)),
            Kill::Query if !self.killed => {
                self.killed = true;
                Poll::Ready(Ok(Turn::KillQuery))
            }
            _ => match self.conn.down() {
                Some(error) => Poll::Ready(Err(self.failed(error))),
                None => Poll::Pending,
            },
        }
    }
}

trait ReadyAnd<T> {
    fn ready_and(self, f: impl FnOnce(&T) -> bool) -> bool;
}

impl<T> ReadyAnd<T> for Poll<T> {
    fn ready_and(self, f: impl FnOnce(&T) -> bool) -> bool {
        match self {
            Poll::Ready(v) => f(&v),
            Poll::Pending => false,
        }
    }
}
