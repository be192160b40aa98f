//! Table groups: partitions with their bounds and their shards, shared by every table of the group.

mod compiled;

pub use compiled::Compiled;

use crate::function::{
    Function, FunctionKind, HashPartition, ListPartition, NoPartition, RangePartition, Upper,
};
use crate::key::{KeyType, KeyValue};
use crate::model::{GroupId, KeyColumn, ShardId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Number of a partition within its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartitionId(pub u32);

/// What a partition takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bounds {
    /// Of a hash function: ranges of slots, each from its first slot to the one behind its last.
    Slots(Vec<(u16, u16)>),
    /// Of a range function: keys below this, and not below the partition before.
    Below(Vec<Upper>),
    /// Of a list function: these keys.
    Values(Vec<Vec<Upper>>),
    /// Of a list function: what no other partition takes.
    Default,
}

/// What is going on with a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartitionState {
    /// Its rows are on its shard, and nowhere else.
    #[default]
    Normal,
}

/// A part of the rows of a group's tables, which lives on one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its number.
    pub id: PartitionId,
    /// Its name; those of hash functions are called p0, p1 and so on, as a server calls them.
    pub name: String,
    /// What it takes.
    pub bounds: Bounds,
    /// Where it lives.
    pub shard: ShardId,
    /// What is going on with it.
    #[serde(default, skip_serializing_if = "PartitionState::is_normal")]
    pub state: PartitionState,
}

impl PartitionState {
    fn is_normal(&self) -> bool {
        *self == PartitionState::Normal
    }
}

/// Tables whose equal keys live together: what they share.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "StoredGroup")]
pub struct TableGroup {
    /// Its number; 0 before the catalog has given one.
    pub id: GroupId,
    kind: FunctionKind,
    /// Types of the key, each as wide as it goes: tables with narrower ones share the group.
    key: Vec<KeyType>,
    /// Of ranges in ascending order.
    partitions: Vec<Partition>,
    #[serde(skip)]
    compiled: Compiled,
    /// Those that hold a partition, each once, ascending.
    #[serde(skip)]
    shards: Vec<ShardId>,
}

impl PartialEq for TableGroup {
    fn eq(&self, o: &Self) -> bool {
        self.id == o.id && self.is_placed_like(o)
    }
}

impl Eq for TableGroup {}

#[derive(Deserialize)]
struct StoredGroup {
    id: GroupId,
    kind: FunctionKind,
    key: Vec<KeyType>,
    partitions: Vec<Partition>,
}

impl TryFrom<StoredGroup> for TableGroup {
    type Error = String;
    fn try_from(g: StoredGroup) -> Result<Self, String> {
        TableGroup::new(g.id, g.kind, g.key, g.partitions)
    }
}

impl TableGroup {
    /// Checks the partitions against the key and against each other.
    pub fn new(
        id: GroupId,
        kind: FunctionKind,
        key: Vec<KeyType>,
        partitions: Vec<Partition>,
    ) -> Result<TableGroup, String> {
        let compiled = Compiled::new(kind, &key, &partitions)?;
        let mut shards: Vec<_> = partitions.iter().map(|p| p.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        Ok(TableGroup {
            id,
            kind,
            key,
            partitions,
            compiled,
            shards,
        })
    }

    /// The group that a rule's function makes for a key.
    pub fn of_function(
        id: GroupId,
        function: &Function,
        key: &[KeyColumn],
    ) -> Result<TableGroup, String> {
        let key = key.iter().map(|k| k.kind.widest()).collect();
        TableGroup::new(id, function.kind(), key, partitions(function))
    }

    /// Which of the three functions it has.
    pub fn kind(&self) -> FunctionKind {
        self.kind
    }

    /// The partitions; a [`Compiled`] function gives their places in this list.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// Every shard that holds a partition, each once, ascending.
    pub fn shards(&self) -> &[ShardId] {
        &self.shards
    }

    /// The function, ready to run.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// True if tables of both have equal keys in the same places, whatever the groups' numbers.
    pub fn is_placed_like(&self, o: &TableGroup) -> bool {
        (self.kind, &self.key, &self.partitions) == (o.kind, &o.key, &o.partitions)
    }

    /// The function as a rule would state it. Names of hash partitions are lost.
    pub fn function(&self) -> Function {
        let parts = self.partitions.iter();
        match self.kind {
            FunctionKind::Hash => Function::Hash(hash_parts(&self.partitions)),
            FunctionKind::Range => {
                let part = |p: &Partition| match &p.bounds {
                    Bounds::Below(upper) => Some(RangePartition {
                        name: p.name.clone(),
                        upper: upper.clone(),
                        shard: p.shard,
                    }),
                    _ => None,
                };
                Function::Range(parts.filter_map(part).collect())
            }
            FunctionKind::List => {
                let part = |p: &Partition| ListPartition {
                    name: p.name.clone(),
                    values: match &p.bounds {
                        Bounds::Values(v) => Some(v.clone()),
                        _ => None,
                    },
                    shard: p.shard,
                };
                Function::List(parts.map(part).collect())
            }
        }
    }
}

fn hash_parts(partitions: &[Partition]) -> Vec<HashPartition> {
    let ranges = |p: &Partition| match &p.bounds {
        Bounds::Slots(ranges) => ranges.iter().map(|r| (r.1, p.shard)).collect(),
        _ => Vec::new(),
    };
    let mut uppers: Vec<_> = partitions.iter().flat_map(ranges).collect();
    uppers.sort_unstable();
    uppers
        .into_iter()
        .map(|(upper_slot, shard)| HashPartition { upper_slot, shard })
        .collect()
}

fn partitions(function: &Function) -> Vec<Partition> {
    let parts: Vec<(String, Bounds, ShardId)> = match function {
        Function::Hash(parts) => {
            let froms = std::iter::once(0).chain(parts.iter().map(|p| p.upper_slot));
            let slots = froms.zip(parts).enumerate();
            slots
                .map(|(n, (from, p))| {
                    let range = (from, p.upper_slot);
                    (format!("p{n}"), Bounds::Slots(vec![range]), p.shard)
                })
                .collect()
        }
        Function::Range(parts) => parts
            .iter()
            .map(|p| (p.name.clone(), Bounds::Below(p.upper.clone()), p.shard))
            .collect(),
        Function::List(parts) => parts
            .iter()
            .map(|p| {
                let bounds = p.values.clone().map_or(Bounds::Default, Bounds::Values);
                (p.name.clone(), bounds, p.shard)
            })
            .collect(),
    };
    let numbered = (1..).zip(parts);
    numbered
        .map(|(n, (name, bounds, shard))| Partition {
            id: PartitionId(n),
            name,
            bounds,
            shard,
            state: PartitionState::Normal,
        })
        .collect()
}

/// How a sharded table is placed: its key, by its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sharding {
    /// The sharding key.
    pub key: Vec<KeyColumn>,
    /// Shared by the tables of the group; written as its number.
    #[serde(serialize_with = "number_of")]
    pub group: Arc<TableGroup>,
}

fn number_of<S: serde::Serializer>(group: &Arc<TableGroup>, s: S) -> Result<S::Ok, S::Error> {
    group.id.serialize(s)
}

impl Sharding {
    /// By a function, in a group of its own.
    pub fn new(key: Vec<KeyColumn>, function: Function, group: GroupId) -> Result<Self, String> {
        let group = TableGroup::of_function(group, &function, &key)?;
        let group = Arc::new(group);
        Ok(Self { key, group })
    }

    /// In a group that there is, if keys of these types hash and compare as those of its tables.
    pub fn in_group(key: Vec<KeyColumn>, group: Arc<TableGroup>) -> Result<Self, String> {
        let widest = key.iter().map(|k| k.kind.widest());
        if !widest.eq(group.key.iter().cloned()) {
            return Err("the types of the keys differ".to_string());
        }
        Ok(Self { key, group })
    }

    /// True if equal keys of both live together.
    pub fn is_placed_like(&self, other: &Sharding) -> bool {
        Arc::ptr_eq(&self.group, &other.group) || self.group.is_placed_like(&other.group)
    }

    /// Index of a column in the key (column names ignore case).
    pub fn key_index(&self, column: &str) -> Option<usize> {
        self.key
            .iter()
            .position(|k| k.name.eq_ignore_ascii_case(column))
    }

    /// Every shard that holds a partition, each once, ascending.
    pub fn shards(&self) -> &[ShardId] {
        self.group.shards()
    }

    /// The shard of a whole key.
    pub fn shard(&self, key: &[KeyValue]) -> Result<ShardId, NoPartition> {
        self.group.compiled.shard(key)
    }
}

#[cfg(test)]
mod tests;
