//! Transaction control: branches open when a shard is first touched, and end together.

use super::{Run, lock_tables};
use crate::metrics::count;
use crate::session::branch::Branch;
use crate::session::transaction::{Open, Transaction};
use crate::session::waiting::unless_ended;
use crate::session::{Done, Outcome, Session, Stop};
use catalog::ShardId;
use errors::TransactionError;
use shard::{Begin, ServerConn, ShardError};
use sql::transaction::{Completion, Transaction as Statement};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use txn::{BranchResult, Outcome as Verdict, judge};
use wire::reply::OkPacket;

/// Savepoints of one transaction.
const SAVEPOINTS_MAX: usize = 1_000;

/// Runs a statement of transaction control.
pub(super) async fn run(s: &mut Session, t: &Statement, run: Run<'_>) -> Done {
    let mut outcome = Outcome::nothing();
    match t {
        Statement::Begin {
            snapshot,
            read_only,
        } => begin(s, *snapshot, *read_only, run).await?,
        Statement::Commit(c) => {
            let open = s.branches.transaction.open().cloned();
            commit_all(s).await?;
            complete(s, *c, open, &mut outcome);
        }
        Statement::Rollback(c) => {
            let open = s.branches.transaction.open().cloned();
            s.branches.rollback_all().await;
            complete(s, *c, open, &mut outcome);
        }
        Statement::Savepoint(name) => savepoint(s, name).await?,
        Statement::RollbackTo(name) => {
            let kept = find_savepoint(s, name).await?;
            on_open_branches(s, async |conn| conn.rollback_to(name).await).await?;
            truncate_savepoints(s, kept + 1);
        }
        Statement::Release(name) => {
            let kept = find_savepoint(s, name).await?;
            on_open_branches(s, async |conn| conn.release_savepoint(name).await).await?;
            truncate_savepoints(s, kept);
        }
        // Refused by the planner.
        Statement::Xa => {}
    }
    s.put_ok(OkPacket::default(), run.more);
    Ok(outcome)
}

async fn begin(
    s: &mut Session,
    snapshot: bool,
    read_only: Option<bool>,
    run: Run<'_>,
) -> Result<(), Stop> {
    commit_all(s).await?;
    lock_tables::unlock_all(s).await?;
    let begin = Begin {
        snapshot,
        read_only,
    };
    s.branches.transaction = Transaction::Open(Open::by(begin));
    if !snapshot {
        return Ok(());
    }
    // It is taken when the statement says so, not when a shard is first read.
    for shard in run.catalog.shard_ids() {
        let acquired = s.branches.acquire(&s.worker, &s.client, shard, true);
        let sent = acquired.await?.conn()?.send_planned().await;
        if let Err(e) = sent {
            return Err(s.branches.abort(e).await);
        }
    }
    let mut done = Ok(());
    for branch in s.branches.iter_mut() {
        done = match branch.conn() {
            Ok(conn) if done.is_ok() => conn.confirm().await,
            Ok(_) => done,
            Err(e) => Err(e),
        };
    }
    match done {
        Ok(()) => Ok(()),
        Err(e) => Err(s.branches.abort(e).await),
    }
}

fn complete(s: &mut Session, c: Completion, open: Option<Open>, outcome: &mut Outcome) {
    if c.chain {
        let begin = open.map_or_else(Begin::default, |o| o.begin);
        s.branches.transaction = Transaction::Open(Open::by(begin));
    }
    outcome.release = c.release;
}

/// Commits every branch and ends the transaction.
pub(crate) async fn commit_all(s: &mut Session) -> Result<(), Stop> {
    s.branches.check_aborted().await?;
    check_branches_live(s).await?;
    s.branches.transaction = Transaction::Committing;
    let mut branches = s.branches.take_open();
    if branches.is_empty() {
        s.branches.transaction = Transaction::Idle;
        return Ok(());
    }
    let mut results = Vec::new();
    let round = commit_round(&mut branches, &mut results);
    let ended = unless_ended(&s.worker, &s.io, &s.client.info, round).await;
    for branch in branches.iter_mut().skip(results.len()) {
        results.push((branch.shard, committed_by_now(branch).await));
    }
    s.branches.next = None;
    s.branches.transaction = Transaction::Idle;
    let several = branches.len() > 1;
    for branch in branches {
        s.branches.keep_if_pinned(branch);
    }
    if let Err(Stop::Gone) = ended {
        return Err(Stop::Gone);
    }
    let metrics = &s.worker.shared.metrics;
    match judge(&results) {
        Verdict::Committed => {
            if several {
                count(&metrics.commits);
            }
            Ok(())
        }
        Verdict::RolledBack(cause) => Err(TransactionError::CommitRefused { cause }.into()),
        Verdict::PartiallyCommitted {
            committed,
            refused,
            unknown,
        } => {
            let catalog = s.worker.catalog();
            let names = |list: &[ShardId]| list.iter().map(|s| catalog.shard_name(*s)).collect();
            let error = TransactionError::PartiallyCommitted {
                committed: names(&committed),
                refused: names(&refused),
                unknown: names(&unknown),
            };
            if several {
                count(&metrics.commits_partial);
                tracing::error!(%error, "a transaction is partially committed");
            }
            Err(error.into())
        }
    }
}

/// Before several branches commit, each shard says that it is there: one that died since its last
/// statement then costs the transaction, not its atomicity. It narrows the window, no more.
async fn check_branches_live(s: &mut Session) -> Result<(), Stop> {
    let open = s.branches.iter_mut().filter(|b| b.open);
    let mut branches: Vec<&mut Branch> = open.collect();
    if branches.len() < 2 {
        return Ok(());
    }
    let mut asked = Vec::new();
    for branch in &mut branches {
        asked.push(match branch.clean() {
            Ok(conn) => conn.send_ping().await.is_ok(),
            Err(_) => false,
        });
    }
    let mut lost = false;
    for (branch, asked) in branches.iter_mut().zip(asked) {
        lost |= match branch.conn() {
            Ok(conn) if asked => conn.pong().await.is_err(),
            _ => true,
        };
    }
    if lost {
        s.branches.transaction = Transaction::Aborted;
    }
    s.branches.check_aborted().await
}

/// Runs something on each open branch; what fails ends the transaction.
async fn on_open_branches(
    s: &mut Session,
    run: impl AsyncFn(&mut ServerConn) -> Result<(), ShardError>,
) -> Result<(), Stop> {
    let mut done = Ok(());
    for branch in s.branches.iter_mut().filter(|b| b.open) {
        done = match branch.clean() {
            Ok(conn) => run(conn).await,
            Err(e) => Err(e),
        };
        if done.is_err() {
            break;
        }
    }
    match done {
        Ok(()) => Ok(()),
        Err(e) => Err(s.branches.abort(e).await),
    }
}

/// Goes back to a savepoint of the proxy's own, and forgets it.
pub(crate) async fn back_to_savepoint(s: &mut Session, name: &str) -> Result<(), Stop> {
    let kept = find_savepoint(s, name).await?;
    on_open_branches(s, async |conn| conn.rollback_to(name).await).await?;
    truncate_savepoints(s, kept);
    Ok(())
}

/// Forgets a savepoint of the proxy's own; the next of its name takes its place on the shards.
pub(crate) async fn forget_savepoint(s: &mut Session, name: &str) -> Result<(), Stop> {
    let kept = find_savepoint(s, name).await?;
    truncate_savepoints(s, kept);
    Ok(())
}

/// Sets a savepoint on every branch.
pub(crate) async fn savepoint(s: &mut Session, name: &str) -> Result<(), Stop> {
    if !s.branches.in_transaction() && s.client.settings.autocommit {
        return Ok(());
    }
    s.branches.check_aborted().await?;
    s.branches.transaction.open_in_words();
    let known = s.branches.transaction.savepoints();
    if known.is_some_and(|list| list.len() >= SAVEPOINTS_MAX) {
        return Err(TransactionError::TooManySavepoints {
            max: SAVEPOINTS_MAX,
        }
        .into());
    }
    // It travels with the next request of each branch: nothing happens there before.
    for branch in s.branches.iter_mut().filter(|b| b.open) {
        branch.conn()?.plan_transaction_savepoint(name);
    }
    if let Some(list) = s.branches.transaction.savepoints() {
        list.retain(|s| !s.eq_ignore_ascii_case(name));
        list.push(name.to_string());
    }
    Ok(())
}

/// A savepoint's place in the list.
async fn find_savepoint(s: &mut Session, name: &str) -> Result<usize, Stop> {
    s.branches.check_aborted().await?;
    let known = s.branches.transaction.savepoints();
    let at = known.and_then(|list| list.iter().position(|s| s.eq_ignore_ascii_case(name)));
    let missing = || TransactionError::NoSavepoint {
        name: name.to_string(),
    };
    Ok(at.ok_or_else(missing)?)
}

fn truncate_savepoints(s: &mut Session, len: usize) {
    if let Some(list) = s.branches.transaction.savepoints() {
        list.truncate(len);
    }
}

/// Sends COMMIT to every branch, then reads the answers into `results`: all are on their way at once.
async fn commit_round(branches: &mut [Branch], results: &mut Vec<(ShardId, BranchResult)>) {
    let mut early: Vec<Option<BranchResult>> = Vec::new();
    for branch in branches.iter_mut() {
        let sent = match branch.clean() {
            Ok(conn) => conn.send_commit().await,
            Err(e) => Err(e),
        };
        early.push(sent.err().map(unknown));
    }
    for (branch, early) in branches.iter_mut().zip(early) {
        let result = match early {
            Some(result) => result,
            None => committed(branch).await,
        };
        results.push((branch.shard, result));
    }
}

fn unknown(e: ShardError) -> BranchResult {
    BranchResult::Unknown(e.to_string())
}

/// What a branch answers to COMMIT.
async fn committed(branch: &mut Branch) -> BranchResult {
    match branch.lease.conn() {
        Err(e) => unknown(e),
        Ok(conn) => match conn.committed().await {
            Err(e) => unknown(e),
            Ok(Err(err)) => BranchResult::Refused(err.message),
            Ok(Ok(())) => BranchResult::Committed,
        },
    }
}

/// The same of one that nobody waits for any longer: the client left, or was killed. What has not answered
/// by now may have committed or not.
async fn committed_by_now(branch: &mut Branch) -> BranchResult {
    let mut answer = pin!(committed(branch));
    let now = poll_fn(|cx| {
        Poll::Ready(match answer.as_mut().poll(cx) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        })
    });
    let late = || BranchResult::Unknown("the session was ended before it answered".to_string());
    now.await.unwrap_or_else(late)
}
