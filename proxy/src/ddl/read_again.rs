//! Tables whose definition changes with a statement that names something else: a trigger, or the table that
//! their foreign keys refer to.

use super::Change;
use crate::exec::Run;
use catalog::{Catalog, Command, Redefined, Rejected, Table, TableName};
use meta_client::MetaError;
use schema::redefined;
use sql::ObjectName;
use sql::cursor::Cursor;
use std::sync::Arc;
use std::time::Duration;

/// How often it is tried while others change the catalog.
const TRIES_MAX: u32 = 5;

/// How long it waits for what they changed.
const CATCH_UP: Duration = Duration::from_secs(2);

/// Tables that refer to these by foreign keys.
pub(super) fn referring(catalog: &Catalog, names: &[TableName]) -> Vec<TableName> {
    let refers = |t: &&Arc<Table>| {
        let mut keys = t.definition.foreign_keys.iter();
        !names.contains(&t.name) && keys.any(|k| names.contains(&k.table))
    };
    let tables = catalog.tables.values();
    tables.filter(refers).map(|t| t.name.clone()).collect()
}

impl Change<'_> {
    /// Tables that a statement about a trigger of this name changes.
    pub(super) fn with_trigger(&self, trigger: &ObjectName, run: Run<'_>) -> Vec<TableName> {
        let Ok(name) = self.full_name(trigger) else {
            return Vec::new();
        };
        let has = |t: &&Arc<Table>| {
            let mut triggers = t.definition.triggers.iter();
            t.name.database == name.database && triggers.any(|t| t.name == name.table)
        };
        let catalog = self.worker.catalog();
        let tables = catalog.tables.values().filter(has);
        let mut out: Vec<_> = tables.map(|t| t.name.clone()).collect();
        let cursor = Cursor::new(run.text, &run.lexed.tokens, self.client.settings.mode);
        let on = sql::ddl::trigger_table(cursor);
        out.extend(on.map(|t| TableName {
            // A trigger is in the database of its table.
            database: t.database.unwrap_or_else(|| name.database.clone()),
            table: t.name,
        }));
        out
    }

    /// Reads tables from their shards again and tells the catalog. What it is read for is done already, so a
    /// failure is not the client's: the drift check shows what is left.
    pub(super) async fn read_again(&mut self, names: &[TableName]) {
        for _ in 0..TRIES_MAX {
            let catalog = self.worker.catalog();
            let mut tables: Vec<Redefined> = Vec::new();
            for name in names {
                match self.as_it_is(&catalog, name).await {
                    Ok(new) => tables.extend(new),
                    Err(why) => tracing::warn!(table = %name, why, "not read again"),
                }
            }
            if tables.is_empty() {
                return;
            }
            let (meta, user) = (&self.worker.shared.meta, &self.client.user.name);
            let command = Command::SetDefinitions { tables };
            match meta.propose_as(user, command, Some(catalog.epoch)).await {
                Ok(now) => return self.worker.set_catalog(now),
                Err(MetaError::Rejected(Rejected::Epoch { now, .. })) => self.catch_up(now).await,
                Err(error) => return tracing::warn!(%error, "the catalog does not know yet"),
            }
        }
    }

    /// Waits, at most [`CATCH_UP`], for the catalog of an epoch to come here.
    async fn catch_up(&self, epoch: u64) {
        let mut news = self.worker.shared.meta.watch();
        let known = tokio::time::timeout(CATCH_UP, news.wait_for(|c| c.epoch >= epoch)).await;
        if let Ok(Ok(catalog)) = known {
            self.worker.set_catalog(catalog.clone());
        }
    }

    /// `None` if the catalog knows it as it is.
    async fn as_it_is(
        &mut self,
        catalog: &Catalog,
        name: &TableName,
    ) -> Result<Option<Redefined>, String> {
        let Some(table) = catalog.tables.get(name) else {
            return Ok(None);
        };
        let Some(shard) = self.shards_of(table).first().copied() else {
            return Ok(None);
        };
        let read = self.info_of(name, shard).await;
        let found = read.map_err(|_| "its shard does not answer".to_string())?;
        let new = redefined(catalog, table, &[(catalog.shard_name(shard), &found)])?;
        Ok((new.definition != table.definition).then_some(new))
    }
}
