//! Foreign keys of new and changed tables: they must find their rows on the shard of the row, and must not
//! let a server change a sharding key.

use super::Change;
use super::create::Wanted;
use crate::session::Stop;
use crate::session::settings::is_on;
use catalog::definition::{Action, ForeignKey};
use catalog::{Placement, Table, TableName};
use errors::{ClientError, DdlError};
use schema::foreign_key::stays_on_one_shard;
use schema::server_changes;
use sql::ddl::{ForeignKeyClause, ReferenceAction};

fn action(a: ReferenceAction) -> Action {
    match a {
        ReferenceAction::Restrict => Action::Restrict,
        ReferenceAction::Cascade => Action::Cascade,
        ReferenceAction::SetNull => Action::SetNull,
        ReferenceAction::SetDefault => Action::SetDefault,
    }
}

fn crossing(name: &TableName, other: &TableName) -> Stop {
    let (table, other) = (name.to_string(), other.to_string());
    DdlError::ForeignKey { table, other }.into()
}

impl Change<'_> {
    /// A foreign key of a table that is not there yet, as far as it can be judged: a shard that does not have
    /// the other table would refuse its part of the new one.
    pub(super) fn check_new_reference(
        &self,
        name: &TableName,
        wanted: &Wanted,
        fk: &ForeignKeyClause,
    ) -> Result<(), Stop> {
        match wanted {
            Wanted::Like(placement) => self.check_foreign_key(name, placement, fk),
            Wanted::Rule(_) => {
                let target = self.target(name, fk)?;
                match self.find(&target).map(|t| t.placement.clone()) {
                    Some(Placement::Single(_) | Placement::View(_)) => Err(crossing(name, &target)),
                    None if target != *name => self.missing_target(&target),
                    _ => Ok(()),
                }
            }
        }
    }

    /// A foreign key that ALTER TABLE adds.
    pub(super) fn check_foreign_key(
        &self,
        name: &TableName,
        placement: &Placement,
        fk: &ForeignKeyClause,
    ) -> Result<(), Stop> {
        let key = ForeignKey {
            name: String::new(),
            columns: fk.columns.clone(),
            table: self.target(name, fk)?,
            referred: fk.referred.clone(),
            on_update: action(fk.on_update),
            on_delete: action(fk.on_delete),
        };
        if key.table != *name && self.find(&key.table).is_none() {
            return self.missing_target(&key.table);
        }
        self.check_reference(name, placement, &key)
    }

    fn target(&self, name: &TableName, fk: &ForeignKeyClause) -> Result<TableName, Stop> {
        let database = fk.table.database.clone();
        self.full_name(&sql::ObjectName {
            database: database.or_else(|| Some(name.database.clone())),
            name: fk.table.name.clone(),
        })
    }

    /// A dump makes tables in the order of their names; whether the key stays on one shard is judged when
    /// the other table comes.
    fn missing_target(&self, target: &TableName) -> Result<(), Stop> {
        let checks = self.client.settings.all.get("foreign_key_checks");
        match checks.is_none_or(is_on) {
            true => Err(ClientError::no_such_table(&target.database, &target.table).into()),
            false => Ok(()),
        }
    }

    /// A new table: its own foreign keys, and those of others that have waited for a table of its name.
    pub(super) fn check_references(&self, table: &Table) -> Result<(), Stop> {
        for key in &table.definition.foreign_keys {
            if key.table == table.name || self.find(&key.table).is_some() {
                self.check_reference(&table.name, &table.placement, key)?;
            }
        }
        let mut catalog = (*self.worker.catalog()).clone();
        catalog.insert_table(table.clone());
        for other in catalog.tables.values().filter(|t| t.name != table.name) {
            let mut keys = other.definition.foreign_keys.iter();
            let stays = |k: &ForeignKey| {
                k.table != table.name
                    || stays_on_one_shard(&catalog, &other.name, &other.placement, k)
            };
            if !keys.all(stays) {
                return Err(crossing(&other.name, &table.name));
            }
        }
        Ok(())
    }

    fn check_reference(
        &self,
        name: &TableName,
        placement: &Placement,
        key: &ForeignKey,
    ) -> Result<(), Stop> {
        let catalog = self.worker.catalog();
        if !stays_on_one_shard(&catalog, name, placement, key) {
            return Err(crossing(name, &key.table));
        }
        if let Placement::Sharded(s) = placement {
            let checked = server_changes::check_foreign_key(&catalog, name, s, key);
            let table = name.to_string();
            checked.map_err(|why| DdlError::ServerChangesKey { table, why })?;
        }
        Ok(())
    }
}
