//! A server connection that many sessions use at once.
//!
//! Requests of different sessions stand back to back in one buffer, which is sent once a turn of the
//! event loop; answers are split at packet headers and handed out in order. Only statements that
//! proved fast and small come here: all sessions behind a slow one would wait.

use crate::conn::ServerConn;
use crate::pool::Lease;
use crate::prepared::StatementKey;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use wire::framer::{Control, Expect, Framer, Step};

/// Bytes that a reader may leave in its slot before the whole pipeline waits for it.
const SLOT_BYTES_MAX: usize = 1 << 20;
/// Bytes after which a reader is woken before its answer is complete.
const SLOT_BYTES_WAKE: usize = 256 * 1024;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotEnd {
    /// Warnings of the statement.
    pub warnings: u16,
    /// Rows of its result.
    pub rows: u64,
    /// It was an ERR packet.
    pub failed: bool,
    /// Microseconds from the answer before, or from sending, to the end of this one.
    pub service_us: u64,
    /// Bytes of the answer.
    pub bytes: usize,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlotState {
    Idle,
    Waiting,
    Done(SlotEnd),
    /// The connection broke; true if the reader had got bytes already.
    Lost(bool),
}

/// Where one session's answer goes; kept by the session from statement to statement.
#[derive(Debug)]
pub struct ReplySlot {
    /// Bytes that arrived and were not taken yet.
    pub bytes: RefCell<Vec<u8>>,
    state: Cell<SlotState>,
    received: Cell<usize>,
    waker: RefCell<Option<Waker>>,
    blocked: RefCell<Option<Waker>>,
}

/// News of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotNews {
    /// The bytes hold all the rest of the answer.
    Done(SlotEnd),
    /// There are bytes to pass on, and more will come.
    Part,
    /// The connection broke; true if part of the answer had come.
    Lost(bool),
}

impl Default for ReplySlot {
    fn default() -> Self {
        Self {
            bytes: RefCell::default(),
            state: Cell::new(SlotState::Idle),
            received: Cell::new(0),
            waker: RefCell::default(),
            blocked: RefCell::default(),
        }
    }
}

impl ReplySlot {
    /// Waits for the end of the answer, or for many bytes of it.
    pub fn poll_news(&self, cx: &mut Context<'_>) -> Poll<SlotNews> {
        match self.state.get() {
            SlotState::Done(end) => Poll::Ready(SlotNews::Done(end)),
            SlotState::Lost(partial) => Poll::Ready(SlotNews::Lost(partial)),
            SlotState::Idle => Poll::Ready(SlotNews::Lost(false)),
            SlotState::Waiting if self.bytes.borrow().len() >= SLOT_BYTES_WAKE => {
                Poll::Ready(SlotNews::Part)
            }
            SlotState::Waiting => {
                let mut waker = self.waker.borrow_mut();
                match waker.as_ref() {
                    Some(w) if w.will_wake(cx.waker()) => {}
                    _ => *waker = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    /// The reader made room: the pipeline may go on if it waited for that.
    pub fn drained(&self) {
        if let Some(w) = self.blocked.borrow_mut().take() {
            w.wake();
        }
    }

    fn finish(&self, state: SlotState) {
        self.state.set(state);
        self.wake();
    }

    fn wake(&self) {
        if let Some(w) = self.waker.borrow_mut().take() {
            w.wake();
        }
    }
}

struct Pending {
    slot: Rc<ReplySlot>,
    /// The reader is gone: its answer is read and thrown away.
    framer: Framer,
    /// When it was given to the connection.
    sent: Option<Instant>,
    failed: bool,
}

struct Inner {
    out: Vec<u8>,
    queue: VecDeque<Pending>,
    waker: Option<Waker>,
    closed: bool,
    last_use: Instant,
}

impl Inner {
    /// What sessions spend on their own turns is no time of the server's: it counts from here.
    fn note_sent(&mut self, now: Instant) {
        let unsent = self.queue.iter_mut().rev();
        let unsent = unsent.take_while(|p| p.sent.is_none());
        unsent.for_each(|p| p.sent = Some(now));
        self.last_use = now;
    }
}

/// A shared connection.
pub struct Pipeline {
    inner: RefCell<Inner>,
    prepared: RefCell<crate::prepared::PreparedStatements>,
    deprecate_eof: bool,
    /// The server's thread id.
    pub thread_id: u32,
}

impl Pipeline {
    /// Starts to drive the lease's connection, which must be as the sessions want it.
    pub fn start(mut lease: Lease, prepared_max: usize) -> Option<Rc<Self>> {
        let conn = lease.take_conn()?;
        let now = Instant::now();
        let inner = Inner {
            out: Vec::new(),
            queue: VecDeque::new(),
            waker: None,
            closed: false,
            last_use: now,
        };
        let this = Rc::new(Self {
            inner: RefCell::new(inner),
            prepared: RefCell::new(crate::prepared::PreparedStatements::new(prepared_max)),
            deprecate_eof: conn.class.deprecate_eof,
            thread_id: conn.thread_id,
        });
        let driver = Driver {
            pipe: this.clone(),
            conn,
            last_end: now,
            at: 0,
            writing: Vec::new(),
        };
        tokio::task::spawn_local(async move {
            driver.run().await;
            drop(lease);
        });
        Some(this)
    }

    /// Requests that wait for their answers.
    pub fn depth(&self) -> usize {
        self.inner.borrow().queue.len()
    }

    /// True once it takes no more requests.
    pub fn is_closed(&self) -> bool {
        self.inner.borrow().closed
    }

    /// When the last request came.
    pub fn last_use(&self) -> Instant {
        self.inner.borrow().last_use
    }

    /// Takes no more requests; it ends when the last answer is out.
    pub fn close(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.closed = true;
        if let Some(w) = inner.waker.take() {
            w.wake();
        }
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
        slot.state.set(SlotState::Waiting);
        slot.received.set(0);
        slot.bytes.borrow_mut().clear();
        let framer = Framer::new(expect, self.deprecate_eof);
        inner.queue.push_back(Pending {
            slot: slot.clone(),
            framer,
            sent: None,
            failed: false,
        });
        if let Some(w) = inner.waker.take() {
            w.wake();
        }
        true
    }

    /// The server's id of a prepared statement, if it is prepared here.
    pub fn statement(&self, key: StatementKey) -> Option<u32> {
        self.prepared.borrow_mut().get(key)
    }

    /// Notes a statement that a session has prepared here.
    pub fn remember(&self, key: StatementKey, id: u32) {
        if let Some(old) = self.prepared.borrow_mut().put(key, id) {
            let mut payload = vec![0x19];
            payload.extend_from_slice(&old.to_le_bytes());
            let mut seq = 0;
            wire::packet::put_packet(&mut self.inner.borrow_mut().out, &mut seq, &payload);
        }
    }
}

struct Driver {
    pipe: Rc<Pipeline>,
    conn: ServerConn,
    last_end: Instant,
    writing: Vec<u8>,
    at: usize,
}

impl Driver {
    async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
        let mut inner = self.pipe.inner.borrow_mut();
        inner.closed = true;
        for p in inner.queue.drain(..) {
            p.slot.finish(SlotState::Lost(p.slot.received.get() > 0));
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.poll_write(cx) {
                Poll::Ready(true) | Poll::Pending => {}
                Poll::Ready(false) => return Poll::Ready(()),
            }
            {
                let mut inner = self.pipe.inner.borrow_mut();
                if inner.closed && inner.queue.is_empty() {
                    return Poll::Ready(());
                }
                match inner.waker.as_ref() {
                    Some(w) if w.will_wake(cx.waker()) => {}
                    _ => inner.waker = Some(cx.waker().clone()),
                }
            }
            if self.is_blocked(cx) {
                return Poll::Pending;
            }
            let Driver {
                pipe,
                conn,
                last_end,
                ..
            } = self;
            let read = conn.poll_read_with(cx, |buf| deliver(pipe, last_end, buf));
            match read {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Sends what sessions queued since the last turn; `Ready(false)` if the connection broke.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            if self.at == self.writing.len() {
                self.writing.clear();
                self.at = 0;
                let mut inner = self.pipe.inner.borrow_mut();
                if inner.out.is_empty() {
                    drop(inner);
                    return self.conn.stream.poll_flush(cx).map(|r| r.is_ok());
                }
                std::mem::swap(&mut inner.out, &mut self.writing);
                inner.note_sent(Instant::now());
            }
            match self.conn.stream.poll_write(cx, &self.writing[self.at..]) {
                Poll::Ready(Ok(n)) if n > 0 => self.at += n,
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// True if the reader at the front has too many bytes lying there.
    fn is_blocked(&self, cx: &mut Context<'_>) -> bool {
        let inner = self.pipe.inner.borrow();
        let Some(front) = inner.queue.front() else {
            return false;
        };
        if Rc::strong_count(&front.slot) == 1 || front.slot.bytes.borrow().len() < SLOT_BYTES_MAX {
            return false;
        }
        *front.slot.blocked.borrow_mut() = Some(cx.waker().clone());
        true
    }
}

/// Splits `buf` among the waiting slots. Returns bytes taken, and false if the protocol broke.
fn deliver(pipe: &Pipeline, last_end: &mut Instant, buf: &mut [u8]) -> (usize, bool) {
    let mut inner = pipe.inner.borrow_mut();
    let mut at = 0;
    let mut now = None;
    while at < buf.len() {
        // Bytes that answer nothing, or what was not sent yet.
        let Some((sent, p)) = inner.queue.front_mut().and_then(|p| Some((p.sent?, p))) else {
            return (at, false);
        };
        let (control, n) = match p.framer.step(&mut buf[at..]) {
            Ok(Step::Pass(n)) => (None, n),
            Ok(Step::Control(c, n)) => (Some(c), n),
            Ok(Step::Need) => break,
            Err(_) => return (at, false),
        };
        p.failed |= control == Some(Control::Err);
        // With one owner left the session is gone; its answer is only counted.
        if Rc::strong_count(&p.slot) > 1 {
            p.slot
                .bytes
                .borrow_mut()
                .extend_from_slice(&buf[at..at + n]);
        }
        p.slot.received.set(p.slot.received.get() + n);
        at += n;
        if p.framer.is_done() {
            let now = *now.get_or_insert_with(Instant::now);
            let since = sent.max(*last_end);
            *last_end = now;
            let end = SlotEnd {
                warnings: p.framer.warnings,
                rows: p.framer.rows,
                failed: p.failed,
                service_us: now.saturating_duration_since(since).as_micros() as u64,
                bytes: p.slot.received.get(),
            };
            p.slot.finish(SlotState::Done(end));
            inner.queue.pop_front();
        } else if p.slot.bytes.borrow().len() >= SLOT_BYTES_WAKE {
            p.slot.wake();
        }
    }
    (at, true)
}
