//! What each change does to the catalog.

use super::{Command, Redefined, Rejected};
use crate::job::{Effect, Job, JobId, NewJob};
use crate::model::*;
use crate::record::TableRecord;
use crate::shard::{InstanceId, Shard};
use crate::user::{Rights, User, Verifiers};
use std::sync::Arc;

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
            Command::PutRule { table, rule } => next.put_rule(table, rule)?,
            Command::DropRule { table } => {
                let gone = next.rules.remove(table);
                gone.ok_or_else(|| Rejected::Missing(format!("a waiting rule for {table}")))?;
            }
            Command::StartJob(new) => next.start_job(new)?,
            Command::Progress {
                job,
                shard,
                progress,
            } => {
                next.job_mut(*job)?.note(*shard, progress);
            }
            Command::FinishJob { job, effect } => next.finish_job(*job, effect)?,
            Command::AbandonJob { job } => {
                next.job_mut(*job)?;
                next.jobs.remove(job);
            }
            Command::SetDefinitions { tables } => {
                for t in tables {
                    next.set_definition(t)?;
                }
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

    fn put_rule(&mut self, table: &TableName, rule: &PendingRule) -> Result<(), Rejected> {
        if self.tables.contains_key(table) {
            return Err(Rejected::Exists(format!("table {table}")));
        }
        self.rules.insert(table.clone(), rule.clone());
        Ok(())
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

    fn start_job(&mut self, new: &NewJob) -> Result<(), Rejected> {
        self.check_free(&new.objects)?;
        self.last_id += 1;
        let job = new.clone().start(JobId(self.last_id));
        self.jobs.insert(job.id, job);
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
                    self.refer_to(from, to);
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

    /// No job works on the objects, nor on a database of them.
    fn check_free(&self, objects: &[TableName]) -> Result<(), Rejected> {
        for other in self.jobs.values() {
            let clash = |a: &&TableName| {
                other.objects.iter().any(|b| {
                    **a == *b
                        || a.database == b.database && (a.table.is_empty() || b.table.is_empty())
                })
            };
            if let Some(o) = objects.iter().find(clash) {
                return Err(Rejected::Busy(
                    other.id.0,
                    o.to_string(),
                    other.statement_text(),
                ));
            }
        }
        Ok(())
    }

    fn set_definition(&mut self, new: &Redefined) -> Result<(), Rejected> {
        let name = &new.table;
        self.check_free(std::slice::from_ref(name))?;
        let known = self.tables.get(name);
        let known = known.ok_or_else(|| Rejected::Missing(format!("table {name}")))?;
        let key = known.sharding().map_or(&[][..], |s| &s.key);
        if let Some(k) = key
            .iter()
            .find(|k| new.definition.column(&k.name).is_none())
        {
            let why = format!("{name} is sharded by the column {}, which is gone", k.name);
            return Err(Rejected::Invalid(why));
        }
        let table = Table {
            definition: new.definition.clone(),
            auto_increment: new.auto_increment.clone(),
            ..(**known).clone()
        };
        self.tables_mut().insert(name.clone(), Arc::new(table));
        Ok(())
    }

    /// Foreign keys follow a table to its new name, as they do on the shards.
    fn refer_to(&mut self, from: &TableName, to: &TableName) {
        let refers = |t: &Arc<Table>| {
            let mut keys = t.definition.foreign_keys.iter();
            keys.any(|k| k.table == *from)
        };
        if !self.tables.values().any(refers) {
            return;
        }
        for table in self.tables_mut().values_mut().filter(|t| refers(t)) {
            let definition = &mut Arc::make_mut(table).definition;
            for key in &mut Arc::make_mut(definition).foreign_keys {
                if key.table == *from {
                    key.table.clone_from(to);
                }
            }
        }
    }
}
