//! Dynamic SQL: PREPARE and EXECUTE IMMEDIATE as statements.

use crate::plans::CachedPlan;
use crate::session::{Done, Session, Stop, error};
use crate::statement::Run;
use router::traits::is_word;
use router::{Plan, Refusal, Route, Target};
use sql::ident::name_of;
use sql::{Lexed, Op, Statement, Token, TokenKind, classify};

/// The statement name that stands at a token; names ignore case.
fn prepared_name(run: Run<'_>, at: usize) -> Option<String> {
    let token = run.lexed.tokens.get(at)?;
    Some(name_of(run.text, *token)?.to_lowercase())
}

impl Session {
    fn lex_inner(&self, text: &str) -> Result<Lexed, Stop> {
        let flavor = self.worker.flavor.get();
        Ok(Lexed::new(text.as_bytes(), self.mode, flavor).map_err(Refusal::syntax)?)
    }

    /// The text that PREPARE ... FROM @variable or EXECUTE IMMEDIATE @variable means.
    async fn text_in_variable(&mut self, run: Run<'_>) -> Result<String, Stop> {
        let tokens = &run.lexed.tokens;
        let end = tokens
            .iter()
            .rposition(|t| t.kind != TokenKind::Op(Op::Semicolon));
        let last = end.and_then(|i| Some((tokens.get(i.checked_sub(1)?)?, tokens.get(i)?)));
        let names_text = |t: &Token| {
            [&b"FROM"[..], b"IMMEDIATE"]
                .iter()
                .any(|w| is_word(run.text, *t, w))
        };
        let variable =
            last.filter(|(before, t)| t.kind == TokenKind::UserVar && names_text(before));
        let Some((_, variable)) = variable else {
            let text = "a prepared text is given as a string or in a user variable, and EXECUTE IMMEDIATE \
                        takes no USING";
            return Err(error(1235, "42000", text));
        };
        let name = String::from_utf8_lossy(&run.text[variable.range()]).into_owned();
        let shard = match self.held.iter().find(|h| !h.pins.is_empty()) {
            // What was assigned inside a statement is known there alone.
            Some(h) => h.shard,
            None => self.default_shard()?,
        };
        let index = self.acquire(shard, true).await?;
        let conn = self.held[index].lease.conn()?;
        let answer = conn.run(&format!("SELECT {name}")).await?;
        let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
        self.drop_idle();
        let text = rows.into_iter().next().and_then(|r| r.into_iter().next());
        let text = text.filter(|t| !t.is_empty());
        text.ok_or_else(|| Refusal::syntax(format!("{name} holds no statement")).into())
    }

    /// SET STATEMENT variable = value FOR statement: sent as it is to the one shard that the statement is
    /// for.
    pub async fn set_statement(&mut self, at: usize, run: Run<'_>) -> Done {
        let only = |what: &str| {
            let text = format!(
                "SET STATEMENT ... FOR is supported for {what}; SET the variable, run the statement, and \
                 SET it back"
            );
            error(1235, "42000", text)
        };
        let start = run
            .lexed
            .tokens
            .get(at)
            .map_or(run.text.len(), |t| t.start as usize);
        let inner = String::from_utf8_lossy(&run.text[start..]).into_owned();
        // What text means must be the same here and there.
        let reading = ["sql_mode", "character_set_client", "collation_connection"];
        let head = run.lexed.tokens.iter().take(at);
        let names = head.filter_map(|t| name_of(run.text, *t));
        let changes_reading = names
            .into_iter()
            .any(|n| reading.iter().any(|r| n.eq_ignore_ascii_case(r)));
        if changes_reading {
            return Err(only("variables that do not change how a statement is read"));
        }
        let mut lexed = self.lex_inner(&inner)?;
        self.authorize_text(inner.as_bytes(), &lexed)?;
        let plan = self.plan(inner.as_bytes(), &mut lexed);
        let route = match (&plan.plan, &plan.statement) {
            (Plan::Route(route), Statement::Query | Statement::Update | Statement::Delete) => route,
            (Plan::Route(route), Statement::Insert(_)) => route,
            (Plan::Refuse(r), _) => return Err(r.clone().into()),
            _ => return Err(only("SELECT, and for changes of tables on one shard")),
        };
        if run.bound.is_some() || plan.traits.of_session() || !self.worker.flavor.get().mariadb {
            return Err(only(
                "plain statements without session functions, over MariaDB",
            ));
        }
        let found = {
            let catalog = self.worker.catalog();
            let args = self.args(inner.as_bytes(), &lexed.tokens, &[]);
            route.route(&catalog, &args)?
        };
        let shard = match found {
            Route::One(shard) => shard,
            Route::Any => self.any_shard(),
            _ => return Err(only("statements on one shard")),
        };
        self.run_alone(shard, &plan, run).await
    }

    /// PREPARE name FROM 'text': the connection that knows it stays with the session.
    /// Without a text it is in a user variable.
    pub async fn sql_prepare(
        &mut self,
        inner: Option<&str>,
        plan: &CachedPlan,
        run: Run<'_>,
    ) -> Done {
        let inner = match inner {
            Some(text) => text.to_string(),
            None => self.text_in_variable(run).await?,
        };
        let inner = inner.as_str();
        let lexed = self.lex_inner(inner)?;
        self.authorize_text(inner.as_bytes(), &lexed)?;
        let (text, catalog) = (inner.as_bytes(), self.worker.catalog());
        let inner = classify(text, &lexed, self.mode);
        let by_proxy = matches!(
            inner,
            Statement::Ddl(_)
                | Statement::Rule(_)
                | Statement::Transaction(_)
                | Statement::Use(_)
                | Statement::Kill { .. }
        );
        if by_proxy {
            let text = "PREPARE as an SQL statement is not supported for what the proxy itself does; use \
                        EXECUTE IMMEDIATE, or send the statement";
            return Err(error(1295, "HY000", text));
        }
        let home = match &router::plan(self.plan_context(&catalog), text, &lexed, &inner) {
            Plan::Refuse(r) => return Err(r.clone().into()),
            Plan::Insert(_) => None,
            Plan::Route(r) => match &r.target {
                Target::Fixed(shard) => Some(*shard),
                // What a parameter says is not known yet, and a later USE must not change what the
                // statement would have to ask: neither can lead anywhere.
                Target::Schema(need) if !need.follows_database() => {
                    Some(need.shard(&catalog, &self.args(text, &lexed.tokens, &[]))?)
                }
                _ => None,
            },
        };
        let Some(shard) = home else {
            let text = "PREPARE as an SQL statement is not supported on tables with rows on several \
                        shards; use the driver's prepared statements";
            return Err(error(1235, "42000", text));
        };
        // The name means the new text from here on, wherever it was known before.
        let name = self.forget_prepared(run, 1);
        let known: usize = self.held.iter().map(|h| h.prepared_names.len()).sum();
        let max = self.worker.shared.config.prepared_per_session_max;
        if known >= max {
            let text = format!(
                "Can't create more than prepared_per_session_max statements (current value: {max})"
            );
            return Err(error(1461, "42000", text));
        }
        let index = self.acquire(shard, true).await?;
        self.held[index].pins.sql_prepare = true;
        self.held[index].prepared_names.extend(name);
        self.run_alone(shard, plan, run).await
    }

    /// EXECUTE name, DEALLOCATE PREPARE name, DROP PREPARE name: on the connection that knows it.
    pub async fn sql_execute(&mut self, plan: &CachedPlan, run: Run<'_>) -> Done {
        let tokens = &run.lexed.tokens;
        let executes = tokens
            .first()
            .is_some_and(|t| is_word(run.text, *t, b"EXECUTE"));
        let name = prepared_name(run, if executes { 1 } else { 2 });
        let knows = |h: &&crate::transaction::Held| {
            name.as_ref().is_some_and(|n| h.prepared_names.contains(n))
        };
        let shard = match self.held.iter().find(knows) {
            Some(h) => h.shard,
            None => {
                let shown = name.unwrap_or_default();
                let what = if executes {
                    "EXECUTE"
                } else {
                    "DEALLOCATE PREPARE"
                };
                let text = format!("Unknown prepared statement handler ({shown}) given to {what}");
                return Err(error(1243, "HY000", text));
            }
        };
        if !executes {
            self.forget_prepared(run, 2);
        }
        self.run_alone(shard, plan, run).await
    }

    /// No connection is asked for this name any more.
    fn forget_prepared(&mut self, run: Run<'_>, at: usize) -> Option<String> {
        let name = prepared_name(run, at);
        for held in &mut self.held {
            held.prepared_names.retain(|n| Some(n) != name.as_ref());
        }
        name
    }

    /// Runs the text as if it had been sent, so that it is routed like any other.
    pub async fn execute_immediate(&mut self, inner: Option<&str>, run: Run<'_>) -> Done {
        let inner = match inner {
            Some(text) => text.to_string(),
            None => self.text_in_variable(run).await?,
        };
        let inner = inner.as_str();
        let mut lexed = self.lex_inner(inner)?;
        let text = inner.as_bytes();
        let statement = classify(text, &lexed, self.mode);
        let nested = matches!(
            statement,
            Statement::ExecuteImmediate(_) | Statement::SqlPrepare(_) | Statement::SqlExecute
        );
        let single = sql::split::statements(text, &lexed.tokens).len() == 1;
        if nested || !single || !self.worker.flavor.get().mariadb || run.bound.is_some() {
            let text = "This command is not supported in the prepared statement protocol yet";
            return Err(error(1295, "HY000", text));
        }
        let plan = self.plan(text, &mut lexed);
        let run = Run {
            text,
            lexed: &lexed,
            ..run
        };
        Box::pin(self.run_statement(&plan, run)).await
    }
}
