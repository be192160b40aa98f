//! The catalog as earlier versions read it: while a cluster is upgraded, proxies of one ask nodes of the
//! next. What they could not read is left out or told in their words; they cannot do with it anyway.

use crate::job::{Job, JobId};
use crate::model::*;
use crate::record::TableRecord;
use crate::shard::Shard;
use crate::user::User;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The shape of the JSON that this version writes. Who does not say which one it reads, reads shape 1.
pub const SHAPE: u32 = 2;

/// A catalog that is written in shape 1: a shard is the address of its primary, and each sharded table has
/// its function.
pub struct Shape1<'a>(pub &'a Catalog);

#[derive(Serialize)]
struct Catalog1<'a> {
    epoch: u64,
    last_id: u64,
    shards: BTreeMap<ShardId, Shard1<'a>>,
    databases: &'a BTreeMap<String, Database>,
    tables: Vec<TableRecord>,
    rules: Vec<(&'a TableName, &'a PendingRule)>,
    jobs: &'a BTreeMap<JobId, Job>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    users: &'a BTreeMap<String, User>,
}

#[derive(Serialize)]
struct Shard1<'a> {
    id: ShardId,
    name: &'a str,
    host: &'a str,
    port: u16,
    disabled: bool,
}

impl<'a> From<&'a Shard> for Shard1<'a> {
    fn from(s: &'a Shard) -> Self {
        let (host, port) = s.primary().address();
        Shard1 {
            id: s.id,
            name: &s.name,
            host,
            port,
            disabled: s.disabled,
        }
    }
}

fn table_1(t: &Table) -> TableRecord {
    TableRecord {
        definition: None,
        ..t.into()
    }
}

impl Serialize for Shape1<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let c = self.0;
        let shards = c.shards.iter().map(|(id, s)| (*id, s.into()));
        let catalog = Catalog1 {
            epoch: c.epoch,
            last_id: c.last_id,
            shards: shards.collect(),
            databases: &c.databases,
            tables: c.tables.values().map(|t| table_1(t)).collect(),
            rules: c.rules.iter().collect(),
            jobs: &c.jobs,
            users: &c.users,
        };
        catalog.serialize(s)
    }
}
