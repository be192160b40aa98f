//! A fast read on a pipelined connection.

use super::Run;
use crate::command::execute::Bound;
use crate::metrics::count;
use crate::plans::CachedPlan;
use crate::registry::Kill;
use crate::session::diagnostics::Diagnostics;
use crate::session::outcome::{Conditions, Path};
use crate::session::{Outcome, Session, Stop};
use catalog::ShardId;
use errors::{AvailabilityError, SessionError};
use router::{Access, Forward};
use shard::net::Peek;
use shard::pipeline::{SlotEnd, SlotNews};
use shard::{Pipeline, ShardError};
use smallvec::smallvec;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use wire::command::execute::Execution;
use wire::command::{prepare, query};
use wire::framer::Expect;

/// The pipelined connection that a statement may use, if it may.
pub(super) fn pipeline(
    s: &Session,
    shard: ShardId,
    f: &Forward,
    run: Run<'_>,
) -> Option<Rc<Pipeline>> {
    // Pipelined answers are numbered from 1: they cannot follow another answer.
    let first = run.more == 0 && s.io.seq == 1;
    let alone = s.client.settings.autocommit && s.branches.are_unused();
    if !first
        || !alone
        || f.access != Access::Read
        || !run.plan.traits.is_shareable()
        || run
            .bound
            .is_some_and(|b| !b.long.is_empty() || b.flags != 0)
    {
        return None;
    }
    let (class, settings) = (s.client.class, &s.client.settings.plain);
    let (database, needs) = (s.client.database.as_ref(), run.plan.reads);
    // Opened at the first statement that may ever need it, before a rush of others.
    let pipe = s.worker.pipeline(shard, class, settings, database, needs)?;
    let eligible = run.plan.eligibility.may_pipeline(pipe.fastest_alone_us());
    eligible.then_some(pipe)
}

/// Runs the statement on it; `None` if it must run on a connection of its own.
pub(super) async fn run(
    s: &mut Session,
    pipe: &Pipeline,
    shard: ShardId,
    run: Run<'_>,
) -> Result<Option<Outcome>, Stop> {
    let Some(bound) = run.bound else {
        let done = request(s, pipe, run.plan, |out| query::put(out, &[run.text])).await?;
        return Ok(done.map(|end| {
            let keeps = run.plan.traits.keeps_conditions;
            let mut outcome = learned(s, shard, end, keeps);
            if let Conditions::Unfetched(n @ 1..) = outcome.conditions {
                let mut d = Diagnostics::of_unfetched(n);
                d.can_run_again(shard, run.text);
                outcome.conditions = d.into();
            }
            outcome
        }));
    };
    Box::pin(execution(s, pipe, shard, run.plan, bound)).await
}

async fn execution(
    s: &mut Session,
    pipe: &Pipeline,
    shard: ShardId,
    plan: &CachedPlan,
    b: &Bound<'_>,
) -> Result<Option<Outcome>, Stop> {
    let Some(id) = statement(s, pipe, b.key, &b.statement.text).await? else {
        return Ok(None);
    };
    let execution = Execution {
        id,
        flags: 0,
        nulls: b.nulls,
        types: &b.types,
        values: b.values,
    };
    let done = request(s, pipe, plan, |out| execution.put(out)).await?;
    Ok(done.map(|end| learned(s, shard, end, plan.traits.keeps_conditions)))
}

/// Runs a request that `write` puts as packets; `None` if nothing of its answer came.
async fn request(
    s: &mut Session,
    pipe: &Pipeline,
    plan: &CachedPlan,
    write: impl FnOnce(&mut Vec<u8>),
) -> Result<Option<SlotEnd>, Stop> {
    if !pipe.submit(&s.slot, Expect::Result, write) {
        return Ok(None);
    }
    let mut in_parts = false;
    loop {
        let news = match slot_news(s).await {
            // Part of the answer is out, perhaps half a packet: an error cannot follow it.
            Err(_) if in_parts => return Err(Stop::Gone),
            news => news?,
        };
        match news {
            SlotNews::Done(end) => {
                let (took, fastest) = (end.service_us, pipe.fastest_us());
                let learned = &plan.eligibility;
                pipe.note_mean(learned.ran_pipelined(took, end.bytes, end.warnings, fastest));
                return Ok(Some(end));
            }
            SlotNews::Part => {
                in_parts = true;
                take_slot_bytes(s);
                s.io.flush().await.map_err(|_| Stop::Gone)?;
                s.slot.drained();
            }
            SlotNews::Stalled => plan.eligibility.stalled(),
            // The wait for a connection was as long as it may be: no second one.
            SlotNews::Refused(ShardError::Unusable(
                e @ AvailabilityError::PoolExhausted { .. },
            )) => {
                return Err(e.into());
            }
            SlotNews::Refused(_) => return Ok(None),
            // Nothing had come: a read may be run again, elsewhere.
            SlotNews::Lost(false) => {
                count(&s.worker.shared.metrics.retries);
                return Ok(None);
            }
            SlotNews::Lost(true) => return Err(Stop::Gone),
        }
    }
}

fn take_slot_bytes(s: &mut Session) {
    let mut bytes = s.slot.bytes.borrow_mut();
    s.io.put_raw(&bytes);
    bytes.clear();
}

/// What the session learns from the answer in its slot, which goes to the client.
/// `keeps` says that the statement leaves conditions as they are.
fn learned(s: &mut Session, shard: ShardId, end: SlotEnd, keeps: bool) -> Outcome {
    let mut outcome = Outcome {
        path: Path::Pipelined,
        found_rows: Some(end.rows),
        row_count: Some(-1),
        bytes: end.bytes,
        shards: smallvec![shard],
        conditions: match end.warnings {
            0 if keeps => Conditions::Kept,
            0 => Conditions::Cleared,
            n => Conditions::Unfetched(n),
        },
        ..Default::default()
    };
    if end.failed {
        let bytes = s.slot.bytes.borrow();
        let err = wire::packet::split_packet(&bytes).ok();
        let err = err.and_then(|(_, p, _)| wire::reply::ErrPacket::decode(p).ok());
        match err.filter(|_| bytes.get(4) == Some(&0xff)) {
            Some(err) => outcome.error = Some(Box::new(err)),
            None => outcome.conditions = Conditions::Unfetched(1),
        }
    }
    if let Some(err) = &mut outcome.error
        && shard::account::hide(err)
    {
        shard::account::show_client(err, &s.client.user.name);
        let seq = s.slot.bytes.borrow().get(3).copied();
        s.io.seq = seq.unwrap_or(s.io.seq);
        s.io.put_err(err);
        s.slot.bytes.borrow_mut().clear();
        return outcome;
    }
    take_slot_bytes(s);
    outcome
}

/// Waits for news of the slot, and for the client's leaving or a KILL.
async fn slot_news(s: &mut Session) -> Result<SlotNews, Stop> {
    let (slot, io, info) = (&s.slot, &s.io, &s.client.info);
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
            s.slot = Rc::default();
            count(&s.worker.shared.metrics.statements_cancelled);
            match s.client.info.kill_state() {
                Kill::Query => Err(SessionError::Interrupted.into()),
                _ => Err(Stop::Gone),
            }
        }
    }
}

/// The server's id of a prepared statement on a pipelined connection; prepared there if need be.
async fn statement(
    s: &mut Session,
    pipe: &Pipeline,
    key: u64,
    text: &[u8],
) -> Result<Option<u32>, Stop> {
    if let Some(id) = pipe.statement(key) {
        return Ok(Some(id));
    }
    let submitted = pipe.submit(&s.slot, Expect::Prepare, |out| prepare::put(out, text));
    if !submitted {
        return Ok(None);
    }
    loop {
        match slot_news(s).await? {
            SlotNews::Lost(_) | SlotNews::Refused(_) => return Ok(None),
            SlotNews::Part => s.slot.drained(),
            SlotNews::Stalled => {}
            SlotNews::Done(end) => {
                let bytes = std::mem::take(&mut *s.slot.bytes.borrow_mut());
                if end.failed {
                    return Ok(None);
                }
                let head = wire::packet::split_packet(&bytes)
                    .and_then(|(_, payload, _)| prepare::PrepareOk::decode(payload));
                let Ok(head) = head else { return Ok(None) };
                pipe.remember(key, head.id);
                return Ok(Some(head.id));
            }
        }
    }
}
