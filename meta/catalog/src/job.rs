//! Jobs: changes that take more than one step, each of a kind with a progress of its own.

mod stored;

use crate::model::{ShardId, Table, TableName};
use crate::record::TableRecord;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Number of a job, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(pub u64);

/// What is to be done, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "stored::NewRecord", into = "stored::NewRecord")]
pub struct NewJob {
    /// Database that is current.
    pub database: Option<String>,
    /// What it locks against other jobs: tables, or a database with an empty table name.
    pub objects: Vec<TableName>,
    /// The shards concerned.
    pub shards: Vec<ShardId>,
    /// What it is.
    pub kind: NewJobKind,
}

/// What a new job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewJobKind {
    /// A statement that changes structure on every shard concerned, as the client sent it.
    Ddl(String),
    /// A table that the shards have is taken into the catalog by a rule, whose text this is.
    Import(String),
}

/// A change on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "stored::JobRecord", into = "stored::JobRecord")]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Database that was current.
    pub database: Option<String>,
    /// What it locks against other jobs: tables, or a database with an empty table name.
    pub objects: Vec<TableName>,
    /// What it is, and how far.
    pub kind: JobKind,
}

/// The kinds of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobKind {
    /// A statement that changes structure on every shard concerned.
    Ddl(DdlJob),
    /// A table that the shards have is taken into the catalog.
    Import(ImportJob),
}

/// A statement on its way to the shards; resumable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DdlJob {
    /// The statement as the client sent it; the same text again resumes the job.
    pub statement: String,
    /// The shards, and how far each is.
    pub shards: Vec<(ShardId, ShardProgress)>,
}

/// How far a statement is on one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShardProgress {
    /// Not sent yet, or its answer is not known.
    Pending,
    /// Carried out.
    Done,
    /// Refused by the shard, with its words.
    Failed(String),
}

/// An import: the shards are only read. It ends with the table in the catalog, or leaves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportJob {
    /// The rule's text.
    pub clause: String,
    /// The shards whose rows must be where the rule says, and whether they are known to be.
    pub shards: Vec<(ShardId, Checked)>,
}

/// What an import knows of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Nothing yet.
    NotYet,
    /// Its rows are where the rule says.
    Rows,
}

impl fmt::Display for ShardProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShardProgress::Pending => f.write_str("pending"),
            ShardProgress::Done => f.write_str("done"),
            ShardProgress::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Checked::NotYet => "to be checked",
            Checked::Rows => "checked",
        })
    }
}

impl NewJob {
    /// The job that this becomes.
    pub(crate) fn start(self, id: JobId) -> Job {
        let shards = self.shards.into_iter();
        let kind = match self.kind {
            NewJobKind::Ddl(statement) => JobKind::Ddl(DdlJob {
                statement,
                shards: shards.map(|s| (s, ShardProgress::Pending)).collect(),
            }),
            NewJobKind::Import(clause) => JobKind::Import(ImportJob {
                clause,
                shards: shards.map(|s| (s, Checked::NotYet)).collect(),
            }),
        };
        Job {
            id,
            database: self.database,
            objects: self.objects,
            kind,
        }
    }

    /// The statement, or what stands in its place in the audit, SHOW DDL JOBS and earlier formats.
    pub fn statement_text(&self) -> String {
        match &self.kind {
            NewJobKind::Ddl(statement) => statement.clone(),
            NewJobKind::Import(clause) => import_text(&self.objects, clause),
        }
    }
}

fn import_text(objects: &[TableName], clause: &str) -> String {
    let names: Vec<_> = objects.iter().map(TableName::to_string).collect();
    format!("import of {} as {clause}", names.join(", "))
}

impl Job {
    /// True if nothing is left to do but to end it.
    pub fn is_complete(&self) -> bool {
        match &self.kind {
            JobKind::Ddl(d) => d.shards.iter().all(|(_, p)| *p == ShardProgress::Done),
            JobKind::Import(i) => i.shards.iter().all(|(_, c)| *c == Checked::Rows),
        }
    }

    /// The statement, or what stands in its place in the audit, SHOW DDL JOBS and earlier formats.
    pub fn statement_text(&self) -> String {
        match &self.kind {
            JobKind::Ddl(d) => d.statement.clone(),
            JobKind::Import(i) => import_text(&self.objects, &i.clause),
        }
    }

    /// How far it is on each shard, in words.
    pub fn progress(&self) -> Vec<(ShardId, String)> {
        match &self.kind {
            JobKind::Ddl(d) => d.shards.iter().map(|(s, p)| (*s, p.to_string())).collect(),
            JobKind::Import(i) => i.shards.iter().map(|(s, c)| (*s, c.to_string())).collect(),
        }
    }

    /// Notes what a shard answered.
    pub(crate) fn note(&mut self, shard: ShardId, progress: &ShardProgress) {
        match &mut self.kind {
            JobKind::Ddl(d) => {
                for (_, p) in d.shards.iter_mut().filter(|(s, _)| *s == shard) {
                    p.clone_from(progress);
                }
            }
            JobKind::Import(i) => {
                for (_, checked) in i.shards.iter_mut().filter(|(s, _)| *s == shard) {
                    *checked = progress.into();
                }
            }
        }
    }
}

impl From<&ShardProgress> for Checked {
    fn from(p: &ShardProgress) -> Self {
        match p {
            ShardProgress::Done => Checked::Rows,
            ShardProgress::Pending | ShardProgress::Failed(_) => Checked::NotYet,
        }
    }
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
