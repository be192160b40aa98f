//! Prepared statements: the client's numbers, their texts, parameters, cursors.
//!
//! A client's statement is a text with a plan. Server statements are prepared by text on the
//! connections that happen to run them, so ten thousand clients share a few of each.

use crate::plans::CachedPlan;
use crate::relay::RelayOptions;
use crate::request::{Execute as ExecuteRequest, LongData, Request};
use crate::session::{Done, Session, Stop, error};
use crate::shared::SharedOutcome;
use crate::statement::Run;
use catalog::ShardId;
use catalog::temporal::DateTime;
use router::args::ParamRef;
use router::{Plan, Refusal, Route};
use shard::Pipeline;
use smallvec::SmallVec;
use sql::{Lexed, Statement};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use wire::execute::{Execute, Param, ParamList, locate_params};
use wire::framer::Expect;
use wire::prepare::Prepared;
use wire::value::ParamValue;

/// A client's prepared statement.
pub struct ClientStatement {
    /// Its number.
    pub id: u32,
    /// Its text.
    pub text: Rc<[u8]>,
    /// Its tokens.
    pub lexed: Lexed,
    /// Database that was current.
    pub database: Option<Rc<str>>,
    plan: RefCell<(u64, Rc<CachedPlan>)>,
    params: usize,
    types: RefCell<Vec<u8>>,
    long: RefCell<LongData>,
    /// Where its cursor is open.
    cursor: Cell<Option<ShardId>>,
    cursor_id: Cell<u32>,
}

/// All prepared statements of a session.
pub struct Statements {
    by_id: HashMap<u32, Rc<ClientStatement>>,
    next: u32,
    max: usize,
}

impl Statements {
    /// At most `max`.
    pub fn new(max: usize) -> Self {
        Self {
            by_id: HashMap::new(),
            next: 1,
            max,
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.by_id.clear();
    }

    fn get(&self, id: u32, command: &str) -> Result<Rc<ClientStatement>, Stop> {
        self.by_id.get(&id).cloned().ok_or_else(|| {
            let text = format!("Unknown prepared statement handler ({id}) given to {command}");
            error(1243, "HY000", text)
        })
    }
}

/// One execution: a statement and its parameters.
pub struct Bound<'a> {
    /// The statement.
    pub statement: &'a ClientStatement,
    /// Where each parameter is.
    pub params: SmallVec<[Param; 8]>,
    /// The parameters as routing sees them.
    pub refs: Vec<ParamRef<'a>>,
    nulls: &'a [u8],
    values: &'a [u8],
    types: Vec<u8>,
    long: LongData,
    flags: u8,
    key: u64,
}

impl Bound<'_> {
    /// The execution as it is.
    pub fn request(&self) -> Request {
        Request::Execute(Rc::new(ExecuteRequest {
            key: self.key,
            text: self.statement.text.clone(),
            flags: self.flags,
            nulls: self.nulls.to_vec(),
            types: self.types.clone(),
            values: self.values.to_vec(),
            long: self.long.clone(),
        }))
    }

    /// The execution with another text, which has the same parameters; never with a cursor.
    pub fn request_with(&self, text: Vec<u8>, key: u64) -> Request {
        Request::Execute(Rc::new(ExecuteRequest {
            key,
            text: text.into(),
            flags: 0,
            nulls: self.nulls.to_vec(),
            types: self.types.clone(),
            values: self.values.to_vec(),
            long: self.long.clone(),
        }))
    }

    /// Appends parameter `n` to a list for another text.
    pub fn copy_param(&self, n: u16, list: &mut ParamList, long: &mut LongData) {
        let Some(p) = self.params.get(usize::from(n)) else {
            return;
        };
        if let Some((_, bytes)) = self.long.iter().find(|(i, _)| *i == n) {
            long.push((list.len() as u16, bytes.clone()));
        }
        let bytes = p.at.clone().and_then(|at| self.values.get(at));
        list.push(p.kind, bytes, p.long);
    }
}

fn param_ref<'a>(value: Option<ParamValue<'a>>) -> ParamRef<'a> {
    match value {
        None | Some(ParamValue::Time) => ParamRef::Opaque,
        Some(ParamValue::Null) => ParamRef::Null,
        Some(ParamValue::Int(n)) => ParamRef::Int(n.into()),
        Some(ParamValue::UInt(n)) => ParamRef::Int(n.into()),
        Some(ParamValue::Double(d)) => ParamRef::Double(d),
        Some(ParamValue::Bytes(b)) => ParamRef::Bytes(b),
        Some(ParamValue::DateTime {
            parts: (y, m, d, h, i, s),
            micros,
            ..
        }) => ParamRef::DateTime(DateTime::new((y, m, d), (h, i, s), micros)),
    }
}

fn malformed(e: wire::Malformed) -> Stop {
    error(
        1210,
        "HY000",
        format!("Incorrect arguments to mysqld_stmt_execute: {e}"),
    )
}

impl Session {
    /// The worker's number of a text under this session's settings.
    pub fn statement_key(&self, text: &[u8], database: Option<&Rc<str>>) -> u64 {
        let mut key = Vec::with_capacity(text.len() + 64);
        key.extend_from_slice(text);
        key.push(0xff);
        key.extend_from_slice(database.map_or("", |d| d).as_bytes());
        key.push(0xff);
        // What the server's parser looked at when it prepared.
        for name in ["sql_mode", "character_set_client", "collation_connection"] {
            key.extend_from_slice(self.settings.get(name).unwrap_or_default().as_bytes());
            key.push(0xff);
        }
        self.worker.text_number(&key)
    }

    /// COM_STMT_PREPARE.
    pub async fn prepare(&mut self, text: &[u8]) -> Done {
        let mut lexed = Lexed::default();
        lexed
            .read(text, self.mode, self.worker.flavor.get())
            .map_err(Refusal::syntax)?;
        self.info
            .begin("Prepare", text, self.worker.shared.registry.now_ms());
        let max = self.statements.max;
        if self.statements.by_id.len() >= max {
            let text = format!(
                "Can't create more than {max} prepared statements \
                 (proxy.prepared_per_session_max); close some"
            );
            return Err(error(1461, "42000", text));
        }
        let plan = self.plan(text, &mut lexed);
        self.authorize(&plan.needs)?;
        let prepared = match self.shard_to_prepare_on(&plan, text, &lexed)? {
            None => Prepared::default(),
            Some(shard) if plan.traits.of_session() => {
                // The values of now have the types that the values of each execution will have.
                let text = self.replace_session_functions(text, &lexed.tokens);
                self.prepare_on(shard, &text, &plan).await?
            }
            Some(shard) => self.prepare_on(shard, text, &plan).await?,
        };
        let id = self.statements.next;
        self.statements.next = self.statements.next.wrapping_add(1).max(1);
        let statement = ClientStatement {
            id,
            text: text.into(),
            params: prepared.params.len(),
            lexed,
            database: self.database.clone(),
            plan: RefCell::new((self.worker.epoch(), plan)),
            types: RefCell::default(),
            long: RefCell::default(),
            cursor: Cell::new(None),
            cursor_id: Cell::new(0),
        };
        self.statements.by_id.insert(id, Rc::new(statement));
        let status = self.status();
        let deprecate_eof = self.class.deprecate_eof;
        self.io
            .put_packets(|out, seq| prepared.encode(out, seq, id, deprecate_eof, status));
        self.diagnostics.clear();
        Ok(())
    }

    /// The shard that knows the statement's columns; `None` for statements that no shard sees.
    fn shard_to_prepare_on(
        &self,
        plan: &CachedPlan,
        text: &[u8],
        lexed: &Lexed,
    ) -> Result<Option<ShardId>, Stop> {
        match (&plan.statement, &plan.plan) {
            (s, _) if self.is_local(s) => Ok(None),
            (_, Plan::Refuse(r)) => Err(r.clone().into()),
            (_, Plan::Insert(p)) => Ok(match &p.table.placement {
                catalog::Placement::Sharded(s) => s.function.shards().first().copied(),
                _ => Some(self.any_shard()),
            }),
            (_, Plan::Route(r)) => {
                let catalog = self.worker.catalog();
                let args = self.args(text, &lexed.tokens, &[]);
                Ok(Some(match r.route(&catalog, &args) {
                    Ok(Route::One(s)) => s,
                    Ok(Route::Some(list)) => list.first().copied().unwrap_or(self.any_shard()),
                    Ok(Route::Any | Route::Everywhere) => self.any_shard(),
                    // Without values every key may be meant: any shard of the table knows its columns.
                    Err(_) => match &r.target {
                        router::Target::Keyed { tables, home, .. } => home
                            .or_else(|| {
                                let s = tables.first()?.table.sharding()?;
                                s.function.shards().first().copied()
                            })
                            .unwrap_or(self.any_shard()),
                        _ => self.any_shard(),
                    },
                }))
            }
        }
    }

    async fn prepare_on(
        &mut self,
        shard: ShardId,
        text: &[u8],
        plan: &CachedPlan,
    ) -> Result<Prepared, Stop> {
        let key = self.statement_key(text, self.database.as_ref());
        let epoch = self.worker.epoch();
        if let Some(p) = self.worker.prepared_definitions(epoch, key) {
            return Ok((*p).clone());
        }
        let index = self
            .acquire(shard, plan.traits.reads_user_variables)
            .await?;
        let conn = self.held[index].lease.conn()?;
        let prepared = conn.prepare(text).await;
        let prepared = match prepared {
            Ok(Ok(p)) => p,
            Ok(Err(err)) => {
                self.drop_idle();
                return Err(Stop::Error(err));
            }
            Err(e) => return Err(self.doom(e).await),
        };
        self.held[index].lease.conn()?.remember(key, prepared.id);
        self.drop_idle();
        self.worker.keep_prepared_definitions(epoch, key, &prepared);
        Ok(prepared)
    }

    /// COM_STMT_EXECUTE.
    pub async fn execute(&mut self, body: &[u8]) -> Done {
        let id = wire::execute::statement_id(body).map_err(malformed)?;
        let statement = self.statements.get(id, "mysqld_stmt_execute")?;
        let e = Execute::decode(body, statement.params).map_err(malformed)?;
        if let Some(types) = e.types {
            statement.types.borrow_mut().clear();
            statement.types.borrow_mut().extend_from_slice(types);
        }
        let types = statement.types.borrow().clone();
        if types.len() != statement.params * 2 {
            return Err(malformed(wire::Malformed(
                "parameter types were never sent",
            )));
        }
        let long = std::mem::take(&mut *statement.long.borrow_mut());
        let is_long = |i: usize| long.iter().any(|(n, _)| usize::from(*n) == i);
        let params = locate_params(e.null_bitmap, &types, e.values, is_long).map_err(malformed)?;
        let mut refs = Vec::with_capacity(params.len());
        for p in &params {
            refs.push(param_ref(p.value(e.values).map_err(malformed)?));
        }
        let key = self.statement_key(&statement.text, statement.database.as_ref());
        let bound = Bound {
            statement: &statement,
            params,
            refs,
            nulls: e.null_bitmap,
            values: e.values,
            types,
            long,
            flags: e.flags,
            key,
        };
        self.info.begin(
            "Execute",
            &statement.text,
            self.worker.shared.registry.now_ms(),
        );
        let plan = self.current_plan(&statement);
        let run = Run {
            text: &statement.text,
            lexed: &statement.lexed,
            bound: Some(&bound),
            more: 0,
        };
        // The statement means the database that was current when it was prepared.
        let current = std::mem::replace(&mut self.database, statement.database.clone());
        let done = if bound.flags != 0 && !plan.traits.of_session() {
            Box::pin(self.execute_with_cursor(&plan, run, &statement)).await
        } else {
            self.run_statement(&plan, run).await
        };
        if !matches!(plan.statement, Statement::Use(_)) {
            self.database = current;
        }
        done
    }

    fn current_plan(&self, statement: &ClientStatement) -> Rc<CachedPlan> {
        let epoch = self.worker.epoch();
        if statement.plan.borrow().0 != epoch {
            let mut lexed = statement.lexed.clone();
            lexed
                .key
                .truncate(lexed.key.iter().rposition(|b| *b == 0xff).unwrap_or(0));
            let plan = self.plan(&statement.text, &mut lexed);
            *statement.plan.borrow_mut() = (epoch, plan);
        }
        statement.plan.borrow().1.clone()
    }

    /// Runs an execution on a shared connection.
    pub async fn run_shared_bound(
        &mut self,
        pipe: &Pipeline,
        plan: &CachedPlan,
        b: &Bound<'_>,
    ) -> Result<SharedOutcome, Stop> {
        if !b.long.is_empty() || b.flags != 0 {
            return Ok(SharedOutcome::NotShared);
        }
        let Some(id) = self
            .shared_statement(pipe, b.key, &b.statement.text)
            .await?
        else {
            return Ok(SharedOutcome::NotShared);
        };
        self.run_shared(pipe, plan, |out| {
            let mut seq = 0;
            wire::packet::put_packet_with(out, &mut seq, |p| {
                wire::execute::put_execute(p, id, 0, b.nulls, &b.types, b.values);
            });
        })
        .await
    }

    /// A cursor lives on one connection, which stays with the session until it is closed.
    async fn execute_with_cursor(
        &mut self,
        plan: &CachedPlan,
        run: Run<'_>,
        statement: &ClientStatement,
    ) -> Done {
        self.authorize(&plan.needs)?;
        let Plan::Route(route) = &plan.plan else {
            return Box::pin(self.run_rc(plan, run)).await;
        };
        let found = {
            let catalog = self.worker.catalog();
            let params: &[ParamRef<'_>] = run.bound.map_or(&[], |b| &b.refs);
            let args = self.args(run.text, &run.lexed.tokens, params);
            route.route(&catalog, &args)?
        };
        let shard = match found {
            Route::One(s) => s,
            Route::Any => self.any_shard(),
            _ => {
                let text = "a cursor over rows of several shards is not supported yet; \
                            read the result without a cursor (no fetch size)";
                return Err(error(1235, "42000", text));
            }
        };
        self.close_cursor(statement);
        let end = {
            let options = RelayOptions::default();
            let request = run.request();
            // The pin is set before the answer, or the connection would be given back with it.
            let index = self
                .acquire(shard, plan.traits.reads_user_variables)
                .await?;
            self.held[index].pins.cursor = true;
            self.run_exclusive(shard, &request, plan.traits, options, None)
                .await?
        };
        let open = end.err.is_none() && end.status & wire::caps::SERVER_STATUS_CURSOR_EXISTS != 0;
        if !open {
            self.unpin_cursor(shard);
            return Ok(());
        }
        statement.cursor.set(Some(shard));
        let key = run.bound.map_or(0, |b| b.key);
        if let Some(h) = self.held.iter_mut().find(|h| h.shard == shard)
            && let Some(id) = h.lease.conn()?.prepared.get(key)
        {
            statement.cursor_id.set(id);
        }
        Ok(())
    }

    async fn run_rc(&mut self, plan: &CachedPlan, run: Run<'_>) -> Done {
        match &plan.plan {
            Plan::Insert(i) => self.insert(i, plan, run).await,
            Plan::Refuse(r) => Err(r.clone().into()),
            Plan::Route(r) => self.routed(r, plan, run).await,
        }
    }

    fn unpin_cursor(&mut self, shard: ShardId) {
        let others = self
            .statements
            .by_id
            .values()
            .any(|s| s.cursor.get() == Some(shard));
        if others {
            return;
        }
        if let Some(h) = self.held.iter_mut().find(|h| h.shard == shard) {
            h.pins.cursor = false;
        }
        self.drop_idle();
        self.note_state();
    }

    fn close_cursor(&mut self, statement: &ClientStatement) {
        if let Some(shard) = statement.cursor.take() {
            if let Some(h) = self.held.iter_mut().find(|h| h.shard == shard) {
                // A server statement with an open cursor cannot be executed by others: close it.
                if let Ok(conn) = h.lease.conn() {
                    conn.queue_close(statement.cursor_id.get());
                    conn.prepared.clear();
                }
            }
            self.unpin_cursor(shard);
        }
    }

    /// COM_STMT_FETCH.
    pub async fn fetch(&mut self, body: &[u8]) -> Done {
        let id = wire::execute::statement_id(body).map_err(malformed)?;
        let statement = self.statements.get(id, "mysqld_stmt_fetch")?;
        let shard = statement.cursor.get();
        let index = shard.and_then(|s| self.held.iter().position(|h| h.shard == s));
        let (Some(shard), Some(index)) = (shard, index) else {
            let text = format!("The statement ({id}) has no open cursor.");
            return Err(error(1421, "HY000", text));
        };
        let mut payload = vec![0x1c];
        payload.extend_from_slice(&statement.cursor_id.get().to_le_bytes());
        payload.extend_from_slice(body.get(4..8).unwrap_or(&[1, 0, 0, 0]));
        self.held[index].lease.conn()?.queue(&payload);
        let options = RelayOptions {
            expect: Expect::Rows,
            ..Default::default()
        };
        let end = self.relay_on(index, options).await?;
        if end.err.is_some() || end.status & wire::caps::SERVER_STATUS_LAST_ROW_SENT != 0 {
            self.close_cursor(&statement);
            self.unpin_cursor(shard);
        }
        Ok(())
    }

    /// COM_STMT_SEND_LONG_DATA, which has no answer: an error shows at the execution.
    pub fn send_long_data(&mut self, body: &[u8]) {
        let Ok(id) = wire::execute::statement_id(body) else {
            return;
        };
        let (Some(n), Some(data)) = (body.get(4..6), body.get(6..)) else {
            return;
        };
        let n = u16::from_le_bytes([n[0], n[1]]);
        let Ok(statement) = self.statements.get(id, "mysqld_stmt_send_long_data") else {
            return;
        };
        let max = self.worker.shared.config.max_allowed_packet_bytes;
        let mut long = statement.long.borrow_mut();
        let total: usize = long.iter().map(|(_, b)| b.len()).sum();
        if total + data.len() > max || usize::from(n) >= statement.params {
            return;
        }
        match long.iter_mut().find(|(i, _)| *i == n) {
            Some((_, bytes)) => bytes.extend_from_slice(data),
            None => long.push((n, data.to_vec())),
        }
    }

    /// COM_STMT_RESET.
    pub fn reset_statement(&mut self, body: &[u8]) -> Done {
        let id = wire::execute::statement_id(body).map_err(malformed)?;
        let statement = self.statements.get(id, "mysqld_stmt_reset")?;
        statement.long.borrow_mut().clear();
        self.close_cursor(&statement);
        self.ok(0);
        Ok(())
    }

    /// COM_STMT_CLOSE, which has no answer.
    pub fn close_statement(&mut self, body: &[u8]) {
        let Ok(id) = wire::execute::statement_id(body) else {
            return;
        };
        if let Some(statement) = self.statements.by_id.remove(&id) {
            self.close_cursor(&statement);
        }
    }
}
