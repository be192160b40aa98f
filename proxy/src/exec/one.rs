//! A statement on one shard, on a connection leased for it: queued, relayed, learned from.

use super::Run;
use super::relay::{RelayEnd, RelayError, RelayOptions, relay};
use super::request::Request;
use super::{session_values, state_changed, user_variables};
use crate::command::execute::{close_old_cursor, note_cursor, statement_key};
use crate::metrics::count;
use crate::session::diagnostics;
use crate::session::outcome::{Conditions, Path};
use crate::session::waiting::{Ending, unless_ended};
use crate::session::{Done, Outcome, Session, Stop};
use catalog::ShardId;
use errors::{AvailabilityError, WriteError};
use router::plan::Pin;
use router::{Plan, Traits};
use shard::conn::ServerAnswer;
use shard::{Login, ShardError};
use sql::Statement;
use std::time::Instant;
use wire::caps::{CLIENT_LOCAL_FILES, SERVER_STATUS_CURSOR_EXISTS, SERVER_STATUS_IN_TRANS};
use wire::framer::Expect;
use wire::reply::ErrPacket;

/// Runs the statement as it is, or with the session's values in place of its functions. `pin` says why the
/// connection stays with the session.
pub(crate) async fn run(s: &mut Session, shard: ShardId, pin: Option<Pin>, run: Run<'_>) -> Done {
    check_local_file(s, run)?;
    let mut traits = run.plan.traits;
    let request = request(s, run);
    (traits.session_values, traits.diagnostics) = (false, false);
    let assigned = std::mem::take(&mut traits.writes_user_variables) && !traits.stored_code;
    if let Some(pin) = pin {
        // Pinned before the answer, or the connection would be given back with it.
        let acquired = s.branches.acquire(&s.worker, &s.client, shard, false);
        acquired.await?.pins.add(pin);
    }
    let options = RelayOptions {
        status_set: run.more,
        explained: !traits.stored_code
            && (pin.is_some() || matches!(run.plan.plan, Plan::Local(_) | Plan::Ddl(_))),
        ..Default::default()
    };
    match run.bound.filter(|_| run.wants_cursor()) {
        None => {
            let (outcome, end) = exchange(s, shard, &request, traits, options).await?;
            if outcome.error.is_none() {
                run.plan
                    .eligibility
                    .ran_alone(end.micros, end.bytes, end.warnings);
            }
            if assigned {
                user_variables::take_over(s, shard, &user_variables::named(run)).await?;
            }
            Ok(outcome)
        }
        Some(bound) => {
            close_old_cursor(s, bound);
            let variables = traits.reads_user_variables || traits.stored_code;
            let acquired = s.branches.acquire(&s.worker, &s.client, shard, variables);
            acquired.await?.pins.cursor = true;
            let options = RelayOptions {
                expect: Expect::Cursor,
                ..options
            };
            let (outcome, end) = exchange(s, shard, &request, traits, options).await?;
            let open = outcome.error.is_none() && end.status & SERVER_STATUS_CURSOR_EXISTS != 0;
            let uses = open.then(|| run.uses_catalog(s));
            note_cursor(s, bound, shard, uses)?;
            Ok(outcome)
        }
    }
}

/// A client that did not offer to send files is never asked for one.
fn check_local_file(s: &Session, run: Run<'_>) -> Result<(), Stop> {
    let asks = matches!(&run.plan.statement, Statement::Load(load) if load.local);
    if !asks || s.io.capabilities & CLIENT_LOCAL_FILES != 0 {
        return Ok(());
    }
    Err(match s.worker.flavor.get().mariadb {
        true => WriteError::LocalInfile.into(),
        false => WriteError::LocalData.into(),
    })
}

/// The statement as it is, or with the session's values in place of its functions.
pub(super) fn request(s: &Session, run: Run<'_>) -> Request {
    if !run.plan.traits.of_session() {
        return run.request();
    }
    let text = session_values::replace(&s.client, run.text, &run.lexed.tokens);
    match run.bound {
        None => Request::Query(text.into()),
        Some(b) => {
            let key = statement_key(s, &text, s.client.database.as_ref());
            b.request_with(text, key)
        }
    }
}

/// Runs a request on one shard, passes the answer to the client, and says what came of it.
pub(crate) async fn exchange(
    s: &mut Session,
    shard: ShardId,
    request: &Request,
    traits: Traits,
    options: RelayOptions,
) -> Result<(Outcome, Answered), Stop> {
    let variables =
        traits.reads_user_variables || traits.writes_user_variables || traits.stored_code;
    if let Err(err) = send(s, shard, request, traits, variables).await? {
        let autocommit = s.client.settings.autocommit;
        s.branches.check_after_error(shard, autocommit).await;
        return Err(Stop::Server(err));
    }
    let (started, pool) = (Instant::now(), s.branches.held(shard)?.lease.pool().clone());
    let explained = options.explained;
    let end = relay_on(s, shard, options).await?;
    if explained {
        s.branches.held(shard)?.conn()?.state_is_known();
    }
    let micros = started.elapsed().as_micros() as u64;
    pool.alone.note(micros as f64);
    let answered = Answered {
        micros,
        bytes: end.bytes,
        warnings: end.warnings,
        status: end.status,
        affected: end.ok.as_ref().map(|ok| ok.affected_rows),
        insert_id: end.ok.as_ref().map_or(0, |ok| ok.last_insert_id),
    };
    Ok((learn(s, shard, end, traits).await?, answered))
}

/// Runs a statement of the proxy's own for a client, on the session's connection to a shard, which must be
/// there. It may take as long as it likes, but ends with the client, and with KILL.
pub(crate) async fn ask(
    s: &mut Session,
    shard: ShardId,
    sql: &str,
) -> Result<ServerAnswer, ShardError> {
    let (io, info) = (&s.io, &s.client.info);
    let lost = || ShardError::from(AvailabilityError::Disconnected);
    let branch = s.branches.get(shard).ok_or_else(lost)?;
    let login = branch.lease.login();
    let conn = branch.conn()?;
    let ending = Ending::with_client(login, conn.thread_id);
    ending.waits(io, info, conn.run(sql)).await
}

/// Queues a request on the connection to a shard; the client's leaving and KILL end the wait for one. A
/// statement that cannot be prepared is the client's error.
pub(super) async fn send(
    s: &mut Session,
    shard: ShardId,
    request: &Request,
    traits: Traits,
    variables: bool,
) -> Result<Result<(), ErrPacket>, Stop> {
    let (worker, client, branches) = (&s.worker, &s.client, &mut s.branches);
    let queued = async {
        let branch = branches.acquire(worker, client, shard, variables).await?;
        if traits.last_insert_id {
            branch.conn()?.plan_last_insert_id(client.last.insert_id);
        }
        match request.queue(branch.conn()?).await {
            Ok(queued) => Ok(queued),
            Err(e) => Err(branches.abort(e).await),
        }
    };
    unless_ended(worker, &s.io, &client.info, queued).await?
}

/// What of a shard's answer matters to those who sent the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// From sending it to the end of the answer.
    pub micros: u64,
    /// Bytes in all.
    pub bytes: usize,
    /// Warnings.
    pub warnings: u16,
    /// Status flags at the end.
    pub status: u16,
    /// Rows changed, if the answer was an OK packet.
    pub affected: Option<u64>,
    /// The insert id of the OK packet, or 0.
    pub insert_id: u64,
}

/// Relays the answer that is due on the connection to a shard.
pub(crate) async fn relay_on(
    s: &mut Session,
    shard: ShardId,
    mut options: RelayOptions,
) -> Result<RelayEnd, Stop> {
    let others = s.branches.others_open(shard);
    if others {
        options.status_set |= SERVER_STATUS_IN_TRANS;
    }
    let branch = s.branches.held(shard)?;
    let pool = branch.lease.pool().clone();
    let open = branch.open;
    let conn = branch.conn()?;
    let (thread_id, account) = (conn.thread_id, conn.class.account);
    let watch = others.then(|| s.worker.lock_waits.watch(&pool, account, thread_id));
    options.deadlock = watch.as_ref().map(|w| w.fired.clone());
    let relayed = relay(&mut s.io, conn, &s.client.info, options, &pool).await;
    match relayed {
        Ok(end) => {
            if end.killed {
                count(&s.worker.shared.metrics.statements_cancelled);
                // The KILL may have come too late and hit whatever runs here next.
                if !open {
                    branch.lease.discard();
                }
            }
            // A statement that was done before the KILL came stands, and the client knows.
            if end.err.is_some() && watch.is_some_and(|w| w.fired.get()) {
                // The server ended a statement only; on the other shards nothing must stay.
                s.branches.rollback_all().await;
            }
            Ok(end)
        }
        Err(RelayError::Gone) => {
            branch.lease.discard();
            spawn_kill(pool.login.with_account(account), thread_id);
            count(&s.worker.shared.metrics.statements_cancelled);
            Err(Stop::Gone)
        }
        Err(RelayError::Shard { error, resumable }) => {
            branch.lease.discard();
            let stop = s.branches.abort(error).await;
            match resumable {
                true => Err(stop),
                false => Err(Stop::Gone),
            }
        }
    }
}

/// What the client gets if the answer of a connection outside of any transaction did not come through.
pub(crate) fn relay_failed(e: RelayError, conn: &mut shard::ServerConn) -> Stop {
    conn.dirty = true;
    match e {
        RelayError::Shard {
            error,
            resumable: true,
        } => error.into(),
        _ => Stop::Gone,
    }
}

/// After an answer: what the session learns from it.
pub(crate) async fn learn(s: &mut Session, shard: ShardId, end: RelayEnd, traits: Traits) -> Done {
    let mut outcome = Outcome {
        path: Path::Exclusive,
        bytes: end.bytes,
        ..Default::default()
    };
    outcome.shards.push(shard);
    if let Some(err) = end.err {
        outcome.error = Some(Box::new(err));
        let autocommit = s.client.settings.autocommit;
        s.branches.check_after_error(shard, autocommit).await;
        if traits.stored_code
            && let Some(branch) = s.branches.get(shard)
            && branch.clean().is_ok()
        {
            // An ERR packet does not say what was changed before.
            state_changed::absorb(s, shard, &[]).await?;
            user_variables::take_over_all(s, shard).await?;
        }
        return Ok(outcome);
    }
    s.branches.note_status(shard, end.status);
    let branch = s.branches.held(shard)?;
    branch.pins.user_variables |= traits.writes_user_variables;
    branch.pins.named_locks |= traits.named_locks;
    if let Some(ok) = &end.ok {
        outcome.row_count = Some(ok.affected_rows as i64);
        outcome.insert_id = Some(ok.last_insert_id).filter(|id| *id != 0);
    } else if end.has_columns {
        outcome.row_count = Some(-1);
        outcome.found_rows = Some(end.rows);
    }
    if traits.stored_code && end.ok.is_some() {
        // What the last statement inside left.
        let (found_rows, insert_id) = branch.conn()?.left_by_routine().await?;
        outcome.insert_id = insert_id;
        outcome.found_rows = found_rows.filter(|_| end.has_columns);
    }
    outcome.conditions = match (traits.calc_found_rows, end.warnings) {
        (true, warnings) => {
            // Only this connection knows, and only until its next statement.
            let found = branch.conn()?.found_rows().await?;
            outcome.found_rows = Some(found.unwrap_or(end.rows));
            Conditions::Unfetched(warnings)
        }
        (false, 0) if traits.keeps_conditions => Conditions::Kept,
        (false, 0) => Conditions::Cleared,
        (false, _) => diagnostics::fetch(branch.conn()?).await?.into(),
    };
    if traits.sets_last_insert_id && end.ok.is_none() {
        // A result set does not say it. Last, since asking changes what was asked above.
        let id = branch.conn()?.last_insert_id().await?;
        outcome.insert_id = id.or(outcome.insert_id);
    }
    let conn = branch.conn()?;
    // MySQL says it of a result set only where that ends in an OK packet.
    let untold = traits.stored_code && end.ok.is_none() && !conn.names_all_changes();
    let changed = conn.state_is_unknown() || untold && !conn.class.deprecate_eof;
    if changed {
        state_changed::absorb(s, shard, &end.session_state).await?;
    }
    if traits.stored_code || changed {
        user_variables::take_over_all(s, shard).await?;
    }
    Ok(outcome)
}

/// Ends a statement on its shard without making anybody wait for it.
pub(crate) fn spawn_kill(login: Login, thread_id: u32) {
    tokio::task::spawn_local(async move {
        if let Err(error) = shard::kill_query(&login, thread_id).await {
            tracing::debug!(%error, "KILL QUERY did not reach the shard");
        }
    });
}
