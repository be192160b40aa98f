//! The life of a statement, from its text to its answer.

use crate::fanout::Write;
use crate::metrics::count;
use crate::plans::CachedPlan;
use crate::prepared::Bound;
use crate::relay::RelayOptions;
use crate::request::Request;
use crate::session::{Done, Session, error};
use crate::shared::SharedOutcome;
use catalog::ShardId;
use router::args::ParamRef;
use router::{Access, Args, Plan, PlanContext, Refusal, Route, RoutePlan};
use sql::lexer::Op;
use sql::{Lexed, Statement, TokenKind, classify};
use std::rc::Rc;
use wire::caps::SERVER_MORE_RESULTS_EXISTS;
use wire::resultset::RowFormat;

/// One run of a statement.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Its text.
    pub text: &'a [u8],
    /// Its tokens.
    pub lexed: &'a Lexed,
    /// Parameters, if it is a prepared statement.
    pub bound: Option<&'a Bound<'a>>,
    /// SERVER_MORE_RESULTS_EXISTS, if another statement follows, or 0.
    pub more: u16,
}

impl<'a> Run<'a> {
    /// What is sent to a shard if nothing has to change.
    pub fn request(&self) -> Request {
        match self.bound {
            None => Request::Query(self.text.into()),
            Some(b) => b.request(),
        }
    }

    /// How rows travel that the proxy makes itself.
    pub fn format(&self) -> RowFormat {
        if self.bound.is_some() {
            RowFormat::Binary
        } else {
            RowFormat::Text
        }
    }
}

impl Session {
    /// COM_QUERY: one statement, or several.
    pub async fn query(&mut self, text: &[u8]) -> Done {
        let mut lexed = self.worker.take_lexer();
        let read = lexed.read(text, self.mode, self.worker.flavor.get());
        let done = match read {
            Err(e) => Err(Refusal::syntax(e).into()),
            Ok(()) if is_one_statement(&lexed) => self.one(text, &mut lexed, 0).await,
            Ok(()) => Box::pin(self.several(text, &lexed)).await,
        };
        self.worker.put_lexer(lexed);
        done
    }

    /// Statements between semicolons, one after the other, up to the first error.
    async fn several(&mut self, text: &[u8], lexed: &Lexed) -> Done {
        let ranges = sql::split::statements(text, &lexed.tokens);
        if ranges.is_empty() {
            return Err(error(1065, "42000", "Query was empty"));
        }
        if ranges.len() > 1 && !self.multi_statements {
            return Err(Refusal::syntax(
                "several statements in one query need CLIENT_MULTI_STATEMENTS",
            )
            .into());
        }
        let last = ranges.len() - 1;
        for (i, range) in ranges.into_iter().enumerate() {
            let part = &text[range];
            let mut lexed = Lexed::default();
            lexed
                .read(part, self.mode, self.worker.flavor.get())
                .map_err(Refusal::syntax)?;
            let more = if i == last {
                0
            } else {
                SERVER_MORE_RESULTS_EXISTS
            };
            Box::pin(self.one(part, &mut lexed, more)).await?;
            if self.diagnostics_failed() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// True if the last statement's ERR packet went to the client already.
    fn diagnostics_failed(&self) -> bool {
        self.row_count == -1 && self.diagnostics.has_error()
    }

    async fn one(&mut self, text: &[u8], lexed: &mut Lexed, more: u16) -> Done {
        let now = self.worker.shared.registry.now_ms();
        self.info.begin("Query", text, now);
        let plan = self.plan(text, lexed);
        self.run_statement(
            &plan,
            Run {
                text,
                lexed,
                bound: None,
                more,
            },
        )
        .await
    }

    /// What the session's statements are planned against.
    pub fn plan_context<'c>(&'c self, catalog: &'c catalog::Catalog) -> PlanContext<'c> {
        PlanContext {
            catalog,
            database: self.database.as_deref(),
            mode: self.mode,
            flavor: self.worker.flavor.get(),
        }
    }

    /// The values of one execution, as routing reads them.
    pub fn args<'c>(
        &self,
        text: &'c [u8],
        tokens: &'c [sql::lexer::Token],
        params: &'c [ParamRef<'c>],
    ) -> Args<'c> {
        Args {
            text,
            tokens,
            mode: self.mode,
            utf8: self.utf8,
            params,
        }
    }

    /// The plan of a statement: from the cache, or made and kept.
    pub fn plan(&self, text: &[u8], lexed: &mut Lexed) -> Rc<CachedPlan> {
        // What else a plan depends on becomes part of the key.
        lexed.key.push(0xff);
        lexed.key.push(self.mode.bits());
        lexed
            .key
            .extend_from_slice(self.database.as_deref().unwrap_or_default().as_bytes());
        if let Some(plan) = self.worker.plans.borrow_mut().get(&lexed.key) {
            return plan;
        }
        let plan = self.make_plan(text, lexed);
        if plan.is_cacheable() {
            let bytes = plan.bytes(lexed.tokens.len());
            self.worker
                .plans
                .borrow_mut()
                .put(&lexed.key, plan.clone(), bytes);
        }
        plan
    }

    fn make_plan(&self, text: &[u8], lexed: &Lexed) -> Rc<CachedPlan> {
        let catalog = self.worker.catalog();
        let ctx = self.plan_context(&catalog);
        let statement = classify(text, lexed, self.mode);
        CachedPlan::make(ctx, text, lexed, statement)
    }

    /// Runs a planned statement.
    pub async fn run_statement(&mut self, plan: &Rc<CachedPlan>, run: Run<'_>) -> Done {
        self.authorize(&plan.needs)?;
        match &plan.statement {
            Statement::Query | Statement::Update | Statement::Delete => {}
            Statement::Transaction(t) => {
                return Box::pin(self.transaction_statement(t, run.more)).await;
            }
            Statement::Insert(Some(_)) => {
                if let Plan::Insert(insert) = &plan.plan {
                    if plan.traits.of_session() {
                        return Box::pin(self.insert_session_values(run)).await;
                    }
                    return Box::pin(self.insert(insert, plan, run)).await;
                }
            }
            _ => return Box::pin(self.other(plan, run)).await,
        }
        match &plan.plan {
            Plan::Route(route) => self.routed(route, plan, run).await,
            Plan::Refuse(r) => {
                count(&self.worker.shared.metrics.statements_refused);
                Err(r.clone().into())
            }
            Plan::Insert(_) => Err(error(1105, "HY000", "an INSERT plan without an INSERT")),
        }
    }

    /// Runs a statement that a route is known for.
    pub async fn routed(&mut self, route: &RoutePlan, plan: &CachedPlan, run: Run<'_>) -> Done {
        let traits = plan.traits;
        if traits.of_session() {
            return Box::pin(self.with_session_values(route, plan, run)).await;
        }
        let found = {
            let catalog = self.worker.catalog();
            let params: &[ParamRef<'_>] = run.bound.map_or(&[], |b| &b.refs);
            let args = self.args(run.text, &run.lexed.tokens, params);
            route.route(&catalog, &args)
        };
        let shard = match found {
            Ok(Route::One(shard)) => shard,
            Ok(Route::Any) => self.any_shard(),
            Ok(Route::Some(shards)) => {
                return Box::pin(self.several_shards(route, &shards, run)).await;
            }
            Ok(Route::Everywhere) => {
                let shards = self.worker.catalog().shard_ids();
                let write = Write::same(&shards, run.request(), true, traits);
                let ok = Box::pin(self.write_many(write, run.more)).await?;
                self.note_insert_id(&ok);
                return Ok(());
            }
            Err(refusal) => {
                count(&self.worker.shared.metrics.statements_refused);
                return Err(refusal.into());
            }
        };
        // Answers of shared connections are numbered from 1: they cannot follow another answer.
        if run.more == 0
            && self.io.seq == 1
            && let Some(pipe) = self.shared_connection(shard, plan)
        {
            let outcome = match run.bound {
                None => {
                    self.run_shared(&pipe, plan, |out| put_query(out, run.text))
                        .await?
                }
                Some(b) => Box::pin(self.run_shared_bound(&pipe, plan, b)).await?,
            };
            if let SharedOutcome::Answered = outcome {
                if run.bound.is_none() {
                    self.diagnostics.can_run_again(shard, run.text);
                }
                return Ok(());
            }
        }
        Box::pin(self.run_alone(shard, plan, run)).await
    }

    /// The statement as it is, on one shard, on a connection of the session's own.
    pub async fn run_alone(&mut self, shard: ShardId, plan: &CachedPlan, run: Run<'_>) -> Done {
        let options = RelayOptions {
            status_set: run.more,
            ..Default::default()
        };
        let request = run.request();
        let end = self
            .run_exclusive(shard, &request, plan.traits, options, Some(plan))
            .await?;
        if let Some(ok) = end.ok {
            self.note_insert_id(&ok);
        }
        Ok(())
    }

    /// Takes over the id that a shard gave, or that LAST_INSERT_ID(expression) set.
    fn note_insert_id(&mut self, ok: &wire::reply::OkPacket) {
        if ok.last_insert_id != 0 {
            self.last_insert_id = ok.last_insert_id;
        }
    }

    /// Any shard does: one that the transaction already uses, else by session number.
    pub fn any_shard(&self) -> ShardId {
        // Temporary tables are where they are.
        let pinned = self.held.iter().find(|h| h.pins.temporary_tables);
        let open = || self.held.iter().find(|h| h.in_transaction);
        if let Some(h) = pinned.or_else(open) {
            return h.shard;
        }
        let shards = self.worker.catalog().shard_ids();
        let n = self.info.id as usize % shards.len().max(1);
        shards.get(n).copied().unwrap_or(ShardId(0))
    }

    async fn several_shards(
        &mut self,
        route: &RoutePlan,
        shards: &[ShardId],
        run: Run<'_>,
    ) -> Done {
        count(&self.worker.shared.metrics.statements_scattered);
        if route.traits.sets_last_insert_id {
            let text = "LAST_INSERT_ID(expression) in a statement on several shards would have a value \
                        of each";
            return Err(error(1235, "42000", text));
        }
        match route.access {
            Access::Read | Access::LockingRead => {
                if self.settings.get("sql_select_limit").is_some() {
                    let text = "sql_select_limit would count the rows of each shard by itself: SET \
                                sql_select_limit = DEFAULT before a read of several shards";
                    return Err(error(1235, "42000", text));
                }
                self.scatter(shards, route.traits, run).await
            }
            Access::Write => {
                let write = Write::same(shards, run.request(), false, route.traits);
                self.write_many(write, run.more).await.map(|_| ())
            }
        }
    }
}

/// True if no semicolon stands before the last token.
fn is_one_statement(lexed: &Lexed) -> bool {
    let semicolon = TokenKind::Op(Op::Semicolon);
    match lexed.tokens.split_last() {
        None => false,
        Some((last, rest)) => {
            let alone = last.kind == semicolon && rest.is_empty();
            !alone && !rest.iter().any(|t| t.kind == semicolon)
        }
    }
}

/// Puts a COM_QUERY packet.
fn put_query(out: &mut Vec<u8>, text: &[u8]) {
    let mut seq = 0;
    wire::packet::put_packet_with(out, &mut seq, |b| {
        b.push(3);
        b.extend_from_slice(text);
    });
}
