//! A fast read on a shared connection.

use crate::metrics::count;
use crate::plans::CachedPlan;
use crate::registry::Kill;
use crate::session::{Session, Stop, error};
use catalog::ShardId;
use router::Access;
use shard::Pipeline;
use shard::net::Peek;
use shard::pipeline::{SlotEnd, SlotNews};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use wire::framer::Expect;

/// What became of a statement that was to be shared.
pub enum SharedOutcome {
    /// The client has its answer.
    Answered,
    /// Run it on a connection of its own.
    NotShared,
}

impl Session {
    /// The shared connection that a statement may use, if it may.
    pub fn shared_connection(&self, shard: ShardId, plan: &CachedPlan) -> Option<Rc<Pipeline>> {
        let read = matches!(&plan.plan, router::Plan::Route(r) if r.access == Access::Read);
        let alone = !self.autocommit
            || self.transaction.begin.is_some()
            || self.transaction.next.is_some()
            || !self.held.is_empty();
        if !read || alone || !plan.traits.is_shareable() || !plan.probation.is_proven() {
            return None;
        }
        let (class, settings) = (self.class, &self.plain_settings);
        self.worker
            .pipeline(shard, class, settings, self.database.as_ref())
    }

    /// Runs a request that `write` puts as packets.
    pub async fn run_shared(
        &mut self,
        pipe: &Pipeline,
        plan: &CachedPlan,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<SharedOutcome, Stop> {
        if !pipe.submit(&self.slot, Expect::Result, write) {
            return Ok(SharedOutcome::NotShared);
        }
        let mut in_parts = false;
        loop {
            let news = match self.slot_news().await {
                // Part of the answer is out, perhaps half a packet: an error cannot follow it.
                Err(_) if in_parts => return Err(Stop::Gone),
                news => news?,
            };
            match news {
                SlotNews::Done(end) => {
                    self.finish_shared(plan, end);
                    self.take_slot_bytes();
                    count(&self.worker.shared.metrics.statements_shared);
                    return Ok(SharedOutcome::Answered);
                }
                SlotNews::Part => {
                    in_parts = true;
                    self.take_slot_bytes();
                    self.io.flush().await.map_err(|_| Stop::Gone)?;
                    self.slot.drained();
                }
                // Nothing had come: a read may be run again, elsewhere.
                SlotNews::Lost(false) => {
                    count(&self.worker.shared.metrics.retries);
                    return Ok(SharedOutcome::NotShared);
                }
                SlotNews::Lost(true) => return Err(Stop::Gone),
            }
        }
    }

    fn take_slot_bytes(&mut self) {
        let mut bytes = self.slot.bytes.borrow_mut();
        self.io.put_raw(&bytes);
        bytes.clear();
    }

    fn finish_shared(&mut self, plan: &CachedPlan, end: SlotEnd) {
        plan.probation
            .ran_shared(end.service_us, end.bytes, end.warnings);
        self.found_rows = end.rows;
        self.row_count = -1;
        match (end.failed, end.warnings) {
            (true, _) => {
                let bytes = self.slot.bytes.borrow();
                let err = wire::packet::split_packet(&bytes).ok();
                let err = err.and_then(|(_, p, _)| wire::reply::ErrPacket::decode(p).ok());
                match err.filter(|_| bytes.get(4) == Some(&0xff)) {
                    Some(err) => self.diagnostics.set_error(&err),
                    None => self.diagnostics.set_unfetched(1),
                }
            }
            (false, 0) => self.diagnostics.clear(),
            (false, n) => self.diagnostics.set_unfetched(n),
        }
    }

    /// Waits for news of the slot, and for the client's leaving or a KILL.
    async fn slot_news(&mut self) -> Result<SlotNews, Stop> {
        let (slot, io, info) = (&self.slot, &self.io, &self.info);
        let news = poll_fn(|cx| {
            if let Poll::Ready(news) = slot.poll_news(cx) {
                return Poll::Ready(Some(news));
            }
            while io.stream.poll_news(cx).is_ready() {
                match io.stream.peek() {
                    Some(Peek::Closed) => return Poll::Ready(None),
                    Some(Peek::Bytes) => break,
                    None => {}
                }
            }
            info.register(cx.waker());
            match info.kill_state() {
                Kill::No => Poll::Pending,
                _ => Poll::Ready(None),
            }
        })
        .await;
        match news {
            Some(news) => Ok(news),
            None => {
                // The answer that still comes belongs to nobody: leave it the old slot.
                self.slot = Rc::default();
                count(&self.worker.shared.metrics.cancelled);
                match self.info.kill_state() {
                    Kill::Query => Err(error(1317, "70100", "Query execution was interrupted")),
                    _ => Err(Stop::Gone),
                }
            }
        }
    }

    /// The server's id of a prepared statement on a shared connection; prepared there if need be.
    pub async fn shared_statement(
        &mut self,
        pipe: &Pipeline,
        key: u64,
        text: &[u8],
    ) -> Result<Option<u32>, Stop> {
        if let Some(id) = pipe.statement(key) {
            return Ok(Some(id));
        }
        let submitted = pipe.submit(&self.slot, Expect::Prepare, |out| {
            let mut seq = 0;
            wire::packet::put_packet_with(out, &mut seq, |b| {
                b.push(0x16);
                b.extend_from_slice(text);
            });
        });
        if !submitted {
            return Ok(None);
        }
        loop {
            match self.slot_news().await? {
                SlotNews::Lost(_) => return Ok(None),
                SlotNews::Part => self.slot.drained(),
                SlotNews::Done(end) => {
                    let bytes = std::mem::take(&mut *self.slot.bytes.borrow_mut());
                    if end.failed {
                        return Ok(None);
                    }
                    let head = wire::packet::split_packet(&bytes)
                        .and_then(|(_, payload, _)| wire::prepare::PrepareOk::decode(payload));
                    let Ok(head) = head else { return Ok(None) };
                    pipe.remember(key, head.id);
                    return Ok(Some(head.id));
                }
            }
        }
    }
}
