//! Dropping, renaming and emptying tables; databases; views.

use super::Change;
use super::read_again::referring;
use crate::exec::Run;
use crate::session::Stop;
use catalog::job::Effect;
use catalog::{Placement, ShardId, Table, TableId, TableName};
use errors::{ClientError, DdlError, NameError, RightsError};
use router::names::{Common, named};
use router::plan::ddl::steps::{self, JobStep};
use schema::users::Spread;
use shard::account::Manager;
use sql::ObjectName;
use sql::splice::Splices;
use std::ops::Range;

impl Change<'_> {
    pub(super) async fn drop_tables(
        &mut self,
        tables: &[ObjectName],
        if_exists: bool,
    ) -> Result<(), Stop> {
        let mut missing = Vec::new();
        for t in tables {
            let name = self.full_name(t)?;
            let Some(entry) = self.find(&name) else {
                missing.push(name);
                continue;
            };
            if matches!(entry.placement, Placement::View(_)) {
                let view = name.to_string();
                return Err(NameError::IsView { view }.into());
            }
            let step = steps::drop_table(&self.worker.catalog(), &entry);
            self.step(step, Effect::DropTables(vec![name])).await?;
        }
        self.missing(&missing, if_exists, |tables| NameError::UnknownTables {
            tables,
        })
    }

    /// The error of names that are not there, or a note of each under IF EXISTS.
    fn missing(
        &mut self,
        missing: &[TableName],
        if_exists: bool,
        error: impl Fn(String) -> NameError,
    ) -> Result<(), Stop> {
        if missing.is_empty() {
            return Ok(());
        }
        let names = missing.iter().map(|n| n.to_string());
        if if_exists {
            names.for_each(|name| self.notes.note(&error(name).into()));
            return Ok(());
        }
        Err(error(names.collect::<Vec<_>>().join(",")).into())
    }

    pub(super) async fn truncate(&mut self, table: &ObjectName) -> Result<(), Stop> {
        let (_, entry) = self.table(table)?;
        let step = steps::truncate(&self.worker.catalog(), &entry);
        self.step(step, Effect::Nothing).await
    }

    pub(super) async fn rename_tables(
        &mut self,
        pairs: &[(ObjectName, ObjectName)],
        if_exists: bool,
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let mut renames: Vec<(TableName, TableName)> = Vec::new();
        let mut shards: Option<Vec<ShardId>> = None;
        let mut placements = Vec::new();
        for (from, to) in pairs {
            let (from, to) = (self.full_name(from)?, self.full_name(to)?);
            // A name may be one that an earlier pair of this statement made.
            let made = renames
                .iter()
                .rev()
                .find(|(_, t)| *t == from)
                .map(|(f, _)| f.clone());
            let entry = self.find(made.as_ref().unwrap_or(&from));
            let Some(entry) = entry else {
                let missing = ClientError::no_such_table(&from.database, &from.table);
                if if_exists {
                    self.notes.note(&missing);
                    continue;
                }
                return Err(missing.into());
            };
            placements.push((to.clone(), entry.placement.clone()));
            let here = self.shards_of(&entry);
            if shards.as_ref().is_some_and(|s| *s != here) {
                return Err(DdlError::RenameApart.into());
            }
            shards = Some(here);
            renames.push((from, to));
        }
        if renames.is_empty() {
            return Ok(());
        }
        let objects = renames
            .iter()
            .flat_map(|(a, b)| [a.clone(), b.clone()])
            .collect();
        let sql = String::from_utf8_lossy(run.text).into_owned();
        let shards = shards.unwrap_or_default();
        let names = renames.iter().map(|(_, to)| to.clone()).collect();
        let step = JobStep {
            objects,
            shards,
            sql,
        };
        self.rename(step, renames, &placements).await?;
        self.renamed(names).await;
        Ok(())
    }

    /// Runs a RENAME. No view or routine may have waited for one of the new names.
    pub(super) async fn rename(
        &mut self,
        step: JobStep,
        renames: Vec<(TableName, TableName)>,
        placements: &[(TableName, Placement)],
    ) -> Result<(), Stop> {
        let mut job = self
            .start_job(&step.sql, step.objects, &step.shards)
            .await?;
        for (name, placement) in placements {
            let spread = Spread::of(placement);
            self.check_users(&job, name, spread, &step.shards).await?;
        }
        self.run_job(&mut job, &step.sql).await?;
        self.finish_job(&job, Effect::Rename(renames)).await
    }

    /// A server gives foreign keys that it named itself other names with their table.
    pub(super) async fn renamed(&mut self, mut names: Vec<TableName>) {
        names.extend(referring(&self.worker.catalog(), &names));
        self.read_again(&names).await;
    }

    pub(super) async fn create_database(
        &mut self,
        name: &str,
        if_not_exists: bool,
        shard: Option<&(Range<usize>, String)>,
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let catalog = self.worker.catalog();
        if catalog.databases.contains_key(name) {
            let database = name.to_string();
            let exists = NameError::DatabaseExists { database };
            if if_not_exists {
                self.notes.note(&exists.into());
                // MySQL counts the database, MariaDB does not.
                self.ok.affected_rows = u64::from(!self.worker.flavor.get().mariadb);
                return Ok(());
            }
            return Err(exists.into());
        }
        let mut splices = Splices::default();
        let default_shard = match shard {
            Some((range, shard)) => {
                splices.replace(range.clone(), "");
                let found = catalog.shard_named(shard).map(|s| s.id);
                found.ok_or_else(|| schema::rule::unknown_shard(&catalog, shard))?
            }
            None => catalog
                .default_shard(None)
                .ok_or_else(router::plan::no_shards)?,
        };
        let sql = String::from_utf8_lossy(&splices.apply(run.text)).into_owned();
        let effect = Effect::CreateDatabase {
            name: name.to_string(),
            default_shard,
        };
        let objects = vec![TableName::new(name, "")];
        let shards = catalog.shard_ids();
        let mut job = self.start_job(&sql, objects, &shards).await?;
        // A proxy that starts now finds the job in the catalog and counts the database as there.
        if let Err(e) = self.open_to_accounts(&shards, name).await {
            self.abandon_job(&job).await?;
            return Err(e);
        }
        self.run_job(&mut job, &sql).await?;
        self.finish_job(&job, effect).await
    }

    /// Lets the accounts of all proxies into a database.
    async fn open_to_accounts(&self, shards: &[ShardId], database: &str) -> Result<(), Stop> {
        for shard in shards {
            if let Some(login) = self.manager_of(*shard) {
                Manager::connect(&login).await?.grant_all(database).await?;
            }
        }
        Ok(())
    }

    /// Takes the rights in a dropped database away. One that stays is no danger, only untidy.
    async fn close_to_accounts(&self, shards: &[ShardId], database: &str) {
        for shard in shards {
            let Some(login) = self.manager_of(*shard) else {
                continue;
            };
            let revoked = async { Manager::connect(&login).await?.revoke_all(database).await };
            if let Err(error) = revoked.await {
                tracing::warn!(%error, database, "rights in a dropped database stay");
            }
        }
    }

    pub(super) async fn drop_database(&mut self, name: &str, if_exists: bool) -> Result<(), Stop> {
        let catalog = self.worker.catalog();
        if router::scope::is_system_schema(name) {
            let database = name.to_string();
            return Err(RightsError::SystemDatabase { database }.into());
        }
        if !catalog.databases.contains_key(name) {
            let database = name.to_string();
            let missing = NameError::DatabaseMissing { database };
            if if_exists {
                self.notes.note(&missing.into());
                return Ok(());
            }
            return Err(missing.into());
        }
        let step = steps::drop_database(&catalog, name);
        let shards = step.shards.clone();
        let effect = Effect::DropDatabase(name.to_string());
        // The job runs without the database that it drops.
        let current = self.client.database.take_if(|d| **d == *name);
        let dropped = self.step(step, effect).await;
        if dropped.is_err() {
            self.client.database = current.or(self.client.database.take());
        }
        dropped?;
        self.close_to_accounts(&shards, name).await;
        Ok(())
    }

    pub(super) async fn alter_database(
        &mut self,
        name: Option<&str>,
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let database = name
            .or(self.client.database.as_deref())
            .ok_or_else(ClientError::no_database)?;
        let sql = String::from_utf8_lossy(run.text).into_owned();
        let step = steps::of_database(&self.worker.catalog(), database, sql);
        self.step(step, Effect::Nothing).await
    }

    pub(super) async fn create_view(
        &mut self,
        view: &ObjectName,
        replace: bool,
        query: usize,
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let name = self.full_name(view)?;
        if self
            .find(&name)
            .is_some_and(|t| !replace || !matches!(t.placement, Placement::View(_)))
        {
            return Err(super::create::exists(&name).into());
        }
        let catalog = self.worker.catalog();
        let database = self.client.database.as_deref();
        let names = named(&catalog, database, run.text, &run.lexed.tokens);
        if names.information_schema {
            return Err(DdlError::OwnSchema { what: "a view" }.into());
        }
        let shard = match names.common() {
            Common::OneShard(s) => s,
            Common::Nothing | Common::Reference => {
                let home = catalog.default_shard(Some(&name.database));
                home.ok_or_else(router::plan::no_shards)?
            }
            Common::Sharded(t) | Common::Apart(t, _) => {
                let table = t.to_string();
                return Err(DdlError::ViewOfSeveral { table }.into());
            }
        };
        let sql = String::from_utf8_lossy(run.text).into_owned();
        let defined = match self.manager_of(shard) {
            Some(_) => self.with_definer(run)?,
            None => None,
        };
        let mut text = sql.clone();
        if let Some((definer, with_definer)) = defined {
            self.may_read(query, shard, run).await?;
            self.let_define(&definer, shard).await?;
            text = String::from_utf8_lossy(&with_definer).into_owned();
            self.defines = true;
        }
        let mut job = self.start_job(&sql, vec![name.clone()], &[shard]).await?;
        self.run_job(&mut job, &text).await?;
        let info = self.info_of(&name, shard).await?;
        let table = Table {
            id: TableId(0),
            name,
            placement: Placement::View(shard),
            definition: info.into(),
            auto_increment: None,
        };
        self.finish_job(&job, Effect::put_table(&table)).await
    }

    pub(super) async fn drop_views(
        &mut self,
        views: &[ObjectName],
        if_exists: bool,
    ) -> Result<(), Stop> {
        let mut missing = Vec::new();
        for v in views {
            let name = self.full_name(v)?;
            let entry = self.find(&name);
            let Some(Placement::View(shard)) = entry.map(|t| t.placement.clone()) else {
                missing.push(name);
                continue;
            };
            let step = steps::drop_view(&name, shard);
            self.step(step, Effect::DropTables(vec![name])).await?;
        }
        let mariadb = self.worker.flavor.get().mariadb;
        self.missing(&missing, if_exists, |names| match mariadb {
            true => NameError::UnknownViews { views: names },
            false => NameError::UnknownTables { tables: names },
        })
    }
}
