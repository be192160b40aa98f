//! The life of a statement, from its tokens to its answer.
//!
//! A plan comes from the cache or is made; rights are checked; the plan is matched once, and the operator
//! that its values give runs as one of the primitives in this folder.

mod dynamic;
mod gather;
mod insert;
mod local;
mod lock_tables;
pub(crate) mod merge;
pub(crate) mod one;
mod pipelined;
mod read_back;
pub(crate) mod relay;
pub(crate) mod request;
pub(crate) mod scatter;
pub(crate) mod session_values;
mod set;
mod state_changed;
mod streams;
pub(crate) mod transaction;
mod user_variables;
pub(crate) mod write;

use crate::command::execute::Bound;
use crate::plans::CachedPlan;
use crate::session::branches::Branches;
use crate::session::client_state::ClientState;
use crate::session::{Done, Outcome, Session, Stop};
use crate::worker::Worker;
use crate::worker::in_use::Using;
use crate::{ddl, show};
use catalog::{Catalog, ShardId};
use errors::{AvailabilityError, Cause, NameError, ReadError};
use merge::Merged;
use request::Request;
use router::args::ParamRef;
use router::{Forward, Operator, Plan, Refusal, RouteContext, SessionFacts};
use sql::Lexed;
use sql::ddl::Ddl;
use std::rc::Rc;
use std::sync::Arc;
use wire::resultset::RowFormat;
use write::Write;

/// One run of a statement. It keeps the catalog that it was planned against until it ends.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    /// Its text.
    pub text: &'a [u8],
    /// Its tokens.
    pub lexed: &'a Lexed,
    /// Parameters, if it is a prepared statement.
    pub bound: Option<&'a Bound<'a>>,
    /// SERVER_MORE_RESULTS_EXISTS, if another statement follows, or 0.
    pub more: u16,
    /// Its plan.
    pub plan: &'a CachedPlan,
    /// The catalog that it was planned against.
    pub catalog: &'a Arc<Catalog>,
}

impl<'a> Run<'a> {
    /// What is sent to a shard if nothing has to change.
    pub(crate) fn request(&self) -> Request {
        match self.bound {
            None => Request::Query(self.text.into()),
            Some(b) => b.request(),
        }
    }

    /// How rows travel that the proxy makes itself.
    pub(crate) fn format(&self) -> RowFormat {
        match self.bound {
            Some(_) => RowFormat::Binary,
            None => RowFormat::Text,
        }
    }

    /// The client wants a cursor. A statement with the session's values in it never has one.
    pub(crate) fn wants_cursor(&self) -> bool {
        self.bound.is_some_and(|b| b.flags != 0) && !self.plan.traits.of_session()
    }

    /// The text from a token on, as the statement that another one is about.
    pub(crate) fn text_from(&self, token: usize) -> &'a [u8] {
        let start = self.lexed.tokens.get(token);
        &self.text[start.map_or(self.text.len(), |t| t.start as usize)..]
    }

    /// Notes that the catalog of the plan is used for the tables of the statement, until the answer is
    /// dropped.
    pub(crate) fn uses_catalog(&self, s: &Session) -> Using {
        let info = &s.client.info;
        let (epoch, mentions) = (self.catalog.epoch, &self.plan.mentions);
        s.worker
            .in_use
            .begin(epoch, info.id, info.since_ms(), mentions)
    }

    /// What routing looks at.
    pub(crate) fn route_context(&self, s: &Session) -> RouteContext<'a> {
        let locked = s.branches.locked().count();
        let params: &[ParamRef<'_>] = self.bound.map_or(&[], |b| &b.refs);
        RouteContext {
            catalog: self.catalog,
            args: s.client.args(self.text, &self.lexed.tokens, params),
            session: SessionFacts {
                select_limit: s.client.settings.all.get("sql_select_limit").is_some(),
                locked_tables: locked > 0,
                locked_in_part: locked > 0 && locked < self.catalog.shards.len(),
                cursor: self.wants_cursor(),
                prepared: self.bound.is_some(),
                explicit_ids: s.worker.shared.config.explicit_ids,
            },
        }
    }
}

/// The plan of a statement: from the cache, or made and kept.
pub(crate) fn plan(
    worker: &Worker,
    client: &ClientState,
    catalog: &Catalog,
    text: &[u8],
    lexed: &mut Lexed,
) -> Rc<CachedPlan> {
    // What else a plan depends on becomes part of the key.
    lexed.key.push(0xff);
    lexed.key.push(client.settings.mode.bits());
    let database = client.database.as_deref().unwrap_or_default();
    lexed.key.extend_from_slice(database.as_bytes());
    if let Some(plan) = worker.plans.borrow_mut().get(&lexed.key) {
        return plan;
    }
    let plan = CachedPlan::make(client.plan_context(worker, catalog), text, lexed);
    // A plan against a catalog that the worker has left behind serves this run alone.
    if plan.is_cacheable && catalog.epoch == worker.epoch() {
        let bytes = plan.bytes(lexed.tokens.len());
        let mut plans = worker.plans.borrow_mut();
        plans.put(&lexed.key, plan.clone(), bytes);
    }
    plan
}

/// Runs a planned statement.
pub(crate) async fn statement(s: &mut Session, run: Run<'_>) -> Done {
    s.client.authorize(run.catalog, &run.plan.privileges)?;
    // A change of structure does not wait for itself, nor for others that it excludes by its job.
    let changes = matches!(&run.plan.plan, Plan::Ddl(d) if !matches!(d.ddl, Ddl::Routine(_)));
    let _using = (!changes).then(|| run.uses_catalog(s));
    match &run.plan.plan {
        Plan::Forward(f) => forward(s, f, run).await,
        Plan::Insert(i) => Box::pin(insert::run(s, i, run)).await,
        Plan::Local(local) => Box::pin(local::run(s, local, run)).await,
        Plan::List(list) => Box::pin(show::list::run(s, list, run)).await,
        Plan::Databases(shard) => Box::pin(show::databases::run(s, *shard, run)).await,
        Plan::Routine(shard) => Box::pin(show::routine::run(s, *shard, run)).await,
        Plan::Ddl(d) => Box::pin(ddl::run(s, &d.ddl, run)).await,
        Plan::Refuse(r) => Err(refused(s, r).into()),
    }
}

/// A refusal, said in another way where a name that the catalog does not know may be a temporary table's.
fn refused(s: &Session, refusal: &Refusal) -> Refusal {
    let has_temporary = s.branches.iter().any(|b| b.pins.temporary_tables);
    match refusal.cause() {
        Cause::Names(NameError::NoSuchTable { database, table }) if has_temporary => {
            let table = format!("{database}.{table}");
            ReadError::BesideTemporary { table }.into()
        }
        _ => refusal.clone(),
    }
}

/// Runs a statement that goes to shards as it is.
pub(crate) async fn forward(s: &mut Session, f: &Forward, run: Run<'_>) -> Done {
    let shard = match f.route(&run.route_context(s))? {
        Operator::One(shard) => shard,
        Operator::Any => any_shard(&s.branches, run.catalog, s.client.info.id),
        Operator::Gather(route) => return Box::pin(gather::run(s, &route, run)).await,
        Operator::Merge(route) => {
            if !run.plan.is_unfit_to_merge.get() {
                match Box::pin(merge::run(s, &route, run)).await? {
                    Merged::Done(outcome) => return Ok(*outcome),
                    Merged::Unfit => run.plan.is_unfit_to_merge.set(true),
                    Merged::NotThisTime => {}
                }
            }
            match f.route_together(&run.route_context(s))? {
                Operator::Gather(route) => return Box::pin(gather::run(s, &route, run)).await,
                _ => return Err(AvailabilityError::Disconnected.into()),
            }
        }
        Operator::Scatter(shards) => return Box::pin(scatter::run(s, &shards, run)).await,
        Operator::Write(shards) => {
            let write = Write::same(&shards, run.request(), false, f.traits);
            let (outcome, _) = Box::pin(write::run(s, write, run.more)).await?;
            return Ok(Outcome {
                // A shard's own id is not the statement's.
                insert_id: None,
                ..outcome
            });
        }
        Operator::Replicate(shards) => {
            let write = Write::same(&shards, run.request(), true, f.traits);
            let (outcome, _) = Box::pin(write::run(s, write, run.more)).await?;
            return Ok(outcome);
        }
    };
    if let Some(pipe) = pipelined::pipeline(s, shard, f, run)
        && let Some(outcome) = pipelined::run(s, &pipe, shard, run).await?
    {
        return Ok(outcome);
    }
    Box::pin(one::run(s, shard, f.pin, run)).await
}

/// Any shard does: one that the transaction already uses, else by session number.
pub(crate) fn any_shard(branches: &Branches, catalog: &Catalog, session: u32) -> ShardId {
    // Temporary tables are where they are, and what stored code did is known there alone.
    let pinned = branches.iter().find(|b| !b.pins.is_empty());
    let open = || branches.iter().find(|b| b.open);
    if let Some(b) = pinned.or_else(open) {
        return b.shard;
    }
    let n = session as usize % catalog.shards.len().max(1);
    let shard = catalog.shards.keys().nth(n).copied();
    shard.unwrap_or(ShardId(0))
}

/// The shard for statements that any shard can answer.
pub(crate) fn default_shard(client: &ClientState, catalog: &Catalog) -> Result<ShardId, Stop> {
    let shard = catalog.default_shard(client.database.as_deref());
    shard.ok_or_else(|| router::plan::no_shards().into())
}
