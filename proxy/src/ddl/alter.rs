//! ALTER TABLE and indexes: what the sharding key allows, then a job, then a fresh look at the table.

use super::Change;
use super::create::Wanted;
use super::read_again::referring;
use crate::exec::Run;
use crate::session::Stop;
use catalog::job::Effect;
use catalog::{Placement, Table, TableName};
use errors::DdlError;
use router::plan::ddl::steps::JobStep;
use sql::ObjectName;
use sql::ddl::AlterAction;

impl Change<'_> {
    pub(super) async fn alter_table(
        &mut self,
        table: &ObjectName,
        actions: &[AlterAction],
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let (name, entry) = self.table(table)?;
        super::check::check_definition(run, entry.placement == Placement::Reference)?;
        let mut renamed = None;
        for action in actions {
            check_ids(&name, &entry, action, run)?;
            self.check_action(&name, &entry, action)?;
            if let AlterAction::RenameTo(to) = action {
                renamed = Some(self.full_name(to)?);
            }
        }
        if let Some(sharding) = entry.sharding()
            && sharding
                .key
                .iter()
                .any(|k| matches!(k.kind, catalog::KeyType::Text { .. }))
            && changes_collation(run)
        {
            let table = name.to_string();
            return Err(DdlError::KeyCollation { table }.into());
        }
        match renamed {
            Some(to) if actions.len() == 1 => {
                let renames = vec![(name.clone(), to.clone())];
                let placements = [(to.clone(), entry.placement.clone())];
                let step = JobStep {
                    objects: vec![name, to.clone()],
                    shards: self.shards_of(&entry),
                    sql: String::from_utf8_lossy(run.text).into_owned(),
                };
                self.rename(step, renames, &placements).await?;
                self.renamed(vec![to]).await;
                Ok(())
            }
            Some(_) => Err(DdlError::RenameWithChanges.into()),
            None => self.alter_and_look(&name, &entry, actions, run).await,
        }
    }

    /// A change that only the shards' tables see (indexes).
    pub(super) async fn alter_plain(
        &mut self,
        table: &ObjectName,
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let (name, entry) = self.table(table)?;
        self.alter_and_look(&name, &entry, &[], run).await
    }

    pub(super) async fn create_index(
        &mut self,
        table: &ObjectName,
        unique: bool,
        columns: &[String],
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let (name, entry) = self.table(table)?;
        if unique {
            self.check_action(&name, &entry, &AlterAction::UniqueKey(columns.to_vec()))?;
        }
        self.alter_and_look(&name, &entry, &[], run).await
    }

    async fn alter_and_look(
        &mut self,
        name: &TableName,
        entry: &Table,
        actions: &[AlterAction],
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let shards = self.shards_of(entry);
        let sql = String::from_utf8_lossy(run.text).into_owned();
        let mut job = self.start_job(&sql, vec![name.clone()], &shards).await?;
        self.refusing_first(&mut job, entry, actions, run).await?;
        self.run_job(&mut job, &sql).await?;
        let wanted = Wanted::Like(entry.placement.clone());
        let now = self
            .table_entry(name, wanted, shards[0], Some(entry))
            .await?;
        let now = Table {
            id: entry.id,
            ..now
        };
        self.finish_job(&job, Effect::put_table(&now)).await?;
        // A column that they refer to may have another name.
        let changed = referring(&self.worker.catalog(), std::slice::from_ref(name));
        self.read_again(&changed).await;
        self.raise_ids(&now, run).await
    }

    fn check_action(
        &self,
        name: &TableName,
        entry: &Table,
        action: &AlterAction,
    ) -> Result<(), Stop> {
        if let AlterAction::ForeignKey(fk) = action {
            return self.check_foreign_key(name, &entry.placement, fk);
        }
        let Placement::Sharded(s) = &entry.placement else {
            return Ok(());
        };
        let table = name.to_string();
        let refused = match action {
            AlterAction::Column(c) if s.key_index(c).is_some() => {
                let column = c.clone();
                DdlError::KeyColumn { table, column }
            }
            AlterAction::UniqueKey(columns) if has_ids(entry, columns) => return Ok(()),
            AlterAction::UniqueKey(columns) => {
                let has = |k: &catalog::KeyColumn| {
                    columns.iter().any(|c| c.eq_ignore_ascii_case(&k.name))
                };
                match s.key.iter().find(|k| !has(k)) {
                    None => return Ok(()),
                    Some(missing) => {
                        let column = missing.name.clone();
                        DdlError::UniqueWithoutKey { table, column }
                    }
                }
            }
            AlterAction::RuleComment => DdlError::RuleComment { table },
            AlterAction::ExchangePartition => DdlError::ExchangePartition { table },
            _ => return Ok(()),
        };
        Err(refused.into())
    }
}

/// True if a unique key of these columns is unique over the shards because it has the ids.
fn has_ids(entry: &Table, columns: &[String]) -> bool {
    let id = entry.sequence_key();
    id.is_some_and(|id| columns.iter().any(|c| c.eq_ignore_ascii_case(id)))
}

/// A column whose values are unique because the proxies give them stays one.
fn check_ids(
    name: &TableName,
    entry: &Table,
    action: &AlterAction,
    run: Run<'_>,
) -> Result<(), Stop> {
    let (Some(id), AlterAction::Column(column)) = (entry.sequence_key(), action) else {
        return Ok(());
    };
    let word = |t: &sql::Token| router::traits::is_word(run.text, *t, b"AUTO_INCREMENT");
    if !id.eq_ignore_ascii_case(column) || run.lexed.tokens.iter().any(word) {
        return Ok(());
    }
    let (table, column) = (name.to_string(), column.clone());
    Err(DdlError::IdColumn { table, column }.into())
}

fn changes_collation(run: Run<'_>) -> bool {
    let words: [&[u8]; 3] = [b"CONVERT", b"COLLATE", b"CHARSET"];
    run.lexed.tokens.iter().any(|t| {
        words
            .iter()
            .any(|w| router::traits::is_word(run.text, *t, w))
    })
}
