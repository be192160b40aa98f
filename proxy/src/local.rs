//! Statements that the proxy answers itself, and those of which it must decide where they go.

use crate::plans::CachedPlan;
use crate::relay::RelayOptions;
use crate::session::{Done, Session, Stop, error};
use crate::statement::Run;
use crate::transaction::Pins;
use catalog::{Placement, ShardId};
use router::args::ParamRef;
use router::explain::{explain, placement_text};
use router::{Plan, Refusal, RoutePlan};
use sql::lexer::{Op, Token, TokenKind};
use sql::set::Set;
use sql::show::Show;
use sql::splice::Splices;
use sql::{Lexed, Statement, classify};
use wire::column::Column;
use wire::resultset::ResultSet;

/// A number that is a BIGINT by its length.
const BIG: u64 = 1_000_000_000_000;

impl Session {
    /// True for statements that no shard sees as they are.
    pub fn is_local(&self, s: &Statement) -> bool {
        matches!(
            s,
            Statement::Transaction(_)
                | Statement::Set(_)
                | Statement::Use(_)
                | Statement::Ddl(_)
                | Statement::Rule(_)
                | Statement::Kill { .. }
                | Statement::ExplainShard(_)
                | Statement::BadClause(_)
                | Statement::Empty
                | Statement::Show(
                    Show::Shards
                        | Show::ShardedTables
                        | Show::ProxySessions
                        | Show::ProxyStatus
                        | Show::DdlJobs
                        | Show::Grants { .. }
                        | Show::ProcessList { .. }
                        | Show::Diagnostics(_)
                )
        )
    }

    /// The shard for statements that any shard can answer.
    pub fn default_shard(&self) -> Result<ShardId, Stop> {
        let catalog = self.worker.catalog();
        let shard = catalog.default_shard(self.database.as_deref());
        shard.ok_or_else(|| router::plan::no_shards().into())
    }

    /// A shard that has the table.
    pub fn shard_of_table(&self, database: &str, table: &str) -> Result<ShardId, Stop> {
        let catalog = self.worker.catalog();
        match catalog.table(database, table).map(|t| &t.placement) {
            Some(Placement::Single(s) | Placement::View(s)) => Ok(*s),
            Some(Placement::Sharded(s)) => match s.function.shards().first() {
                Some(s) => Ok(*s),
                None => self.default_shard(),
            },
            _ => {
                let shard = catalog.default_shard(Some(database));
                shard.ok_or_else(|| router::plan::no_shards().into())
            }
        }
    }

    /// Runs a statement that is not a plain query, change or transaction.
    pub async fn other(&mut self, plan: &CachedPlan, run: Run<'_>) -> Done {
        let more = run.more;
        match &plan.statement {
            Statement::Empty => Err(error(1065, "42000", "Query was empty")),
            Statement::Set(Set::Statement(at)) => self.set_statement(*at, run).await,
            Statement::Set(set) => self.set(set, run.text, more).await,
            Statement::Use(db) => {
                self.use_database(db)?;
                self.diagnostics.clear();
                self.ok_with_database(more);
                Ok(())
            }
            Statement::Show(show) => self.show(show, plan, run).await,
            Statement::Ddl(ddl) => self.ddl(ddl, plan, run).await,
            Statement::Rule(rule) => self.rule(rule, run).await,
            Statement::BadClause(e) => Err(Refusal::syntax(e).into()),
            Statement::Kill { query, id } => {
                self.kill(*id, *query)?;
                self.ok(more);
                Ok(())
            }
            Statement::ExplainShard(at) => self.explain_shard(*at, run),
            Statement::ServerAdmin(what) => Err(error(
                1235,
                "42000",
                format!(
                    "{what} is administration of one server; connect to the shard itself \
                     (SHOW SHARDS tells its address)"
                ),
            )),
            Statement::SqlPrepare(inner) => self.sql_prepare(inner.as_deref(), plan, run).await,
            Statement::ExecuteImmediate(inner) => {
                self.execute_immediate(inner.as_deref(), run).await
            }
            Statement::SqlExecute => self.sql_execute(plan, run).await,
            Statement::UnlockTables => self.unlock_tables(plan, run).await,
            Statement::LockTables => self.pinning(plan, run, |p| p.locked_tables = true).await,
            Statement::Handler => self.pinning(plan, run, |p| p.handler = true).await,
            _ => self.forwarded(plan, run).await,
        }
    }

    async fn forwarded(&mut self, plan: &CachedPlan, run: Run<'_>) -> Done {
        match &plan.plan {
            Plan::Route(route) => self.routed(route, plan, run).await,
            Plan::Refuse(r) => Err(r.clone().into()),
            Plan::Insert(i) => self.insert(i, plan, run).await,
        }
    }

    /// Forwards a statement after which the connection stays with the session.
    async fn pinning(&mut self, plan: &CachedPlan, run: Run<'_>, pin: fn(&mut Pins)) -> Done {
        let Plan::Route(RoutePlan {
            target: router::Target::Fixed(shard),
            ..
        }) = &plan.plan
        else {
            return self.forwarded(plan, run).await;
        };
        let index = self.acquire(*shard, false).await?;
        pin(&mut self.held[index].pins);
        self.run_alone(*shard, plan, run).await
    }

    async fn unlock_tables(&mut self, plan: &CachedPlan, run: Run<'_>) -> Done {
        let Some(i) = self.held.iter().position(|h| h.pins.locked_tables) else {
            self.ok(run.more);
            return Ok(());
        };
        self.held[i].pins.locked_tables = false;
        let shard = self.held[i].shard;
        self.run_alone(shard, plan, run).await
    }

    async fn show(&mut self, show: &Show, plan: &CachedPlan, run: Run<'_>) -> Done {
        let set = match show {
            Show::Shards => self.show_shards(),
            Show::ShardedTables => self.show_sharded_tables()?,
            Show::ProxySessions => self.show_sessions()?,
            Show::Grants { of } => self.show_grants(of.as_deref())?,
            Show::Databases => return self.show_databases(plan, run).await,
            Show::ProxyStatus => self.show_status(),
            Show::DdlJobs => self.show_jobs(),
            Show::ProcessList { full } => self.show_processlist(*full)?,
            Show::Diagnostics(asked) => {
                if run.lexed.tokens.len() > 6 {
                    return Err(error(
                        1235,
                        "42000",
                        "LIMIT is not supported for SHOW WARNINGS",
                    ));
                }
                self.show_diagnostics(*asked).await?
            }
            Show::Table { table } => {
                let db = table
                    .database
                    .clone()
                    .or_else(|| self.database.as_deref().map(Into::into));
                let Some(db) = db else {
                    return Err(Refusal::no_database().into());
                };
                let shard = self.shard_of_table(&db, &table.name)?;
                return self.run_alone(shard, plan, run).await;
            }
            Show::Database(db) => {
                return self.show_of_database(db.as_deref(), plan, run).await;
            }
            Show::Anywhere => {
                let shard = self.default_shard()?;
                return self.run_alone(shard, plan, run).await;
            }
            Show::OneServer(what) => {
                return Err(error(
                    1235,
                    "42000",
                    format!(
                        "SHOW {what} tells the state of one server; connect to the shard itself \
                         (SHOW SHARDS tells its address)"
                    ),
                ));
            }
        };
        self.answer(&set, run);
        Ok(())
    }

    /// Answers with a result that the proxy made.
    pub fn answer(&mut self, set: &ResultSet, run: Run<'_>) {
        self.found_rows = set.rows.len() as u64;
        self.row_count = -1;
        let (caps, status) = (self.io.capabilities, self.status() | run.more);
        self.io
            .put_packets(|out, seq| set.encode(out, seq, caps, status, run.format()));
    }

    fn show_shards(&self) -> ResultSet {
        let names = [
            "Shard",
            "Host",
            "Port",
            "State",
            "Version",
            "Connections",
            "Idle",
            "Waiting",
        ];
        let mut set = ResultSet::with_text_columns(&names);
        set.columns[2] = Column::number("Port", true);
        let counts = self.worker.pool_counts();
        let handles = self.worker.shared.shards();
        for shard in self.worker.catalog().shards.values() {
            let health = handles.get(&shard.name).map(|h| &h.health);
            let detail = health.map(|h| h.detail()).unwrap_or_default();
            let state = match health {
                None => "not configured".to_string(),
                Some(h) if h.is_down() => format!("down: {}", detail.error),
                Some(_) => "up".to_string(),
            };
            let (total, idle, waiting) = counts
                .iter()
                .find(|(s, _)| *s == shard.id)
                .map_or((0, 0, 0), |(_, c)| *c);
            set.row([
                shard.name.clone(),
                shard.host.clone(),
                shard.port.to_string(),
                state,
                detail.version,
                total.to_string(),
                idle.to_string(),
                waiting.to_string(),
            ]);
        }
        set
    }

    fn show_sharded_tables(&self) -> Result<ResultSet, Stop> {
        let names = [
            "Database",
            "Table",
            "Kind",
            "Key",
            "Partitions",
            "Group",
            "Shards",
            "Auto_increment",
        ];
        let mut set = ResultSet::with_text_columns(&names);
        let catalog = self.worker.catalog();
        for t in catalog.tables.values() {
            if !self.sees(&t.name.database)? {
                continue;
            }
            let (kind, key, shards) = placement_text(&catalog, &t.placement);
            let sharding = t.sharding();
            let auto = t
                .auto_increment
                .as_ref()
                .map(|a| a.column.clone())
                .unwrap_or_default();
            set.row([
                t.name.database.clone(),
                t.name.table.clone(),
                kind,
                key,
                sharding.map_or("1".to_string(), |s| s.function.partitions().to_string()),
                sharding.map_or(String::new(), |s| s.group.0.to_string()),
                shards,
                auto,
            ]);
        }
        Ok(set)
    }

    fn show_processlist(&self, full: bool) -> Result<ResultSet, Stop> {
        let names = [
            "Id", "User", "Host", "db", "Command", "Time", "State", "Info",
        ];
        let mut set = ResultSet::with_text_columns(&names);
        set.columns[0] = Column::number("Id", false);
        set.columns[5] = Column::number("Time", false);
        for r in self.visible_sessions()? {
            let cut = |s: String| {
                if full {
                    s
                } else {
                    s.chars().take(100).collect()
                }
            };
            let database = Some(r.database).filter(|d| !d.is_empty());
            set.rows.push(vec![
                Some(r.id.to_string()),
                Some(r.user),
                Some(r.host),
                database,
                Some(r.command.to_string()),
                Some(r.seconds.to_string()),
                Some(String::new()),
                r.statement.map(cut),
            ]);
        }
        Ok(set)
    }

    fn show_sessions(&self) -> Result<ResultSet, Stop> {
        let names = [
            "Id",
            "User",
            "Host",
            "Database",
            "Worker",
            "Command",
            "Time",
            "Transaction",
            "Pinned",
        ];
        let mut set = ResultSet::with_text_columns(&names);
        set.columns[0] = Column::number("Id", false);
        for r in self.visible_sessions()? {
            set.row([
                r.id.to_string(),
                r.user,
                r.host,
                r.database,
                r.worker.to_string(),
                r.command.to_string(),
                r.seconds.to_string(),
                if r.in_transaction {
                    "open".to_string()
                } else {
                    String::new()
                },
                r.pins,
            ]);
        }
        Ok(set)
    }

    fn show_status(&self) -> ResultSet {
        let mut set = ResultSet::with_text_columns(&["Name", "Value", "Meaning"]);
        for (name, meaning, value) in self.worker.shared.metrics.all() {
            set.row([name.to_string(), value.to_string(), meaning.to_string()]);
        }
        set
    }

    fn show_jobs(&self) -> ResultSet {
        let mut set =
            ResultSet::with_text_columns(&["Job", "Objects", "Statement", "Shard", "Progress"]);
        let catalog = self.worker.catalog();
        for job in catalog.jobs.values() {
            for (shard, progress) in &job.shards {
                let objects: Vec<_> = job.objects.iter().map(|o| o.to_string()).collect();
                let progress = match progress {
                    catalog::ShardProgress::Pending => "pending".to_string(),
                    catalog::ShardProgress::Done => "done".to_string(),
                    catalog::ShardProgress::Failed(why) => format!("failed: {why}"),
                };
                set.row([
                    job.id.0.to_string(),
                    objects.join(", "),
                    job.statement.clone(),
                    catalog.shard_name(*shard).to_string(),
                    progress,
                ]);
            }
        }
        set
    }

    fn explain_shard(&mut self, at: usize, run: Run<'_>) -> Done {
        let start = run
            .lexed
            .tokens
            .get(at)
            .map_or(run.text.len(), |t| t.start as usize);
        let text = &run.text[start..];
        let mut lexed = Lexed::default();
        lexed
            .read(text, self.mode, self.worker.flavor.get())
            .map_err(Refusal::syntax)?;
        let statement = classify(text, &lexed, self.mode);
        let mut set = ResultSet::with_text_columns(&["Item", "Value"]);
        if self.is_local(&statement) {
            set.row([
                "kind",
                "answered by the proxy or run as a job on every shard concerned",
            ]);
        } else {
            let catalog = self.worker.catalog();
            let ctx = self.plan_context(&catalog);
            let plan = router::plan(ctx, text, &lexed, &statement);
            let params: &[ParamRef<'_>] = run.bound.map_or(&[], |b| &b.refs);
            let args = self.args(text, &lexed.tokens, params);
            for (k, v) in explain(&catalog, &plan, &args) {
                set.row([k, v]);
            }
        }
        self.answer(&set, run);
        Ok(())
    }

    /// A statement with FOUND_ROWS(), USER() and the like: their values take the functions' places.
    pub async fn with_session_values(
        &mut self,
        route: &RoutePlan,
        plan: &CachedPlan,
        run: Run<'_>,
    ) -> Done {
        let text = self.replace_session_functions(run.text, &run.lexed.tokens);
        let mut lexed = Lexed::default();
        lexed
            .read(&text, self.mode, self.worker.flavor.get())
            .map_err(Refusal::syntax)?;
        let mut traits = plan.traits;
        (traits.session_values, traits.diagnostics) = (false, false);
        let found = {
            let catalog = self.worker.catalog();
            let args = self.args(
                run.text,
                &run.lexed.tokens,
                run.bound.map_or(&[], |b| &b.refs),
            );
            route.route(&catalog, &args)?
        };
        let shard = match found {
            router::Route::One(s) => s,
            router::Route::Any => self.any_shard(),
            _ => {
                let text = "session functions such as USER() in a statement on a table with rows \
                            on several shards are not supported yet; read the value first";
                return Err(error(1235, "42000", text));
            }
        };
        let request = match run.bound {
            None => crate::request::Request::Query(text.into()),
            Some(b) => {
                let key = self.statement_key(&text, self.database.as_ref());
                b.request_with(text, key)
            }
        };
        let options = RelayOptions {
            status_set: run.more,
            ..Default::default()
        };
        self.run_exclusive(shard, &request, traits, options, None)
            .await?;
        Ok(())
    }

    /// An INSERT by rows with USER() and the like: planned again with their values.
    pub async fn insert_session_values(&mut self, run: Run<'_>) -> Done {
        if run.bound.is_some() {
            let text = "USER(), ROW_COUNT() and other session functions are not supported in a prepared \
                        INSERT into a table with rows on several shards; pass the value as a parameter";
            return Err(error(1295, "HY000", text));
        }
        let text = self.replace_session_functions(run.text, &run.lexed.tokens);
        let mut lexed = Lexed::default();
        lexed
            .read(&text, self.mode, self.worker.flavor.get())
            .map_err(Refusal::syntax)?;
        let plan = self.plan(&text, &mut lexed);
        let run = Run {
            text: &text,
            lexed: &lexed,
            ..run
        };
        match &plan.plan {
            Plan::Insert(insert) if !plan.traits.of_session() => {
                self.insert(insert, &plan, run).await
            }
            Plan::Refuse(r) => Err(r.clone().into()),
            _ => Err(error(
                1235,
                "42000",
                "this session function is not supported in an INSERT into a table with rows on several \
                 shards; read its value first",
            )),
        }
    }

    /// The text with the values of session functions in their places.
    pub fn replace_session_functions(&self, text: &[u8], tokens: &[Token]) -> Vec<u8> {
        let mut splices = Splices::default();
        let mut depth = 0usize;
        for (i, t) in tokens.iter().enumerate() {
            match t.kind {
                TokenKind::Op(Op::LParen) => depth += 1,
                TokenKind::Op(Op::RParen) => depth = depth.saturating_sub(1),
                _ => {}
            }
            let called = |n: usize, op| {
                tokens
                    .get(i + n)
                    .is_some_and(|t| t.kind == TokenKind::Op(op))
            };
            let is_call = called(1, Op::LParen) && called(2, Op::RParen);
            let Some(value) = self.session_value(&text[t.range()], t.kind, is_call) else {
                continue;
            };
            let last = if is_call { i + 2 } else { i };
            let range = t.start as usize..tokens[last].end as usize;
            // The column keeps the name that it would have had.
            let opens = i > 0 && {
                let before = tokens[i - 1];
                before.kind == TokenKind::Op(Op::Comma)
                    || router::traits::is_word(text, before, b"SELECT")
            };
            let closes = tokens.get(last + 1).is_none_or(|n| {
                matches!(n.kind, TokenKind::Op(Op::Comma | Op::Semicolon))
                    || router::traits::is_word(text, *n, b"FROM")
                    || router::traits::is_word(text, *n, b"LIMIT")
            });
            let name = String::from_utf8_lossy(&text[range.clone()]).into_owned();
            let with = match depth == 0 && opens && closes {
                true => format!("{value} AS {}", sql::ident::quote_name(&name)),
                false => value,
            };
            splices.replace(range, with);
        }
        splices.apply(text)
    }

    fn session_value(&self, word: &[u8], kind: TokenKind, is_call: bool) -> Option<String> {
        let name = String::from_utf8_lossy(word).to_ascii_uppercase();
        if kind == TokenKind::SysVar {
            let last = name
                .rsplit(['.', '@'])
                .next()
                .unwrap_or_default()
                .to_string();
            return match last.as_str() {
                "WARNING_COUNT" | "ERROR_COUNT" => Some(self.diagnostics.count().to_string()),
                "PSEUDO_THREAD_ID" => Some(self.info.id.to_string()),
                _ => None,
            };
        }
        if kind != TokenKind::Word {
            return None;
        }
        let host = self.info.host.rsplit_once(':').map_or("%", |(h, _)| h);
        let quote = |s: String| sql::ident::quote_string(&s, self.mode.no_backslash_escapes);
        match name.as_str() {
            "CURRENT_USER" => Some(quote(format!("{}@%", self.user.name))),
            _ if !is_call => None,
            // Written so that the values keep the functions' types: BIGINT, and INT UNSIGNED.
            "FOUND_ROWS" => Some(format!("COALESCE({}, {BIG})", self.found_rows)),
            "ROW_COUNT" => Some(format!("COALESCE({}, {BIG})", self.row_count)),
            "CONNECTION_ID" => Some(format!("CAST({} AS UNSIGNED)", self.info.id)),
            "USER" | "SESSION_USER" | "SYSTEM_USER" => {
                Some(quote(format!("{}@{host}", self.user.name)))
            }
            _ => None,
        }
    }
}
