//! What the proxy does by itself: session state, transactions, and statements about other statements.

use crate::Refusal;
use crate::plan::Plan;
use errors::AdminError;
use sql::Statement;
use sql::account::AccountStatement;
use sql::lock::LockTables;
use sql::set::{Assignment, Set};
use sql::shard_by::RuleStatement;
use sql::show::{Diagnostics, Show};
use sql::transaction::Transaction;

/// A statement that no shard sees as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// Nothing but comments.
    Comment,
    /// FLUSH of what is kept up to date anyhow: it commits, as on a server.
    Flush,
    /// Transaction control: branches end together.
    Transaction(Transaction),
    /// SET of session and user variables.
    Set(Vec<Assignment>),
    /// SET STATEMENT ... FOR statement; token index of the statement.
    SetStatement(usize),
    /// USE.
    Use(String),
    /// KILL of a session of the proxies.
    Kill {
        /// Only the running statement.
        query: bool,
        /// The session.
        id: u64,
    },
    /// EXPLAIN SHARD; token index of the statement.
    ExplainShard(usize),
    /// LOCK TABLES, on every shard that has one of them.
    LockTables(LockTables),
    /// UNLOCK TABLES, on the connection that holds the locks.
    UnlockTables,
    /// CREATE / DROP SHARDING RULE, CANCEL DDL JOB.
    Rule(RuleStatement),
    /// CREATE USER, GRANT and the like.
    Account(AccountStatement),
    /// PREPARE; the text if it is a literal.
    Prepare(Option<String>),
    /// EXECUTE, DEALLOCATE PREPARE: on the connection that knows the name.
    ExecutePrepared,
    /// EXECUTE IMMEDIATE; the text if it is a literal.
    ExecuteImmediate(Option<String>),
    /// SHOW SHARDS.
    ShowShards,
    /// SHOW SHARDED TABLES.
    ShowShardedTables,
    /// SHOW PROXY SESSIONS.
    ShowProxySessions,
    /// SHOW PROXY STATUS.
    ShowProxyStatus,
    /// SHOW DDL JOBS.
    ShowDdlJobs,
    /// SHOW UNSUPPORTED.
    ShowUnsupported,
    /// SHOW PROCESSLIST.
    ShowProcessList {
        /// Statements are not cut.
        full: bool,
    },
    /// SHOW GRANTS.
    ShowGrants {
        /// Of another user than the session's.
        of: Option<String>,
    },
    /// SHOW WARNINGS, SHOW ERRORS and their counts.
    ShowDiagnostics(Diagnostics),
}

impl Local {
    /// What it does, in a few words for EXPLAIN SHARD.
    pub fn describe(&self) -> String {
        use Transaction::*;
        match self {
            Local::Comment => "nothing: only comments".into(),
            Local::Flush => "commit; nothing is to be flushed".into(),
            Local::Transaction(Begin { .. }) => {
                "begin: branches open at their first statement".into()
            }
            Local::Transaction(Commit(_)) => "commit every branch of the transaction".into(),
            Local::Transaction(Rollback(_)) => "roll every branch of the transaction back".into(),
            Local::Transaction(Savepoint(name)) => format!("savepoint {name} on every branch"),
            Local::Transaction(RollbackTo(name)) => {
                format!("back to savepoint {name} on every branch")
            }
            Local::Transaction(Release(name)) => {
                format!("release savepoint {name} on every branch")
            }
            Local::Transaction(Xa) => "XA".into(),
            Local::Set(list) => format!("set {} of the session", assigned(list)),
            Local::SetStatement(_) => {
                "set variables for one statement, on the shard it is for".into()
            }
            Local::Use(database) => format!("make {database} the current database"),
            Local::Kill { query: true, id } => format!("end the statement of session {id}"),
            Local::Kill { query: false, id } => format!("end session {id}"),
            Local::ExplainShard(_) => "show a plan".into(),
            Local::LockTables(lock) => {
                let names = lock.tables.iter().map(|t| t.table.to_string());
                let names = names.collect::<Vec<_>>().join(", ");
                format!("lock {names}, each where it lives, until UNLOCK TABLES")
            }
            Local::UnlockTables => {
                "unlock the tables, on the connection that holds the locks".into()
            }
            Local::Rule(RuleStatement::Create { table, .. }) => {
                format!("put the sharding rule of {table} into the catalog")
            }
            Local::Rule(RuleStatement::Drop { table }) => {
                format!("take the sharding rule of {table} out of the catalog")
            }
            Local::Rule(RuleStatement::CancelJob { id }) => format!("give DDL job {id} up"),
            Local::Account(_) => "change the catalog's users".into(),
            Local::Prepare(_) => "prepare a text, on the shard it is for".into(),
            Local::ExecutePrepared => {
                "execute or drop, on the connection that knows the name".into()
            }
            Local::ExecuteImmediate(_) => "plan and run a text".into(),
            Local::ShowUnsupported => "answer from the error catalogue".to_string(),
            Local::ShowShards | Local::ShowShardedTables | Local::ShowDdlJobs => {
                "answer from the catalog".into()
            }
            Local::ShowGrants { .. } => "answer from the catalog's users".into(),
            Local::ShowProxySessions | Local::ShowProcessList { .. } => {
                "answer from the proxies' sessions".into()
            }
            Local::ShowProxyStatus => "answer from the proxy's counters".into(),
            Local::ShowDiagnostics(_) => "answer from the session's diagnostics".into(),
        }
    }
}

fn assigned(list: &[Assignment]) -> String {
    use sql::set::SetTarget;
    let names = list.iter().map(|a| match &a.target {
        SetTarget::UserVariable(name) => format!("@{name}"),
        SetTarget::Session(name) => name.clone(),
        SetTarget::Names { .. } => "NAMES".into(),
        SetTarget::CharacterSet(_) => "CHARACTER SET".into(),
        SetTarget::Transaction { session: true, .. } => "TRANSACTION".into(),
        SetTarget::Transaction { session: false, .. } => "the next TRANSACTION".into(),
    });
    names.collect::<Vec<_>>().join(", ")
}

pub(super) fn lock_tables(lock: LockTables) -> Plan {
    plan(Local::LockTables(lock))
}

/// SET, where it is the session's own.
pub(super) fn set(set: &Set) -> Result<Plan, Refusal> {
    match set {
        Set::Session(list) => Ok(plan(Local::Set(list.clone()))),
        Set::Statement(at) => Ok(plan(Local::SetStatement(*at))),
        Set::Global => Err(super::server::set_global()),
    }
}

/// Statements that are local by their kind alone.
pub(super) fn of(statement: &Statement) -> Plan {
    match statement {
        Statement::Empty => plan(Local::Comment),
        Statement::Flush => plan(Local::Flush),
        Statement::Transaction(t) if *t == Transaction::Xa => Plan::Refuse(super::server::xa()),
        Statement::Transaction(t) => plan(Local::Transaction(t.clone())),
        Statement::Use(database) => plan(Local::Use(database.clone())),
        Statement::Kill { query, id } => plan(Local::Kill {
            query: *query,
            id: *id,
        }),
        Statement::ExplainShard(at) => plan(Local::ExplainShard(*at)),
        Statement::UnlockTables => plan(Local::UnlockTables),
        Statement::Account(account) => plan(Local::Account((**account).clone())),
        Statement::Rule(rule) => plan(Local::Rule((**rule).clone())),
        Statement::SqlPrepare(text) => plan(Local::Prepare(text.clone())),
        Statement::SqlExecute => plan(Local::ExecutePrepared),
        Statement::ExecuteImmediate(text) => plan(Local::ExecuteImmediate(text.clone())),
        _ => Plan::Refuse(AdminError::UnknownStatement.into()),
    }
}

/// SHOW statements that the proxy answers.
pub(super) fn show(show: &Show) -> Option<Plan> {
    Some(plan(match show {
        Show::Shards => Local::ShowShards,
        Show::ShardedTables => Local::ShowShardedTables,
        Show::ProxySessions => Local::ShowProxySessions,
        Show::ProxyStatus => Local::ShowProxyStatus,
        Show::DdlJobs => Local::ShowDdlJobs,
        Show::Unsupported => Local::ShowUnsupported,
        Show::ProcessList { full } => Local::ShowProcessList { full: *full },
        Show::Grants { of } => Local::ShowGrants { of: of.clone() },
        Show::Diagnostics(asked) => Local::ShowDiagnostics(*asked),
        _ => return None,
    }))
}

fn plan(local: Local) -> Plan {
    Plan::Local(Box::new(local))
}
