//! DDL jobs: one statement, sent to every shard concerned, resumable.

use crate::model::{ShardId, Table, TableName};
use crate::record::TableRecord;
use serde::{Deserialize, Serialize};

/// Number of a job, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(pub u64);

/// How far a job is on one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShardProgress {
    /// Not sent yet, or its answer is not known.
    Pending,
    /// Carried out.
    Done,
    /// Refused by the shard, with its words.
    Failed(String),
}

/// What the catalog becomes when every shard is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// A table, or a new version of one.
    PutTable(Box<TableRecord>),
    /// Tables are gone.
    DropTables(Vec<TableName>),
    /// Tables have new names, in order.
    Rename(Vec<(TableName, TableName)>),
    /// A database exists.
    CreateDatabase {
        /// Its name.
        name: String,
        /// Where its single tables live.
        default_shard: ShardId,
    },
    /// A database and all its tables are gone.
    DropDatabase(String),
    /// Only the shards change.
    Nothing,
}

impl Effect {
    /// A table, or a new version of one.
    pub fn put_table(table: &Table) -> Effect {
        Effect::PutTable(Box::new(table.into()))
    }
}

/// A statement on its way to the shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Database that was current.
    pub database: Option<String>,
    /// The statement as the client sent it; the same text again resumes the job.
    pub statement: String,
    /// What it locks against other jobs: tables, or a database with an empty table name.
    pub objects: Vec<TableName>,
    /// The shards, and how far each is.
    pub shards: Vec<(ShardId, ShardProgress)>,
}

impl Job {
    /// True if the statement arrived everywhere.
    pub fn is_complete(&self) -> bool {
        self.shards.iter().all(|(_, p)| *p == ShardProgress::Done)
    }
}
