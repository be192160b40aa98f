//! Sharding functions as rules state them: partitions with their bounds and their shards. A table group is
//! made of one, and what a proposal says of a group is one again.

use crate::key::KeyValue;
use crate::model::ShardId;
use crate::slot::even_uppers;
use serde::{Deserialize, Serialize};

/// The text form of a bound or list value, as the rule gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Upper {
    /// NULL (lists only).
    Null,
    /// A number.
    Number(String),
    /// A string.
    Text(String),
    /// Above everything (ranges only).
    MaxValue,
}

/// A bound that compares with key values; NULL lowest, MAXVALUE highest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RangeBound {
    /// A value.
    Value(KeyValue),
    /// Above everything.
    MaxValue,
}

/// A partition of a hash table: slots below `upper_slot` and not below the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashPartition {
    /// First slot that is not its own.
    pub upper_slot: u16,
    /// Where it lives.
    pub shard: ShardId,
}

/// A partition of a range table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangePartition {
    /// Its name.
    pub name: String,
    /// Exclusive upper bound.
    pub upper: Vec<Upper>,
    /// Where it lives.
    pub shard: ShardId,
}

/// A partition of a list table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPartition {
    /// Its name.
    pub name: String,
    /// Its values; `None` is DEFAULT.
    pub values: Option<Vec<Vec<Upper>>>,
    /// Where it lives.
    pub shard: ShardId,
}

/// The kinds of functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FunctionKind {
    /// By CRC32 of the key's canonical text.
    Hash,
    /// By intervals.
    Range,
    /// By sets of values.
    List,
}

impl FunctionKind {
    /// hash, range or list.
    pub fn name(self) -> &'static str {
        match self {
            FunctionKind::Hash => "hash",
            FunctionKind::Range => "range",
            FunctionKind::List => "list",
        }
    }
}

/// How keys map to partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Function {
    /// CRC32 of the canonical text, in ascending slot ranges.
    Hash(Vec<HashPartition>),
    /// Half-open intervals in ascending order.
    Range(Vec<RangePartition>),
    /// Sets of values.
    List(Vec<ListPartition>),
}

/// No partition takes the value (MySQL's ER_NO_PARTITION_FOR_GIVEN_VALUE, 1526).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no partition for this value of the sharding key")]
pub struct NoPartition;

impl Function {
    /// A hash function spread evenly over `shards`.
    pub fn even_hash(shards: &[ShardId]) -> Function {
        let uppers = even_uppers(shards.len());
        let parts = uppers.into_iter().zip(shards);
        Function::Hash(
            parts
                .map(|(upper_slot, &shard)| HashPartition { upper_slot, shard })
                .collect(),
        )
    }

    /// Which of the three it is.
    pub fn kind(&self) -> FunctionKind {
        match self {
            Function::Hash(_) => FunctionKind::Hash,
            Function::Range(_) => FunctionKind::Range,
            Function::List(_) => FunctionKind::List,
        }
    }
}
