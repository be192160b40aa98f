//! CREATE TABLE: where it goes, whether its keys allow that, and its entry in the catalog.

use super::Change;
use super::job::Running;
use crate::exec::Run;
use crate::session::Stop;
use catalog::job::Effect;
use catalog::{Placement, ShardId, Table, TableDefinition, TableId, TableName};
use errors::{ClientError, DdlError, NameError};
use router::names::{Common, named};
use schema::users::Spread;
use schema::{key, read, rule};
use shard::ServerConn;
use sql::cursor::Cursor;
use sql::ddl::CreateTable;
use sql::ident::quote_name;
use sql::shard_by::{Rule, ShardBy, parse_rule};
use sql::splice::Splices;
use sql::{LexMode, Lexed};

/// The error of a name that is taken.
pub(super) fn exists(name: &TableName) -> NameError {
    let table = name.table.clone();
    NameError::TableExists { table }
}

fn drop_sql(name: &TableName) -> String {
    let (database, table) = (quote_name(&name.database), quote_name(&name.table));
    format!("DROP TABLE IF EXISTS {database}.{table}")
}

/// A rule that cannot be.
pub(super) fn bad_rule(table: &TableName, why: impl std::fmt::Display) -> Stop {
    let (table, why) = (table.to_string(), why.to_string());
    DdlError::RuleRefused { table, why }.into()
}

impl Change<'_> {
    pub(super) async fn create_table(&mut self, t: &CreateTable, run: Run<'_>) -> Result<(), Stop> {
        let name = self.full_name(&t.table)?;
        let catalog = self.worker.catalog();
        if !catalog.databases.contains_key(&name.database) {
            return Err(ClientError::unknown_database(&name.database).into());
        }
        if let Some(old) = self.find(&name) {
            if t.if_not_exists {
                self.notes.note(&exists(&name).into());
                return Ok(());
            }
            if !t.or_replace {
                return Err(exists(&name).into());
            }
            if !matches!(old.placement, Placement::Single(_)) {
                let table = name.to_string();
                return Err(DdlError::ReplaceSharded { table }.into());
            }
        }
        let rule = self.rule_for(t, &name)?;
        let (shards, by) = self.placement_for(t, &name, rule, run)?;
        for fk in &t.foreign_keys {
            self.check_new_reference(&name, &by, fk)?;
        }
        let is_reference = matches!(by, Wanted::Like(Placement::Reference));
        super::check::check_definition(run, is_reference)?;
        let mut splices = Splices::default();
        if let Some(range) = t.clause.clone() {
            splices.replace(range, "");
        }
        let sql = String::from_utf8_lossy(&splices.apply(run.text)).into_owned();
        let statement = String::from_utf8_lossy(run.text).into_owned();
        let mut job = self
            .start_job(&statement, vec![name.clone()], &shards)
            .await?;
        self.check_users(&job, &name, by.spread(), &shards).await?;
        // One that was there before is not this statement's to drop.
        let drop = drop_sql(&name);
        let undo = (!t.if_not_exists && !t.or_replace).then_some(drop.as_str());
        self.run_job_or_undo(&mut job, &sql, undo).await?;
        let made = self.table_entry(&name, by, shards[0], None).await;
        let table = match made.and_then(|t| self.check_references(&t).map(|()| t)) {
            Ok(table) => table,
            Err(stop) => {
                self.take_back(&job, &name).await?;
                return Err(stop);
            }
        };
        self.finish_job(&job, Effect::put_table(&table)).await?;
        self.raise_ids(&table, run).await
    }

    async fn take_back(&mut self, job: &Running, name: &TableName) -> Result<(), Stop> {
        // Where it cannot be dropped now, it stays behind: the drift check shows it.
        self.undo_job(job, &drop_sql(name)).await;
        self.abandon_job(job).await
    }

    /// The rule: in the statement, waiting in the catalog, or that of the table it is LIKE.
    fn rule_for(&self, t: &CreateTable, name: &TableName) -> Result<Option<Rule>, Stop> {
        if let Some(rule) = &t.rule {
            return Ok(Some(rule.clone()));
        }
        let catalog = self.worker.catalog();
        let Some(pending) = catalog.rules.get(name) else {
            return Ok(None);
        };
        let text = pending.clause.as_bytes();
        let mode = LexMode::default();
        let lexed =
            Lexed::new(text, mode, self.worker.flavor.get()).map_err(|e| bad_rule(name, e))?;
        let rule = parse_rule(&mut Cursor::new(text, &lexed.tokens, mode));
        rule.map(Some).map_err(|e| bad_rule(name, e))
    }

    /// Shards that get the table, and what becomes of it once its columns are known.
    fn placement_for(
        &self,
        t: &CreateTable,
        name: &TableName,
        rule: Option<Rule>,
        run: Run<'_>,
    ) -> Result<(Vec<ShardId>, Wanted), Stop> {
        let catalog = self.worker.catalog();
        let all = catalog.shard_ids();
        let home = catalog.default_shard(Some(&name.database));
        let home = home.ok_or_else(router::plan::no_shards)?;
        if let (Some(like), None) = (&t.like, &rule) {
            let (_, like) = self.table(like)?;
            let wanted = Wanted::Like(like.placement.clone());
            return Ok((self.shards_of(&like), wanted));
        }
        let Some(rule) = rule else {
            if t.selects {
                self.check_selects(home, run)?;
            }
            return Ok((vec![home], Wanted::Like(Placement::Single(home))));
        };
        if t.selects {
            let table = name.to_string();
            return Err(DdlError::SelectIntoSharded { table }.into());
        }
        self.check_shard_names(&rule.by)?;
        if let ShardBy::Single { shard } = &rule.by {
            let shard = match shard {
                Some(n) => catalog.shard_named(n).map_or(home, |s| s.id),
                None => home,
            };
            return Ok((vec![shard], Wanted::Like(Placement::Single(shard))));
        }
        if rule.by == ShardBy::Reference {
            return Ok((all, Wanted::Like(Placement::Reference)));
        }
        Ok((all, Wanted::Rule(rule)))
    }

    fn check_selects(&self, home: ShardId, run: Run<'_>) -> Result<(), Stop> {
        let catalog = self.worker.catalog();
        let database = self.client.database.as_deref();
        let names = named(&catalog, database, run.text, &run.lexed.tokens);
        if names.information_schema {
            let what = "CREATE TABLE ... SELECT";
            return Err(DdlError::OwnSchema { what }.into());
        }
        match names.common() {
            Common::Nothing | Common::Reference => Ok(()),
            Common::OneShard(s) if s == home => Ok(()),
            _ => Err(DdlError::SelectFromOthers.into()),
        }
    }

    /// Every shard that a rule names must exist.
    pub(super) fn check_shard_names(&self, by: &ShardBy) -> Result<(), Stop> {
        Ok(rule::check_shard_names(&self.worker.catalog(), by)?)
    }

    /// The catalog's entry for a table that exists on its shards, if its rule holds.
    pub(super) async fn table_entry(
        &mut self,
        name: &TableName,
        wanted: Wanted,
        shard: ShardId,
        before: Option<&Table>,
    ) -> Result<Table, Stop> {
        let info = self.info_of(name, shard).await?;
        let placement = match wanted {
            Wanted::Like(p) => p,
            Wanted::Rule(rule) => {
                let catalog = self.worker.catalog();
                let placed =
                    rule::placement(&catalog, self.client.database.as_deref(), &rule, &info);
                placed.map_err(|e| bad_rule(name, e))?
            }
        };
        if let Placement::Sharded(s) = &placement {
            let auto = key::auto_increment(&info);
            // All ids of a new table will be ours.
            let ids = match before {
                None => auto.as_ref().map(|a| &*a.column),
                Some(before) => before.sequence_key(),
            };
            key::check_unique_keys(&info, &s.key, ids).map_err(|e| bad_rule(name, e))?;
        }
        Ok(Table {
            id: TableId(0),
            name: name.clone(),
            placement,
            auto_increment: key::auto_increment(&info),
            definition: info.into(),
        })
    }

    /// A table as a shard has it, seen with the account that may change structure: others may not see
    /// triggers.
    pub(super) async fn info_of(
        &mut self,
        name: &TableName,
        shard: ShardId,
    ) -> Result<TableDefinition, Stop> {
        let (class, fresh) = (self.client.class, self.worker.fresh.clone());
        let found = if let Some(manager) = self.manager_of(shard) {
            let mut conn = ServerConn::connect(&manager, class, fresh, 1).await?;
            read::table(&mut conn, name).await?
        } else {
            let pool = self.worker.pool(shard)?;
            let mut lease = pool.lease(class, &fresh, None).await?;
            let conn = lease.conn()?;
            conn.plan_session(&fresh, None);
            read::table(conn, name).await?
        };
        let missing = || ClientError::no_such_table(&name.database, &name.table);
        Ok(found.ok_or_else(missing)?.definition)
    }
}

/// What a new table is to be.
pub(super) enum Wanted {
    /// This placement, as it is.
    Like(Placement),
    /// By a rule, once the columns are known.
    Rule(Rule),
}

impl Wanted {
    fn spread(&self) -> Option<Spread> {
        match self {
            Wanted::Like(placement) => Spread::of(placement),
            Wanted::Rule(_) => Some(Spread::Parts),
        }
    }
}
