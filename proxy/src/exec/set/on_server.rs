//! A SET on a server connection, and what the variables are afterwards.

use super::text::{ServerText, lex};
use crate::exec::read_back::{Reading, system_variables, user_variables};
use crate::exec::{Run, any_shard, default_shard, state_changed, user_variables};
use crate::session::diagnostics::{self, Diagnostics};
use crate::session::waiting::Ending;
use crate::session::{Session, Stop};
use catalog::ShardId;
use errors::SettingError;
use router::{Operator, Plan, Planned, RouteContext, SessionFacts};
use shard::{ServerConn, ShardError};
use wire::framer::Expect;
use wire::reply::ErrPacket;

/// What a server made of a SET.
pub(super) struct Done {
    /// Where it ran.
    pub shard: ShardId,
    /// System variables as they are now.
    pub system: Vec<Reading>,
    /// User variables as they are now.
    pub user: Vec<Reading>,
    /// Its warnings.
    pub warnings: Diagnostics,
    /// What the server says of changes of the session.
    state: Vec<u8>,
}

/// Runs it on a connection that is as the session wants it, and reads everything back that it names. A SET
/// that the server refuses changes nothing.
pub(super) async fn run(s: &mut Session, asked: &ServerText, run: Run<'_>) -> Result<Done, Stop> {
    let traits = run.plan.traits;
    let shard = shard_for(s, asked)?;
    let branch = s
        .branches
        .acquire(&s.worker, &s.client, shard, true)
        .await?;
    if traits.named_locks {
        branch.pins.named_locks = true;
    }
    if traits.last_insert_id {
        branch.conn()?.plan_last_insert_id(s.client.last.insert_id);
    }
    // It may wait for a lock, or sleep.
    let login = branch.lease.login();
    let conn = branch.conn()?;
    let ending = Ending::with_client(login, conn.thread_id);
    let work = exchange(conn, shard, asked, traits.sets_last_insert_id);
    match ending.waits(&s.io, &s.client.info, work).await {
        Ok((Ok(done), id)) => {
            s.client.last.insert_id = id.unwrap_or(s.client.last.insert_id);
            if traits.stored_code {
                // A function may have set more than the SET itself.
                state_changed::absorb(s, shard, &done.state).await?;
                user_variables::take_over_all(s, shard).await?;
            }
            Ok(done)
        }
        Ok((Err(err), _)) => {
            let branch = s.branches.held(shard)?;
            if branch.pins.is_empty() && !branch.open {
                // A part of it may have taken effect.
                branch.lease.discard();
            }
            let autocommit = s.client.settings.autocommit;
            s.branches.check_after_error(shard, autocommit).await;
            Err(Stop::Server(err))
        }
        Err(e) => Err(s.branches.abort(e).await),
    }
}

type Exchanged = (Result<Done, ErrPacket>, Option<u64>);

async fn exchange(
    conn: &mut ServerConn,
    shard: ShardId,
    asked: &ServerText,
    sets_insert_id: bool,
) -> Result<Exchanged, ShardError> {
    conn.query(&asked.text).await?;
    let answer = conn.own_answer(Expect::Result).await?;
    if let Some(err) = answer.err {
        return Ok((Err(err), None));
    }
    let ok = answer.ok.unwrap_or_default();
    let warnings = match ok.warnings {
        0 => Diagnostics::default(),
        _ => diagnostics::fetch(conn).await?,
    };
    let mut insert_id = None;
    if sets_insert_id || asked.system.iter().any(|n| is_insert_id(n)) {
        insert_id = conn.last_insert_id().await?;
    }
    let system: Vec<String> = asked
        .system
        .iter()
        .filter(|n| !is_insert_id(n))
        .cloned()
        .collect();
    let done = Done {
        shard,
        system: system_variables(conn, &system).await?,
        user: user_variables(conn, &asked.user).await?,
        warnings,
        state: ok.session_state,
    };
    // What it changed is known: it was read back.
    conn.state_is_known();
    Ok((Ok(done), insert_id))
}

/// LAST_INSERT_ID() is the session's, not a setting.
fn is_insert_id(name: &str) -> bool {
    matches!(name, "last_insert_id" | "identity")
}

/// The shard whose connection can compute the values: the one that tables in them are on, or one that the
/// session has a connection to.
fn shard_for(s: &mut Session, asked: &ServerText) -> Result<ShardId, Stop> {
    let catalog = s.worker.catalog();
    if asked.expressions.is_empty() {
        return match s.branches.iter().next() {
            Some(branch) => Ok(branch.shard),
            None => default_shard(&s.client, &catalog),
        };
    }
    let mut select = b"SELECT ".to_vec();
    select.extend_from_slice(&asked.expressions.join(&b", "[..]));
    let lexed = lex(s, &select)?;
    let planned = Planned::of(s.client.plan_context(&s.worker, &catalog), &select, &lexed);
    s.client.authorize(&catalog, &planned.privileges)?;
    let operator = match &planned.plan {
        Plan::Forward(f) => f.route(&RouteContext {
            catalog: &catalog,
            args: s.client.args(&select, &lexed.tokens, &[]),
            session: SessionFacts::default(),
        })?,
        Plan::Refuse(r) => return Err(r.clone().into()),
        _ => Operator::Any,
    };
    match operator {
        Operator::One(shard) => Ok(shard),
        Operator::Any => Ok(any_shard(&s.branches, &catalog, s.client.info.id)),
        _ => Err(SettingError::SetFromSeveral.into()),
    }
}
