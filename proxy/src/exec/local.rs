//! Statements that the proxy does by itself.

use super::{Run, dynamic, lock_tables, set, transaction};
use crate::session::{Done, Outcome, Session};
use crate::{command, ddl, show};
use router::Local;
use wire::reply::OkPacket;

/// Runs one.
pub(super) async fn run(s: &mut Session, local: &Local, run: Run<'_>) -> Done {
    match local {
        Local::Comment => {
            s.put_ok(OkPacket::default(), run.more);
            Ok(Outcome::nothing())
        }
        Local::Flush => {
            transaction::commit_all(s).await?;
            s.put_ok(OkPacket::default(), run.more);
            Ok(Outcome::nothing())
        }
        Local::Transaction(t) => transaction::run(s, t, run).await,
        Local::Set(list) => set::run(s, list, run).await,
        Local::SetStatement(at) => dynamic::set_statement(s, *at, run).await,
        Local::Use(database) => {
            s.client.use_database(&s.worker, database)?;
            s.put_ok_with_database(run.more);
            Ok(Outcome::quiet())
        }
        Local::Kill { query, id } => {
            command::kill(s, *id, *query).await?;
            s.put_ok(OkPacket::default(), run.more);
            Ok(Outcome::quiet())
        }
        Local::LockTables(lock) => lock_tables::lock(s, lock, run).await,
        Local::UnlockTables => lock_tables::unlock(s, run).await,
        Local::Account(statement) => ddl::account::run(s, statement, run).await,
        Local::Rule(rule) => ddl::rule(s, rule, run).await,
        Local::Prepare(text) => dynamic::prepare(s, text.as_deref(), run).await,
        Local::ExecutePrepared => dynamic::execute_prepared(s, run).await,
        Local::ExecuteImmediate(text) => dynamic::execute_immediate(s, text.as_deref(), run).await,
        Local::ExplainShard(at) => show::plan::run(s, *at, run),
        Local::ShowShards => Ok(show::answer(s, &show::shards::rows(s), run)),
        Local::ShowShardedTables => {
            let set = show::sharded_tables::rows(s, run.catalog)?;
            Ok(show::answer(s, &set, run))
        }
        Local::ShowProxySessions => show::sessions::run(s, run).await,
        Local::ShowProcessList { full } => show::processlist::run(s, *full, run).await,
        Local::ShowProxyStatus => Ok(show::answer(s, &show::status::rows(s), run)),
        Local::ShowUnsupported => Ok(show::answer(s, &show::unsupported::rows(), run)),
        Local::ShowDdlJobs => Ok(show::answer(s, &show::jobs::rows(run.catalog), run)),
        Local::ShowGrants { of } => {
            let set = show::grants::rows(s, run.catalog, of.as_deref())?;
            Ok(show::answer(s, &set, run))
        }
        Local::ShowDiagnostics(asked) => show::diagnostics::run(s, *asked, run).await,
    }
}
