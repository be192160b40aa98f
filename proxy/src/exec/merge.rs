//! Merge: each shard sorts, groups and limits its own rows, and the streams become one.
//!
//! Nothing is sent to the client before the columns of all shards are known; what turns out not to be
//! comparable exactly runs on copies instead.

mod decimal;
mod fit;
mod group;
mod rows;
mod sort;
mod stop;
mod value;
pub(crate) mod weights;

use super::streams::{ServerConns, Streams};
use super::{Run, one};
use crate::command::execute::statement_key;
use crate::exec::request::Request;
use crate::session::branches::Branches;
use crate::session::diagnostics::{self, Diagnostics};
use crate::session::outcome::Path;
use crate::session::{Outcome, Session, Stop};
use crate::worker::lock_waits::Watch;
use catalog::ShardId;
use errors::TransactionError;
use router::plan::insert::Param;
use router::plan::merge::MergeRoute;
use rows::Merge;
use shard::{RowStream, ServerConn, StreamEnd};
use wire::caps::SERVER_STATUS_IN_TRANS;
use wire::rows::RowsEnd;

/// A row longer than this cannot be merged: what a packet of a server can have.
const ROW_BYTES_MAX: usize = 1 << 30;
/// ER_WRONG_FIELD_WITH_GROUP: what a shard says of columns that were added, no server says of the statement.
const NOT_GROUPED: u16 = 1055;

/// How a merge ended.
pub(super) enum Merged {
    /// As any statement.
    Done(Box<Outcome>),
    /// Its values cannot be compared exactly here: nothing was sent to the client.
    Unfit,
    /// Not this time: what came needs a server that sees all rows. Nothing was sent to the client.
    NotThisTime,
}

/// Why it goes no further.
enum End {
    Stop(Stop),
    Unfit,
    /// Rows of one group show themselves differently: one server would choose by the order of its rows.
    Ambiguous,
}

impl<E: Into<Stop>> From<E> for End {
    fn from(e: E) -> Self {
        End::Stop(e.into())
    }
}

impl ServerConns for Branches {
    fn server_conn(&mut self, shard: ShardId) -> Result<&mut ServerConn, Stop> {
        Ok(self.held(shard)?.conn()?)
    }
}

/// Runs the statement on each shard and merges the answers.
pub(super) async fn run(s: &mut Session, route: &MergeRoute, run: Run<'_>) -> Result<Merged, Stop> {
    let mut streams = send(s, route, run).await?;
    let watches = watch(s, route)?;
    let (status, mark) = (s.status() | run.more, s.io.mark());
    let (merged, is_flushed) = {
        let mut merge = Merge::of(s, &mut streams, status);
        (merge.run(route, run.format()).await, merge.is_flushed)
    };
    let stopped = stop::stop(s, &mut streams).await;
    match merged {
        // Each shard warns of what one server would warn of once.
        Ok(_) if !is_flushed && streams.warnings() > 0 => {
            stopped?;
            s.io.rewind(mark);
            Ok(Merged::NotThisTime)
        }
        Err(End::Ambiguous) => {
            stopped?;
            s.io.rewind(mark);
            Ok(Merged::NotThisTime)
        }
        Ok(writer) => {
            stopped?;
            let rows = writer.rows;
            let (end, outcome) = learn(s, &streams, rows).await?;
            let status = status | (end.status & SERVER_STATUS_IN_TRANS);
            s.io.put_packets(|out, seq| writer.end(out, seq, RowsEnd { status, ..end }));
            Ok(Merged::Done(Box::new(outcome)))
        }
        Err(End::Stop(Stop::Server(err))) if err.code == NOT_GROUPED => {
            stopped?;
            Ok(Merged::Unfit)
        }
        Err(End::Unfit) => {
            stopped?;
            s.io.rewind(mark);
            Ok(Merged::Unfit)
        }
        Err(End::Stop(_)) if watches.iter().any(|w| w.fired.get()) => {
            // A server ended a statement only; on the other shards nothing must stay.
            s.branches.rollback_all().await;
            Err(TransactionError::Deadlock.into())
        }
        Err(End::Stop(stop)) => {
            let autocommit = s.client.settings.autocommit;
            for shard in &route.shards {
                s.branches.check_after_error(*shard, autocommit).await;
            }
            Err(stop)
        }
    }
}

/// Sends the statement to each shard, in ascending order, so that two sessions never wait for each other's
/// connections.
async fn send(s: &mut Session, route: &MergeRoute, run: Run<'_>) -> Result<Streams, Stop> {
    let text = &route.text;
    let request = match run.bound {
        None => Request::Query(text.as_slice().into()),
        Some(bound) => {
            let key = statement_key(s, text, s.client.database.as_ref());
            let params: Vec<Param> = route.params.iter().map(|n| Param::Client(*n)).collect();
            bound.request_of(text.as_slice().into(), key, &params)
        }
    };
    let traits = run.plan.traits;
    let mut streams = Streams::default();
    for &shard in &route.shards {
        let variables = traits.reads_user_variables;
        let queued = one::send(s, shard, &request, traits, variables).await?;
        queued.map_err(Stop::Server)?;
        let conn = s.branches.held(shard)?.conn()?;
        if let Err(e) = conn.flush().await {
            return Err(s.branches.abort(e).await);
        }
        streams.add(shard, RowStream::new(conn, ROW_BYTES_MAX));
    }
    Ok(streams)
}

/// In a transaction, what waits for a lock on one shard may hold up others: it does not wait for long.
fn watch(s: &mut Session, route: &MergeRoute) -> Result<Vec<Watch>, Stop> {
    let mut watches = Vec::new();
    if !s.branches.in_transaction() {
        return Ok(watches);
    }
    for &shard in &route.shards {
        let branch = s.branches.held(shard)?;
        let pool = branch.lease.pool().clone();
        let conn = branch.conn()?;
        let (account, thread_id) = (conn.class.account, conn.thread_id);
        watches.push(s.worker.lock_waits.watch(&pool, account, thread_id));
    }
    Ok(watches)
}

/// What the session learns from the ends of the answers.
async fn learn(s: &mut Session, streams: &Streams, rows: u64) -> Result<(RowsEnd, Outcome), Stop> {
    let mut outcome = Outcome {
        path: Path::Several,
        row_count: Some(-1),
        found_rows: Some(rows),
        ..Default::default()
    };
    let mut all = RowsEnd::default();
    let mut diagnostics = Diagnostics::default();
    for n in 0..streams.len() {
        let (shard, stream) = streams.get(n);
        outcome.shards.push(shard);
        outcome.bytes += stream.bytes();
        let Some(StreamEnd::Rows(end)) = stream.end() else {
            continue;
        };
        all.warnings = all.warnings.saturating_add(end.warnings);
        all.status |= end.status;
        let branch = s.branches.held(shard)?;
        branch.open = end.status & SERVER_STATUS_IN_TRANS != 0;
        if end.warnings > 0 {
            diagnostics.add(diagnostics::fetch(branch.conn()?).await?);
        }
    }
    outcome.conditions = diagnostics.into();
    if !s.branches.in_transaction() {
        s.branches.next = None;
    }
    Ok((all, outcome))
}
