//! Statements that change structure: each is one resumable job over the shards concerned.

mod alter;
mod check;
mod create;
mod job;
mod tables;

use crate::plans::CachedPlan;
use crate::session::{Done, Session, Stop, error};
use crate::statement::Run;
use catalog::{Command, JobId, PendingRule, Placement, ShardId, Table, TableName};
use router::Refusal;
use router::names::{Common, named};
use sql::ObjectName;
use sql::ddl::Ddl;
use sql::shard_by::RuleStatement;
use std::sync::Arc;

impl Session {
    /// Runs a DDL statement.
    pub async fn ddl(&mut self, ddl: &Ddl, plan: &CachedPlan, run: Run<'_>) -> Done {
        if let Some(done) = self.ddl_on_one_shard(ddl, plan, run).await {
            return done;
        }
        // DDL commits what is open, before it starts.
        self.commit_all().await?;
        self.diagnostics.clear();
        self.ddl_ok = wire::reply::OkPacket::default();
        match ddl {
            Ddl::CreateTable(t) => self.create_table(t, run).await?,
            Ddl::DropTable {
                tables, if_exists, ..
            } => self.drop_tables(tables, *if_exists).await?,
            Ddl::AlterTable { table, actions } => self.alter_table(table, actions, run).await?,
            Ddl::RenameTable(pairs) => self.rename_tables(pairs, run).await?,
            Ddl::Truncate(table) => self.truncate(table).await?,
            Ddl::CreateIndex {
                table,
                unique,
                columns,
            } => {
                self.create_index(table, *unique, columns, run).await?;
            }
            Ddl::DropIndex(table) => self.alter_plain(table, run).await?,
            Ddl::CreateDatabase {
                name,
                if_not_exists,
                shard,
            } => {
                self.create_database(name, *if_not_exists, shard.as_ref(), run)
                    .await?;
            }
            Ddl::DropDatabase { name, if_exists } => self.drop_database(name, *if_exists).await?,
            Ddl::AlterDatabase(name) => self.alter_database(name.as_deref(), run).await?,
            Ddl::CreateView { view, replace, .. } => self.create_view(view, *replace, run).await?,
            Ddl::DropView { views, if_exists } => self.drop_views(views, *if_exists).await?,
            Ddl::Account => {
                return Err(error(
                    1235,
                    "42000",
                    "users and rights are kept in Shardwright's catalog, not on the shards: \
                     shardctl user add, grant and revoke change them (docs/shardctl.md)",
                ));
            }
            Ddl::Routine(_) | Ddl::Maintain(_) => {}
        }
        let done = std::mem::take(&mut self.ddl_ok);
        self.row_count = done.affected_rows as i64;
        let ok = wire::reply::OkPacket {
            status: self.status() | run.more,
            warnings: self.diagnostics.count() as u16,
            ..done
        };
        self.io.put_ok(&ok);
        Ok(())
    }

    /// DDL that one shard alone answers; `None` if it is a job.
    async fn ddl_on_one_shard(
        &mut self,
        ddl: &Ddl,
        plan: &CachedPlan,
        run: Run<'_>,
    ) -> Option<Done> {
        match ddl {
            Ddl::CreateTable(t) if t.temporary => Some(self.temporary_table(plan, run).await),
            Ddl::DropTable {
                temporary: true, ..
            } => Some(self.on_database_shard(None, plan, run).await),
            Ddl::DropTable { tables, .. } if self.are_temporary(tables) => {
                Some(self.on_database_shard(None, plan, run).await)
            }
            Ddl::Routine(name) => Some(self.routine(name, plan, run).await),
            Ddl::Maintain(tables) => Some(self.maintain(tables, plan, run).await),
            _ => None,
        }
    }

    fn are_temporary(&self, tables: &[ObjectName]) -> bool {
        let unknown = |t: &ObjectName| self.full_name(t).is_ok_and(|n| self.find(&n).is_none());
        self.held.iter().any(|h| h.pins.temporary_tables) && tables.iter().all(unknown)
    }

    async fn on_database_shard(
        &mut self,
        database: Option<&str>,
        plan: &CachedPlan,
        run: Run<'_>,
    ) -> Done {
        let catalog = self.worker.catalog();
        let database = database.or(self.database.as_deref());
        let shard = catalog
            .default_shard(database)
            .ok_or_else(router::plan::no_shards)?;
        self.run_alone(shard, plan, run).await
    }

    /// A temporary table lives on one connection, which stays with the session.
    async fn temporary_table(&mut self, plan: &CachedPlan, run: Run<'_>) -> Done {
        let catalog = self.worker.catalog();
        let database = self.database.as_deref();
        let names = named(&catalog, database, run.text, &run.lexed.tokens);
        let home = self.default_shard()?;
        match names.common() {
            Common::Nothing | Common::Reference => {}
            Common::OneShard(s) if s == home => {}
            _ => {
                return Err(error(
                    1235,
                    "42000",
                    "a temporary table lives on its database's default shard and can neither \
                     take the name nor the rows of a table that has rows elsewhere",
                ));
            }
        }
        let index = self.acquire(home, true).await?;
        self.held[index].pins.temporary_tables = true;
        self.run_alone(home, plan, run).await
    }

    /// Routines and the like live on their database's shard, and may only use tables there.
    async fn routine(&mut self, name: &ObjectName, plan: &CachedPlan, run: Run<'_>) -> Done {
        let catalog = self.worker.catalog();
        let database = name.database.as_deref().or(self.database.as_deref());
        let home = catalog
            .default_shard(database)
            .ok_or_else(router::plan::no_shards)?;
        match named(&catalog, database, run.text, &run.lexed.tokens).common() {
            Common::Nothing => {}
            Common::OneShard(s) if s == home => {}
            _ => {
                return Err(error(
                    1235,
                    "42000",
                    format!(
                        "{name} uses a table that has rows on other shards; a routine, trigger or \
                         event runs inside one server and would see or change only a part"
                    ),
                ));
            }
        }
        check::check_routine(run)?;
        self.commit_all().await?;
        let Some(manager) = self.manager_of(home) else {
            return self.run_alone(home, plan, run).await;
        };
        let text = String::from_utf8_lossy(run.text);
        let (ok, warnings) = self.run_as_manager(&manager, &text).await?;
        self.diagnostics = warnings;
        self.row_count = ok.affected_rows as i64;
        let status = self.status() | run.more;
        self.io.put_ok(&wire::reply::OkPacket { status, ..ok });
        Ok(())
    }

    /// ANALYZE and the like: the answers of all shards, one after the other.
    async fn maintain(&mut self, tables: &[ObjectName], plan: &CachedPlan, run: Run<'_>) -> Done {
        self.commit_all().await?;
        let mut shards: Vec<ShardId> = Vec::new();
        for (i, t) in tables.iter().enumerate() {
            let of_table = match self.table(t) {
                Ok((_, table)) => self.shards_of(&table),
                Err(_) => vec![self.default_shard()?],
            };
            if i > 0 && of_table != shards {
                return Err(error(
                    1235,
                    "42000",
                    "these tables are on different shards; one at a time",
                ));
            }
            shards = of_table;
        }
        let first = run.lexed.tokens.first();
        let checksum = first.is_some_and(|t| router::traits::is_word(run.text, *t, b"CHECKSUM"));
        match shards.as_slice() {
            [one] => self.run_alone(*one, plan, run).await,
            _ if checksum => Err(error(
                1235,
                "42000",
                "CHECKSUM TABLE of a table on several shards would tell one sum for each; ask the shards \
                 themselves (SHOW SHARDS tells their addresses)",
            )),
            many => self.scatter(many, plan.traits, run).await,
        }
    }

    /// CREATE and DROP SHARDING RULE.
    pub async fn rule(&mut self, statement: &RuleStatement, run: Run<'_>) -> Done {
        let command = match statement {
            RuleStatement::Create { table, rule } => {
                let table = self.full_name(table)?;
                self.check_shard_names(&rule.by)?;
                let at = run.lexed.tokens.iter().position(|t| {
                    let by = ["HASH", "RANGE", "LIST", "REFERENCE", "SINGLE"];
                    by.iter()
                        .any(|w| router::traits::is_word(run.text, *t, w.as_bytes()))
                });
                let start = at.map_or(0, |i| run.lexed.tokens[i].start as usize);
                let clause = String::from_utf8_lossy(&run.text[start..]).into_owned();
                Command::PutRule {
                    table,
                    rule: PendingRule { clause },
                }
            }
            RuleStatement::Drop { table } => Command::DropRule {
                table: self.full_name(table)?,
            },
            RuleStatement::CancelJob { id } => Command::AbandonJob { job: JobId(*id) },
        };
        self.commit_all().await?;
        self.propose(command).await?;
        self.ok(run.more);
        Ok(())
    }

    /// Database and name of a table, with the current database filled in.
    pub(crate) fn full_name(&self, name: &ObjectName) -> Result<TableName, Stop> {
        let database = name.database.as_deref().or(self.database.as_deref());
        let database = database.ok_or_else(Refusal::no_database)?;
        Ok(TableName::new(database, name.name.clone()))
    }

    pub(crate) fn find(&self, name: &TableName) -> Option<Arc<Table>> {
        self.worker.catalog().tables.get(name).cloned()
    }

    /// A table that must be there.
    pub(crate) fn table(&self, name: &ObjectName) -> Result<(TableName, Arc<Table>), Stop> {
        let full = self.full_name(name)?;
        let table = self.find(&full);
        let table = table.ok_or_else(|| Refusal::no_such_table(&full.database, &full.table))?;
        Ok((full, table))
    }

    /// Every shard that has the table's definition.
    pub(crate) fn shards_of(&self, table: &Table) -> Vec<ShardId> {
        match &table.placement {
            Placement::Single(s) | Placement::View(s) => vec![*s],
            // A sharded table is defined everywhere, so that partitions can move.
            Placement::Reference | Placement::Sharded(_) => self.worker.catalog().shard_ids(),
        }
    }
}
