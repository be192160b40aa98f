//! COM_STMT_PREPARE: a shard says which columns and parameters the statement has.

use crate::command::execute::statement_key;
use crate::exec::{self, session_values};
use crate::plans::CachedPlan;
use crate::session::outcome::Conditions;
use crate::session::statements::ClientStatement;
use crate::session::waiting::unless_ended;
use crate::session::{Done, Outcome, Session, Stop};
use catalog::{Catalog, ShardId};
use router::{Plan, Refusal, RouteContext, SessionFacts};
use sql::Lexed;
use std::cell::{Cell, RefCell};
use wire::command::prepare::Prepared;

/// Prepares a statement.
pub(super) async fn run(s: &mut Session, text: &[u8]) -> Done {
    s.client.statements.forget_last();
    let mut lexed = Lexed::default();
    lexed
        .read(text, s.client.settings.mode, s.worker.flavor.get())
        .map_err(Refusal::syntax)?;
    let now = s.worker.shared.registry.now_ms();
    s.client.info.begin("Prepare", text, now);
    s.client.statements.check_room()?;
    let catalog = s.worker.catalog();
    let plan = exec::plan(&s.worker, &s.client, &catalog, text, &mut lexed);
    s.client.authorize(&catalog, &plan.privileges)?;
    let prepared = match shard_that_knows(s, &catalog, &plan, text, &lexed)? {
        None => Prepared::default(),
        Some(shard) if plan.traits.of_session() => {
            // The values of now have the types that the values of each execution will have.
            let text = session_values::replace(&s.client, text, &lexed.tokens);
            prepare_on(s, shard, &text, &plan).await?
        }
        Some(shard) => prepare_on(s, shard, text, &plan).await?,
    };
    let id = s.client.statements.next_id();
    s.client.statements.put(ClientStatement {
        id,
        text: text.into(),
        columns: prepared.columns.len(),
        params: prepared.params.len(),
        lexed,
        database: s.client.database.clone(),
        plan: RefCell::new((catalog.epoch, plan)),
        types: RefCell::default(),
        long: RefCell::default(),
        cursor: Cell::new(None),
        cursor_uses: Cell::new(None),
    });
    let status = s.status();
    let deprecate_eof = s.client.class.deprecate_eof;
    s.io.put_packets(|out, seq| prepared.encode(out, seq, id, deprecate_eof, status));
    Ok(Outcome {
        conditions: Conditions::Cleared,
        ..Outcome::quiet()
    })
}

/// The shard that knows the statement's columns; `None` for statements that no shard sees.
fn shard_that_knows(
    s: &Session,
    catalog: &Catalog,
    plan: &CachedPlan,
    text: &[u8],
    lexed: &Lexed,
) -> Result<Option<ShardId>, Stop> {
    let any = || exec::any_shard(&s.branches, catalog, s.client.info.id);
    match &plan.plan {
        Plan::Local(_) | Plan::Ddl(_) => Ok(None),
        Plan::Refuse(r) => Err(r.clone().into()),
        Plan::List(list) => Ok(Some(list.home)),
        Plan::Databases(shard) | Plan::Routine(shard) => Ok(Some(*shard)),
        Plan::Insert(p) => Ok(match &p.table.placement {
            catalog::Placement::Sharded(s) => s.shards().first().copied(),
            _ => Some(any()),
        }),
        Plan::Forward(f) => {
            let cx = RouteContext {
                catalog,
                args: s.client.args(text, &lexed.tokens, &[]),
                session: SessionFacts::default(),
            };
            Ok(Some(f.shard_to_prepare_on(&cx).unwrap_or_else(any)))
        }
    }
}

async fn prepare_on(
    s: &mut Session,
    shard: ShardId,
    text: &[u8],
    plan: &CachedPlan,
) -> Result<Prepared, Stop> {
    let key = statement_key(s, text, s.client.database.as_ref());
    let epoch = s.worker.epoch();
    if let Some(p) = s.worker.prepared_definitions(epoch, key) {
        return Ok((*p).clone());
    }
    let variables = plan.traits.reads_user_variables;
    let (worker, client, branches) = (&s.worker, &s.client, &mut s.branches);
    // A server waits here for a table that somebody changes or locks.
    let preparing = async {
        let branch = branches.acquire(worker, client, shard, variables).await?;
        let conn = branch.conn()?;
        match conn.prepare(text).await {
            Ok(Ok(p)) => {
                conn.remember(key, p.id);
                Ok(p)
            }
            Ok(Err(err)) => Err(Stop::Server(err)),
            Err(e) => Err(branches.abort(e).await),
        }
    };
    let prepared = unless_ended(worker, &s.io, &client.info, preparing).await??;
    s.worker.keep_prepared_definitions(epoch, key, &prepared);
    Ok(prepared)
}
