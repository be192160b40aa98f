//! Changes of the catalog: typed, checked, deterministic.

use crate::job::{Effect, Job, JobId, ShardProgress};
use crate::model::*;
use crate::record::TableRecord;
use crate::shard::{InstanceId, Shard};
use crate::user::{Rights, User, Verifiers};
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
    /// A DDL job starts. Its number is the new catalog's `last_id`.
    StartJob {
        /// Current database.
        database: Option<String>,
        /// The statement.
        statement: String,
        /// What it locks.
        objects: Vec<TableName>,
        /// Where it goes.
        shards: Vec<ShardId>,
    },
    /// A shard answered.
    Progress {
        /// The job.
        job: JobId,
        /// The shard.
        shard: ShardId,
        /// Its answer.
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
    pub fn in_words(&self) -> Option<String> {
        Some(match self {
            Command::PutShard { name, host, port } => format!("shard {name} is {host}:{port}"),
            Command::DisableShard {
                name,
                disabled: true,
            } => format!("shard {name} is disabled"),
            Command::DisableShard { name, .. } => format!("shard {name} is enabled"),
            Command::PutRule { table, rule } => format!("rule for {table}: {}", rule.clause),
            Command::DropRule { table } => format!("the rule for {table} is dropped"),
            Command::StartJob { statement, .. } => statement.clone(),
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
            Command::Progress { .. } | Command::FinishJob { .. } => return None,
        })
    }
}

impl Catalog {
    /// The catalog after the change.
    pub fn apply(&self, command: &Command) -> Result<Catalog, Rejected> {
        let mut next = self.clone();
        next.epoch += 1;
        match command {
            Command::PutShard { name, host, port } => next.put_shard(name, host, *port)?,
            Command::DisableShard { name, disabled } => {
                let found = next.shards.values_mut().find(|s| s.name == *name);
                let shard = found.ok_or_else(|| Rejected::Missing(format!("shard {name}")))?;
                shard.disabled = *disabled;
            }
            Command::PutRule { table, rule } => {
                if next.tables.contains_key(table) {
                    return Err(Rejected::Exists(format!("table {table}")));
                }
                next.rules.insert(table.clone(), rule.clone());
            }
            Command::DropRule { table } => {
                let gone = next.rules.remove(table);
                gone.ok_or_else(|| Rejected::Missing(format!("a waiting rule for {table}")))?;
            }
            Command::StartJob {
                database,
                statement,
                objects,
                shards,
            } => {
                next.start_job(database, statement, objects, shards)?;
            }
            Command::Progress {
                job,
                shard,
                progress,
            } => {
                let job = next.job_mut(*job)?;
                for (s, p) in &mut job.shards {
                    if s == shard {
                        p.clone_from(progress);
                    }
                }
            }
            Command::FinishJob { job, effect } => next.finish_job(*job, effect)?,
            Command::AbandonJob { job } => {
                next.job_mut(*job)?;
                next.jobs.remove(job);
            }
            Command::CreateUser { name, password } => next.create_user(name, password)?,
            Command::SetPassword { name, password } => {
                password.check().map_err(Rejected::Invalid)?;
                next.user_mut(name)?.password = password.clone();
            }
            Command::DropUser { name } => {
                next.user_mut(name)?;
                next.users_mut().remove(name);
            }
            Command::Grant {
                name,
                database,
                rights,
            } => next.grant(name, database, *rights)?,
            Command::Revoke {
                name,
                database,
                rights,
            } => next.user_mut(name)?.revoke(database, *rights)?,
        }
        Ok(next)
    }

    fn create_user(&mut self, name: &str, password: &Verifiers) -> Result<(), Rejected> {
        crate::user::check_name(name).map_err(Rejected::Invalid)?;
        password.check().map_err(Rejected::Invalid)?;
        if self.users.contains_key(name) {
            return Err(Rejected::Exists(format!("user {name}")));
        }
        let user = User::new(password.clone());
        self.users_mut().insert(name.to_string(), user);
        Ok(())
    }

    fn grant(&mut self, name: &str, database: &str, rights: Rights) -> Result<(), Rejected> {
        let known = database == crate::user::EVERYWHERE || self.databases.contains_key(database);
        if !known {
            return Err(Rejected::Missing(format!("database {database}")));
        }
        self.user_mut(name)?.grant(database, rights);
        Ok(())
    }

    fn user_mut(&mut self, name: &str) -> Result<&mut User, Rejected> {
        self.users_mut()
            .get_mut(name)
            .ok_or_else(|| Rejected::Missing(format!("user {name}")))
    }

    fn job_mut(&mut self, id: JobId) -> Result<&mut Job, Rejected> {
        self.jobs
            .get_mut(&id)
            .ok_or_else(|| Rejected::Missing(format!("DDL job {}", id.0)))
    }

    fn put_shard(&mut self, name: &str, host: &str, port: u16) -> Result<(), Rejected> {
        let is_reference = |t: &&Arc<Table>| t.placement == Placement::Reference;
        if self.shard_named(name).is_none()
            && let Some(t) = self.tables.values().find(is_reference)
        {
            return Err(Rejected::Invalid(format!(
                "the reference table {} has rows on every shard, and a new shard has none yet; \
                 copying them is not supported yet: drop the reference tables first",
                t.name
            )));
        }
        if let Some(known) = self.shards.values_mut().find(|s| s.name == name) {
            known.move_primary(host, port);
            return Ok(());
        }
        let id = ShardId(self.shards.keys().last().map_or(1, |s| s.0 + 1));
        let instances = self.shards.values().flat_map(Shard::instances);
        let primary = InstanceId(instances.map(|i| i.id.0).max().map_or(1, |last| last + 1));
        let shard = Shard::new(id, name, primary, (host, port));
        self.shards.insert(id, shard);
        Ok(())
    }

    fn start_job(
        &mut self,
        database: &Option<String>,
        statement: &str,
        objects: &[TableName],
        shards: &[ShardId],
    ) -> Result<(), Rejected> {
        for other in self.jobs.values() {
            let clash = |a: &TableName| {
                other.objects.iter().any(|b| {
                    a == b || a.database == b.database && (a.table.is_empty() || b.table.is_empty())
                })
            };
            if let Some(o) = objects.iter().find(|o| clash(o)) {
                return Err(Rejected::Busy(
                    other.id.0,
                    o.to_string(),
                    other.statement.clone(),
                ));
            }
        }
        self.last_id += 1;
        let id = JobId(self.last_id);
        let shards = shards
            .iter()
            .map(|s| (*s, ShardProgress::Pending))
            .collect();
        let job = Job {
            id,
            database: database.clone(),
            statement: statement.to_string(),
            objects: objects.to_vec(),
            shards,
        };
        self.jobs.insert(id, job);
        Ok(())
    }

    fn finish_job(&mut self, id: JobId, effect: &Effect) -> Result<(), Rejected> {
        if !self.job_mut(id)?.is_complete() {
            return Err(Rejected::Unfinished(id.0));
        }
        self.jobs.remove(&id);
        match effect {
            Effect::PutTable(table) => {
                self.rules.remove(&table.name);
                let put = self.put_record(TableRecord::clone(table));
                put.map_err(Rejected::Invalid)?;
            }
            Effect::DropTables(names) => names.iter().for_each(|n| {
                self.tables_mut().remove(n);
            }),
            Effect::Rename(pairs) => {
                for (from, to) in pairs {
                    let table = self.tables_mut().remove(from);
                    let table = table.ok_or_else(|| Rejected::Missing(format!("table {from}")))?;
                    let renamed = Table {
                        name: to.clone(),
                        ..(*table).clone()
                    };
                    self.tables_mut().insert(to.clone(), Arc::new(renamed));
                }
            }
            Effect::CreateDatabase {
                name,
                default_shard,
            } => {
                let database = Database {
                    default_shard: *default_shard,
                };
                self.databases.insert(name.clone(), database);
            }
            Effect::DropDatabase(name) => {
                self.databases.remove(name);
                self.tables_mut().retain(|t, _| t.database != *name);
                self.rules.retain(|t, _| t.database != *name);
                // One of this name that comes later is another database.
                if self.users.values().any(|u| u.grants.contains_key(name)) {
                    for user in self.users_mut().values_mut() {
                        user.grants.remove(name);
                    }
                }
            }
            Effect::Nothing => {}
        }
        self.drop_empty_groups();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Function;
    use crate::group::Sharding;
    use crate::key::KeyType;

    fn base() -> Catalog {
        let mut c = Catalog::default();
        for n in ["s1", "s2"] {
            let put = Command::PutShard {
                name: n.into(),
                host: "127.0.0.1".into(),
                port: 3306,
            };
            c = c.apply(&put).unwrap();
        }
        c
    }

    fn table(name: &str) -> Table {
        let key = vec![KeyColumn {
            name: "id".into(),
            kind: KeyType::Integer { min: 0, max: 9 },
        }];
        let f = Function::even_hash(&[ShardId(1), ShardId(2)]);
        Table {
            id: TableId(0),
            name: TableName::new("d", name),
            placement: Placement::Sharded(Box::new(Sharding::new(key, f, GroupId(0)).unwrap())),
            columns: vec!["id".into()],
            auto_increment: None,
        }
    }

    /// Runs a whole job.
    fn finish(c: &Catalog, object: &str, effect: Effect) -> Result<Catalog, Rejected> {
        let start = Command::StartJob {
            database: None,
            statement: object.into(),
            objects: vec![TableName::new("d", object)],
            shards: c.shard_ids(),
        };
        let mut c = c.apply(&start).unwrap();
        let job = JobId(c.last_id);
        let finish = Command::FinishJob { job, effect };
        assert!(matches!(c.apply(&finish), Err(Rejected::Unfinished(_))));
        for shard in c.shard_ids() {
            let done = Command::Progress {
                job,
                shard,
                progress: ShardProgress::Done,
            };
            c = c.apply(&done).unwrap();
        }
        c.apply(&finish)
    }

    fn create(c: &Catalog, name: &str) -> Catalog {
        finish(c, name, Effect::put_table(&table(name))).unwrap()
    }

    #[test]
    fn a_table_appears_only_when_every_shard_has_it() {
        let c = create(&base(), "a");
        assert!(c.table("d", "a").is_some() && c.jobs.is_empty());
    }

    #[test]
    fn like_placed_tables_share_a_group() {
        let c = create(&create(&base(), "a"), "b");
        let group = |t: &str| c.table("d", t).unwrap().sharding().unwrap().group.clone();
        assert!(Arc::ptr_eq(&group("a"), &group("b")));
        assert!(Arc::ptr_eq(&group("a"), &c.groups[&group("a").id]));
        let text = serde_json::to_string(&c).unwrap();
        let again: Catalog = serde_json::from_str(&text).unwrap();
        assert_eq!(again, c);
        let group = |t: &str| {
            again
                .table("d", t)
                .unwrap()
                .sharding()
                .unwrap()
                .group
                .clone()
        };
        assert!(Arc::ptr_eq(&group("a"), &group("b")));
    }

    #[test]
    fn a_group_goes_with_its_last_table_and_its_number_is_not_given_again() {
        let c = create(&create(&base(), "a"), "b");
        let first = c.groups.keys().next().unwrap().0;
        let drop = |c: &Catalog, name: &str| {
            let effect = Effect::DropTables(vec![TableName::new("d", name)]);
            finish(c, name, effect).unwrap()
        };
        let c = drop(&c, "a");
        assert_eq!(c.groups.len(), 1);
        let c = drop(&c, "b");
        assert!(c.groups.is_empty());
        let c = create(&c, "c");
        assert!(c.groups.keys().next().unwrap().0 > first);
    }

    #[test]
    fn two_jobs_on_one_table_clash() {
        let start = |db: &str, t: &str| Command::StartJob {
            database: None,
            statement: "x".into(),
            objects: vec![TableName::new(db, t)],
            shards: vec![],
        };
        let c = base().apply(&start("d", "a")).unwrap();
        assert!(matches!(c.apply(&start("d", "a")), Err(Rejected::Busy(..))));
        assert!(matches!(c.apply(&start("d", "")), Err(Rejected::Busy(..))));
        assert!(c.apply(&start("e", "a")).is_ok());
    }

    #[test]
    fn a_new_shard_without_the_rows_of_reference_tables_is_refused() {
        let mut c = base();
        let city = Table {
            placement: Placement::Reference,
            ..table("city")
        };
        c.insert_table(city);
        let put = |name: &str, port| Command::PutShard {
            name: name.into(),
            host: "127.0.0.1".into(),
            port,
        };
        let refused = c.apply(&put("s3", 3306)).unwrap_err().to_string();
        assert!(refused.contains("d.city"), "{refused}");
        assert!(c.apply(&put("s2", 4000)).is_ok(), "a known shard may move");
    }

    #[test]
    fn epochs_rise_by_one() {
        let c = base();
        assert_eq!(c.epoch, 2);
        assert_eq!(create(&c, "a").epoch, 2 + 1 + 2 + 1);
    }
}
