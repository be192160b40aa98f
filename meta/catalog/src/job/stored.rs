//! How jobs are written: as versions that knew of statements only did, which told an import by its words. No
//! statement begins like them.

use super::*;

#[derive(Serialize, Deserialize)]
pub(super) struct JobRecord {
    id: JobId,
    database: Option<String>,
    statement: String,
    objects: Vec<TableName>,
    shards: Vec<(ShardId, ShardProgress)>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct NewRecord {
    database: Option<String>,
    statement: String,
    objects: Vec<TableName>,
    shards: Vec<ShardId>,
}

impl From<Job> for JobRecord {
    fn from(job: Job) -> Self {
        let statement = job.statement_text();
        let shards = match job.kind {
            JobKind::Ddl(d) => d.shards,
            JobKind::Import(i) => {
                let as_answer = |c| match c {
                    Checked::NotYet => ShardProgress::Pending,
                    Checked::Rows => ShardProgress::Done,
                };
                let shards = i.shards.into_iter();
                shards.map(|(s, c)| (s, as_answer(c))).collect()
            }
        };
        JobRecord {
            id: job.id,
            database: job.database,
            statement,
            objects: job.objects,
            shards,
        }
    }
}

impl From<JobRecord> for Job {
    fn from(r: JobRecord) -> Self {
        let kind = match import_clause(&r.statement, &r.objects) {
            None => JobKind::Ddl(DdlJob {
                statement: r.statement,
                shards: r.shards,
            }),
            Some(clause) => {
                let shards = r.shards.iter().map(|(s, p)| (*s, p.into())).collect();
                JobKind::Import(ImportJob { clause, shards })
            }
        };
        Job {
            id: r.id,
            database: r.database,
            objects: r.objects,
            kind,
        }
    }
}

impl From<NewJob> for NewRecord {
    fn from(new: NewJob) -> Self {
        NewRecord {
            statement: new.statement_text(),
            database: new.database,
            objects: new.objects,
            shards: new.shards,
        }
    }
}

impl From<NewRecord> for NewJob {
    fn from(r: NewRecord) -> Self {
        let kind = match import_clause(&r.statement, &r.objects) {
            None => NewJobKind::Ddl(r.statement),
            Some(clause) => NewJobKind::Import(clause),
        };
        NewJob {
            database: r.database,
            objects: r.objects,
            shards: r.shards,
            kind,
        }
    }
}

fn import_clause(statement: &str, objects: &[TableName]) -> Option<String> {
    let clause = statement.strip_prefix(&import_text(objects, ""));
    clause.map(str::to_string)
}
