//! Where the answer to one session's request arrives.

use crate::error::ShardError;
use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

/// Bytes after which a reader is woken before its answer is complete.
pub(super) const SLOT_BYTES_WAKE: usize = 256 * 1024;

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
pub(super) enum SlotState {
    Idle,
    Waiting,
    /// The answer is the next one due and has been for long: the pipeline takes no more requests.
    Stalled,
    Done(SlotEnd),
    /// The connection broke; true if the reader had got bytes already.
    Lost(bool),
    /// The request was not sent, and will not be.
    Refused,
}

/// Where one session's answer goes; kept by the session from statement to statement.
#[derive(Debug)]
pub struct ReplySlot {
    /// Bytes that arrived and were not taken yet.
    pub bytes: RefCell<Vec<u8>>,
    state: Cell<SlotState>,
    received: Cell<usize>,
    refusal: RefCell<Option<ShardError>>,
    waker: RefCell<Option<Waker>>,
    blocked: RefCell<Option<Waker>>,
}

/// News of a slot.
#[derive(Debug, Clone)]
pub enum SlotNews {
    /// The bytes hold all the rest of the answer.
    Done(SlotEnd),
    /// There are bytes to pass on, and more will come.
    Part,
    /// The statement holds up the pipeline; its answer is still to come. Said once.
    Stalled,
    /// The connection broke, or another statement held it up; true if part of the answer had come.
    Lost(bool),
    /// The pipeline has no connection.
    Refused(ShardError),
}

impl Default for ReplySlot {
    fn default() -> Self {
        Self {
            bytes: RefCell::default(),
            state: Cell::new(SlotState::Idle),
            received: Cell::new(0),
            refusal: RefCell::default(),
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
            SlotState::Refused => Poll::Ready(match self.refusal.borrow_mut().take() {
                Some(error) => SlotNews::Refused(error),
                None => SlotNews::Lost(false),
            }),
            SlotState::Idle => Poll::Ready(SlotNews::Lost(false)),
            SlotState::Waiting | SlotState::Stalled
                if self.bytes.borrow().len() >= SLOT_BYTES_WAKE =>
            {
                Poll::Ready(SlotNews::Part)
            }
            SlotState::Stalled => {
                self.state.set(SlotState::Waiting);
                Poll::Ready(SlotNews::Stalled)
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

    /// An answer is due.
    pub(super) fn begin(&self) {
        self.state.set(SlotState::Waiting);
        self.received.set(0);
        self.bytes.borrow_mut().clear();
    }

    /// Takes bytes of the answer; they are only counted if no reader is there any more.
    pub(super) fn receive(&self, bytes: &[u8], has_reader: bool) {
        if has_reader {
            self.bytes.borrow_mut().extend_from_slice(bytes);
        }
        self.received.set(self.received.get() + bytes.len());
    }

    /// Bytes of the answer so far.
    pub(super) fn received(&self) -> usize {
        self.received.get()
    }

    /// Calls `waker` when the reader has taken its bytes.
    pub(super) fn block(&self, waker: &Waker) {
        *self.blocked.borrow_mut() = Some(waker.clone());
    }

    pub(super) fn stall(&self) {
        self.finish(SlotState::Stalled);
    }

    /// The answer will not come.
    pub(super) fn lose(&self) {
        self.finish(SlotState::Lost(self.received.get() > 0));
    }

    pub(super) fn refuse(&self, error: ShardError) {
        *self.refusal.borrow_mut() = Some(error);
        self.finish(SlotState::Refused);
    }

    pub(super) fn finish(&self, state: SlotState) {
        self.state.set(state);
        self.wake();
    }

    pub(super) fn wake(&self) {
        if let Some(w) = self.waker.borrow_mut().take() {
            w.wake();
        }
    }
}
