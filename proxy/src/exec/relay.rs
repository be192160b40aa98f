//! A shard's answer goes to the client: packets are passed, not decoded; only what ends a result is
//! looked at.

use crate::registry::{Kill, SessionInfo};
use crate::session::client_io::{ClientIo, OUT_BYTES_MAX};
use crate::session::err_packet;
use errors::{AvailabilityError, TransactionError};
use shard::net::Peek;
use shard::{ServerConn, ShardError};
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use wire::caps::*;
use wire::framer::{Control, Expect, Framer, Step};
use wire::packet::HEADER_LEN;
use wire::reply::{ErrPacket, OkPacket};

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
/// If somebody wants the statement ended, the shard is told over a connection of `login`.
pub(crate) async fn relay(
    io: &mut ClientIo,
    conn: &mut ServerConn,
    info: &SessionInfo,
    options: RelayOptions,
    login: &shard::Login,
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
            Turn::Flush => r.io.flush().await.map_err(|_| RelayError::Gone)?,
            Turn::File => r.send_file().await?,
            Turn::KillQuery => {
                let answered = r.conn.prefixes_answered().await;
                answered.map_err(|error| r.failed(error))?;
                // Waited for, so that it cannot hit a later statement of this session.
                if let Err(error) = shard::kill_query(login, r.conn.thread_id).await {
                    tracing::debug!(%error, "KILL QUERY did not reach the shard");
                    let shard = r.conn.shard.to_string();
                    let error = AvailabilityError::KillUnanswered { shard };
                    return Err(r.failed(error.into()));
                }
            }
        }
    }
    r.conn.dirty = !r.conn.carry.is_empty();
    let mut end = r.end;
    (end.status, end.warnings) = (r.framer.status, r.framer.warnings);
    (end.rows, end.has_columns) = (r.framer.rows, r.framer.has_columns);
    end.killed = r.killed;
    if end.err.is_none() {
        r.conn.note_status(r.options.expect, end.status);
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

    /// LOAD DATA LOCAL: the client's packets go to the shard, up to an empty one.
    async fn send_file(&mut self) -> Result<(), RelayError> {
        self.io.flush().await.map_err(|_| RelayError::Gone)?;
        let mut seq = self.framer.next_seq();
        loop {
            let packet = self.io.payload(seq, wire::MAX_PAYLOAD).await;
            let packet = packet.map_err(|_| RelayError::Gone)?;
            let head = wire::packet::Header {
                len: packet.len(),
                seq: seq.wrapping_add(self.seq_shift),
            };
            self.conn.queue_raw(&head.bytes());
            self.conn.queue_raw(&packet);
            seq = seq.wrapping_add(1);
            if let Err(error) = self.conn.flush().await {
                return Err(RelayError::Shard {
                    error,
                    resumable: true,
                });
            }
            if packet.is_empty() {
                self.framer.file_sent();
                if self.seq_shift != 0 {
                    // The client counts its own packets too.
                    self.framer.renumber_from(seq);
                }
                self.io.seq = seq;
                return Ok(());
            }
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

enum PassError {
    Gone,
    Malformed(wire::Malformed),
}

type Passed = (usize, Result<(), PassError>);

fn pass(
    io: &mut ClientIo,
    framer: &mut Framer,
    options: &RelayOptions,
    end: &mut RelayEnd,
    buf: &mut [u8],
) -> Passed {
    let mut at = 0;
    while !framer.is_done() && !framer.wants_file() {
        let columns_first = !framer.is_in_rows();
        let later = matches!(options.part, Part::Middle | Part::Last);
        let step = match framer.step(&mut buf[at..]) {
            Ok(step) => step,
            Err(e) => return (at, Err(PassError::Malformed(e))),
        };
        match step {
            Step::Need => break,
            Step::Pass(n) => {
                if options.part != Part::Discard && !(columns_first && later) {
                    let mut cx = Context::from_waker(Waker::noop());
                    if io.poll_pass(&mut cx, &buf[at..at + n]).is_err() {
                        return (at, Err(PassError::Gone));
                    }
                }
                end.bytes += n;
                at += n;
                if later && columns_first && framer.is_in_rows() {
                    framer.renumber_from(io.seq);
                }
            }
            Step::Control(control, n) => {
                end.bytes += n;
                let numbered = !(later && columns_first);
                let packet = &buf[at..at + n];
                if let Err(e) = pass_control(io, options, end, control, numbered, packet) {
                    return (at, Err(PassError::Malformed(e)));
                }
                at += n;
                if later && columns_first && framer.is_in_rows() {
                    framer.renumber_from(io.seq);
                }
            }
        }
    }
    (at, Ok(()))
}

/// Passes a packet that ends something, changed where the client must see something else.
fn pass_control(
    io: &mut ClientIo,
    options: &RelayOptions,
    end: &mut RelayEnd,
    control: Control,
    numbered: bool,
    packet: &[u8],
) -> Result<(), wire::Malformed> {
    let payload = &packet[HEADER_LEN..];
    if options.part == Part::Discard {
        if control == Control::Err {
            end.err = Some(ErrPacket::decode(payload)?);
        }
        return Ok(());
    }
    match control {
        Control::Err => {
            let mut err = ErrPacket::decode(payload)?;
            shard::account::hide(&mut err);
            if options.deadlock.as_ref().is_some_and(|d| d.get()) {
                err = err_packet(&TransactionError::Deadlock.into());
            }
            if numbered {
                io.seq = packet[3];
            }
            io.put_err(&err);
            end.err = Some(err);
        }
        Control::Ok => {
            let mut ok = OkPacket::decode(payload, true)?;
            end.ok = Some(ok.clone());
            if !ok.session_state.is_empty() {
                ok.session_state = wire::session_state::for_client(&ok.session_state)?;
            }
            ok.status |= options.status_set;
            if let Some(id) = options.insert_id.filter(|_| ok.affected_rows > 0) {
                ok.last_insert_id = id;
            }
            io.seq = packet[3];
            io.put_ok(&ok);
        }
        // The next part goes on with this packet's number.
        Control::RowsEnd if matches!(options.part, Part::First | Part::Middle) => {
            io.seq = packet[3]
        }
        Control::RowsEnd => pass_rows_end(io, options, packet)?,
        Control::ColumnsEnd if matches!(options.part, Part::Middle | Part::Last) => {}
        Control::ColumnsEnd | Control::Infile | Control::PrepareOk => {
            io.put_raw(packet);
            io.seq = packet[3].wrapping_add(1);
        }
    }
    Ok(())
}

fn pass_rows_end(
    io: &mut ClientIo,
    options: &RelayOptions,
    packet: &[u8],
) -> Result<(), wire::Malformed> {
    let payload = &packet[HEADER_LEN..];
    let before = options.warnings_before;
    if payload.len() == 5 {
        let (warnings, status) = wire::reply::decode_eof(payload)?;
        io.seq = packet[3];
        let status = (status | options.status_set) & !SERVER_SESSION_STATE_CHANGED;
        let warnings = warnings.saturating_add(before);
        io.put_with(|b| wire::reply::put_eof(b, warnings, status));
        return Ok(());
    }
    let mut ok = OkPacket::decode(payload, true)?;
    if ok.status & SERVER_SESSION_STATE_CHANGED == 0 && options.status_set == 0 && before == 0 {
        io.put_raw(packet);
        io.seq = packet[3].wrapping_add(1);
        return Ok(());
    }
    if !ok.session_state.is_empty() {
        ok.session_state = wire::session_state::for_client(&ok.session_state)?;
    }
    ok.status |= options.status_set;
    ok.warnings = ok.warnings.saturating_add(before);
    let caps = io.capabilities;
    io.seq = packet[3];
    io.put_with(|b| ok.encode(b, 0xfe, caps));
    Ok(())
}
