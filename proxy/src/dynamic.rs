//! Dynamic SQL: PREPARE and EXECUTE IMMEDIATE as statements.

use crate::plans::CachedPlan;
use crate::session::{Done, Session, Stop, error};
use crate::statement::Run;
use router::Refusal;
use router::names::{Common, named};
use sql::{Lexed, Statement, classify};

impl Session {
    fn lex_inner(&self, text: &str) -> Result<Lexed, Stop> {
        let flavor = self.worker.flavor.get();
        Ok(Lexed::new(text.as_bytes(), self.mode, flavor).map_err(Refusal::syntax)?)
    }

    /// PREPARE name FROM 'text': the connection that knows it stays with the session.
    pub async fn sql_prepare(&mut self, inner: &str, plan: &CachedPlan, run: Run<'_>) -> Done {
        let lexed = self.lex_inner(inner)?;
        self.authorize_text(inner.as_bytes(), &lexed)?;
        let catalog = self.worker.catalog();
        let database = self.database.as_deref();
        let shard = match named(&catalog, database, inner.as_bytes(), &lexed.tokens).common() {
            Common::Nothing => self.default_shard()?,
            Common::OneShard(s) => s,
            _ => {
                let text = "PREPARE as an SQL statement is not supported on tables with rows on \
                            several shards; use the driver's prepared statements";
                return Err(error(1235, "42000", text));
            }
        };
        let index = self.acquire(shard, true).await?;
        self.held[index].pins.sql_prepare = true;
        self.run_alone(shard, plan, run).await
    }

    /// Runs the text as if it had been sent, so that it is routed like any other.
    pub async fn execute_immediate(&mut self, inner: &str, run: Run<'_>) -> Done {
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
