//! Reads the catalog as this and earlier versions wrote it: in files, in backups and on the way to proxies.
//!
//! Shape 1 had the function in every sharded table, and shards were one address. The number of a group is
//! the same in both, so the groups of shape 1 are those that its tables name.

use crate::definition::TableDefinition;
use crate::group::TableGroup;
use crate::job::{Job, JobId};
use crate::model::*;
use crate::record::TableRecord;
use crate::shard::Shard;
use crate::user::User;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

#[derive(Deserialize)]
pub(crate) struct Stored {
    epoch: u64,
    last_id: u64,
    shards: BTreeMap<ShardId, Shard>,
    databases: BTreeMap<String, Database>,
    #[serde(default)]
    groups: Vec<TableGroup>,
    tables: Vec<TableRecord>,
    rules: Vec<(TableName, PendingRule)>,
    jobs: BTreeMap<JobId, Job>,
    #[serde(default)]
    users: BTreeMap<String, User>,
}

impl TryFrom<Stored> for Catalog {
    type Error = String;

    fn try_from(s: Stored) -> Result<Catalog, String> {
        let groups = s.groups.into_iter().map(|g| (g.id, Arc::new(g)));
        let mut catalog = Catalog {
            epoch: s.epoch,
            last_id: s.last_id,
            shards: s.shards,
            databases: s.databases,
            groups: Arc::new(groups.collect()),
            tables: Arc::default(),
            rules: s.rules.into_iter().collect(),
            jobs: s.jobs,
            users: Arc::new(s.users),
        };
        // Tables of the same making are common where every tenant has its own database.
        let mut definitions: HashSet<Arc<TableDefinition>> = HashSet::new();
        for mut table in s.tables {
            let name = table.name.clone();
            if let Some(own) = &mut table.definition {
                match definitions.get(&*own) {
                    Some(known) => *own = known.clone(),
                    None => drop(definitions.insert(own.clone())),
                }
            }
            let put = catalog.put_record(table);
            put.map_err(|why| format!("table {name}: {why}"))?;
        }
        Ok(catalog)
    }
}
