//! The task behind a pipeline: gets its connection, sends what was queued, hands answers out.

use super::slot::{SLOT_BYTES_WAKE, SlotState};
use super::{Inner, Pipeline, SlotEnd};
use crate::conn::ServerConn;
use crate::error::ShardError;
use crate::pool::{Lease, Purpose, ShardPool};
use crate::profile::Profile;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use wire::caps::SERVER_SESSION_STATE_CHANGED;
use wire::framer::{Control, Step};
use wire::packet::HEADER_LEN;

/// Bytes that a reader may leave in its slot before the whole pipeline waits for it.
const SLOT_BYTES_MAX: usize = 1 << 20;

/// Drives a pipeline until it is closed and empty, or its connection breaks.
pub(super) async fn run(
    pipe: Rc<Pipeline>,
    pool: Rc<ShardPool>,
    profile: Profile,
    stall: Duration,
) {
    let mut lease = match connection(&pool, &profile).await {
        Ok(lease) => lease,
        Err(error) => {
            tracing::debug!(%error, "a pipeline has no connection");
            return pipe.refuse(&error);
        }
    };
    let Some(mut conn) = lease.take_conn() else {
        return;
    };
    std::mem::swap(&mut conn.prepared, &mut *pipe.prepared.borrow_mut());
    let driver = Driver {
        pipe,
        lease,
        conn,
        last_end: Instant::now(),
        at: 0,
        writing: Vec::new(),
        stall,
        timer: None,
    };
    driver.run().await;
}

async fn connection(pool: &Rc<ShardPool>, profile: &Profile) -> Result<Lease, ShardError> {
    let mut lease = pool.take(Purpose::Pipeline, profile).await?;
    let conn = lease.conn()?;
    conn.become_pipeline(&profile.settings, profile.database.as_ref())
        .await?;
    Ok(lease)
}

/// How a turn of the driver ended.
enum End {
    /// Closed, and every answer is out.
    Closed,
    Broken,
}

pub(super) struct Driver {
    pipe: Rc<Pipeline>,
    /// The connection's slot; the connection goes back there if it can be used again.
    lease: Lease,
    conn: ServerConn,
    last_end: Instant,
    writing: Vec<u8>,
    at: usize,
    stall: Duration,
    /// Runs while an answer is due; not set anew with each of them.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Driver {
    async fn run(mut self) {
        let end = poll_fn(|cx| self.poll(cx)).await;
        let Driver {
            pipe,
            mut lease,
            mut conn,
            ..
        } = self;
        let mut inner = pipe.inner.borrow_mut();
        inner.closed = true;
        for p in inner.queue.drain(..) {
            p.slot.lose();
        }
        std::mem::swap(&mut conn.prepared, &mut *pipe.prepared.borrow_mut());
        drop(inner);
        if let End::Closed = end {
            lease.put_conn(conn);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.poll_write(cx) {
                Poll::Ready(true) | Poll::Pending => {}
                Poll::Ready(false) => return Poll::Ready(End::Broken),
            }
            {
                let mut inner = self.pipe.inner.borrow_mut();
                if inner.given_up {
                    return Poll::Ready(End::Broken);
                }
                if inner.closed && inner.queue.is_empty() && self.writing.is_empty() {
                    return Poll::Ready(End::Closed);
                }
                match inner.waker.as_ref() {
                    Some(w) if w.will_wake(cx.waker()) => {}
                    _ => inner.waker = Some(cx.waker().clone()),
                }
            }
            if self.is_blocked(cx) {
                self.watch(cx);
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
                Poll::Ready(_) => return Poll::Ready(End::Broken),
                Poll::Pending => {
                    self.watch(cx);
                    return Poll::Pending;
                }
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
        front.slot.block(cx.waker());
        true
    }

    /// Looks after an answer that does not come: those who wait behind it may run elsewhere.
    fn watch(&mut self, cx: &mut Context<'_>) {
        loop {
            let due = self.pipe.inner.borrow().due_since(self.last_end);
            let Some(since) = due else {
                // A timer that is armed stays: it costs less than arming one for each statement.
                return;
            };
            let timer = self.timer.get_or_insert_with(|| {
                Box::pin(tokio::time::sleep_until((since + self.stall).into()))
            });
            if timer.as_mut().poll(cx).is_pending() {
                return;
            }
            self.timer = None;
            if since.elapsed() >= self.stall {
                self.pipe.inner.borrow_mut().part_company();
                self.lease.pipeline_is_lease();
                return;
            }
        }
    }
}

impl Inner {
    /// What sessions spend on their own turns is no time of the server's: it counts from here.
    fn note_sent(&mut self, now: Instant) {
        let unsent = self.queue.iter_mut().rev();
        let unsent = unsent.take_while(|p| p.sent.is_none());
        unsent.for_each(|p| p.sent = Some(now));
        self.last_use = now;
    }

    /// Since when the answer at the front has been the next one due.
    fn due_since(&self, last_end: Instant) -> Option<Instant> {
        let sent = self.queue.front()?.sent;
        sent.filter(|_| !self.closed).map(|s| s.max(last_end))
    }

    /// The statement at the front holds the others up. They are reads and none has got a byte: they are
    /// told to run elsewhere, and what the server answers them is thrown away.
    fn part_company(&mut self) {
        self.closed = true;
        self.queue.iter().skip(1).for_each(|p| p.slot.lose());
        for p in self.queue.iter_mut().skip(1) {
            p.slot = Default::default();
        }
        if let Some(front) = self.queue.front() {
            front.slot.stall();
        }
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
        if control == Some(Control::PrepareOk) {
            let head = wire::command::prepare::PrepareOk::decode(&buf[at + HEADER_LEN..at + n]);
            p.prepared = head.ok().map(|h| h.id);
        }
        // With one owner left the session is gone.
        let has_reader = Rc::strong_count(&p.slot) > 1;
        p.slot.receive(&buf[at..at + n], has_reader);
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
                bytes: p.slot.received(),
            };
            p.slot.finish(SlotState::Done(end));
            if p.framer.status & SERVER_SESSION_STATE_CHANGED != 0 {
                // Who waits behind it would run in another session than his: they run elsewhere.
                inner.queue.pop_front();
                return (at, false);
            }
            let unwanted = p.prepared.filter(|_| !has_reader);
            inner.queue.pop_front();
            if let Some(id) = unwanted {
                inner.put_close(id);
            }
        } else if p.slot.bytes.borrow().len() >= SLOT_BYTES_WAKE {
            p.slot.wake();
        }
    }
    (at, true)
}
