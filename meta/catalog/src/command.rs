//! Changes of the catalog: typed, checked, deterministic.

mod apply;

use crate::definition::TableDefinition;
use crate::job::{Effect, JobId, NewJob, ShardProgress};
use crate::model::*;
use crate::user::{Rights, Verifiers};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A new shard, or a new address of one with this name.
    PutShard {
        /// Name.
        name: String,
        /// Host of its primary.
        host: String,
        /// Port of its primary.
        port: u16,
    },
    /// No new single tables or databases are placed on the shard; what is there stays served.
    DisableShard {
        /// The shard.
        name: String,
        /// False takes it back.
        disabled: bool,
    },
    /// A rule for a table that does not exist yet.
    PutRule {
        /// The table.
        table: TableName,
        /// The rule.
        rule: PendingRule,
    },
    /// The rule is not wanted any more.
    DropRule {
        /// The table.
        table: TableName,
    },
    /// A job starts. Its number is the new catalog's `last_id`.
    StartJob(NewJob),
    /// A shard answered.
    Progress {
        /// The job.
        job: JobId,
        /// The shard.
        shard: ShardId,
        /// How far it is there.
        progress: ShardProgress,
    },
    /// Every shard is done: the job ends and the catalog changes.
    FinishJob {
        /// The job.
        job: JobId,
        /// What changes. Zero ids of tables and groups are given out here.
        effect: Effect,
    },
    /// The job is given up; nothing changes in the catalog.
    AbandonJob {
        /// The job.
        job: JobId,
    },
    /// What tables are made of, as their shards have them now; all of them or none.
    SetDefinitions {
        /// The tables, each once.
        tables: Vec<Redefined>,
    },
    /// A new user of the cluster, without any right.
    CreateUser {
        /// The name.
        name: String,
        /// What its password is checked against.
        password: Verifiers,
    },
    /// Another password for a user.
    SetPassword {
        /// The user.
        name: String,
        /// What it is checked against.
        password: Verifiers,
    },
    /// The user may not log in any more.
    DropUser {
        /// The user.
        name: String,
    },
    /// A user gets rights on a database.
    Grant {
        /// The user.
        name: String,
        /// The database, or `*` for all.
        database: String,
        /// The rights.
        rights: Rights,
    },
    /// A user loses rights on a database.
    Revoke {
        /// The user.
        name: String,
        /// The database, or `*` for what was granted on all.
        database: String,
        /// The rights.
        rights: Rights,
    },
}

/// A table that was read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redefined {
    /// Its name.
    pub table: TableName,
    /// What it is made of.
    pub definition: Arc<TableDefinition>,
    /// See [`Table::auto_increment`].
    pub auto_increment: Option<AutoIncrement>,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Rejected {
    /// Somebody else changed the catalog in between.
    #[error("the catalog is at epoch {now}, the change expected {expected}")]
    Epoch {
        /// What the change expected.
        expected: u64,
        /// What it is.
        now: u64,
    },
    /// The object is not there.
    #[error("{0} does not exist")]
    Missing(String),
    /// The object is there already.
    #[error("{0} exists already")]
    Exists(String),
    /// Another job works on the object.
    #[error("DDL job {0} still works on {1}: {2}")]
    Busy(u64, String, String),
    /// The job did not reach every shard.
    #[error("DDL job {0} is not done on every shard")]
    Unfinished(u64),
    /// The change makes no sense.
    #[error("{0}")]
    Invalid(String),
}

impl Command {
    /// The change for the audit; `None` for steps of a job.
    pub fn audit_text(&self) -> Option<String> {
        Some(match self {
            Command::PutShard { name, host, port } => format!("shard {name} is {host}:{port}"),
            Command::DisableShard {
                name,
                disabled: true,
            } => format!("shard {name} is disabled"),
            Command::DisableShard { name, .. } => format!("shard {name} is enabled"),
            Command::PutRule { table, rule } => format!("rule for {table}: {}", rule.clause),
            Command::DropRule { table } => format!("the rule for {table} is dropped"),
            Command::StartJob(new) => new.statement_text(),
            Command::AbandonJob { job } => format!("DDL job {} is given up", job.0),
            Command::CreateUser { name, .. } => format!("user {name} is created"),
            Command::SetPassword { name, .. } => format!("user {name} has another password"),
            Command::DropUser { name } => format!("user {name} is dropped"),
            Command::Grant {
                name,
                database,
                rights,
            } => format!("user {name} may {rights} on {database}"),
            Command::Revoke {
                name,
                database,
                rights,
            } => format!("user {name} may no longer {rights} on {database}"),
            Command::SetDefinitions { tables } => {
                let names: Vec<_> = tables.iter().map(|t| t.table.to_string()).collect();
                format!("taken over as the shards have it: {}", names.join(", "))
            }
            Command::Progress { .. } | Command::FinishJob { .. } => return None,
        })
    }

    /// True if versions that read shape 1 of the catalog know it; they get the whole catalog instead of
    /// others.
    pub fn is_in_shape_1(&self) -> bool {
        !matches!(self, Command::SetDefinitions { .. })
    }
}

#[cfg(test)]
mod tests;
