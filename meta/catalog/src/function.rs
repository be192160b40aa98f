//! Sharding functions: from a key to its partition, from a partition to its shard.

use crate::key::{HashText, KeyType, KeyValue};
use crate::model::{KeyColumn, ShardId};
use crate::slot::{even_uppers, slot_of};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

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

    /// Name of the function: hash, range or list.
    pub fn name(&self) -> &'static str {
        match self {
            Function::Hash(_) => "hash",
            Function::Range(_) => "range",
            Function::List(_) => "list",
        }
    }

    /// Every shard that holds a partition, each once, ascending.
    pub fn shards(&self) -> SmallVec<[ShardId; 8]> {
        let mut out: SmallVec<[ShardId; 8]> = match self {
            Function::Hash(p) => p.iter().map(|p| p.shard).collect(),
            Function::Range(p) => p.iter().map(|p| p.shard).collect(),
            Function::List(p) => p.iter().map(|p| p.shard).collect(),
        };
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Partitions in all.
    pub fn partitions(&self) -> usize {
        match self {
            Function::Hash(p) => p.len(),
            Function::Range(p) => p.len(),
            Function::List(p) => p.len(),
        }
    }
}

/// A function with its bounds turned into comparable values; made once a catalog.
#[derive(Debug, Clone)]
pub struct Compiled {
    types: Vec<KeyType>,
    shards: Vec<ShardId>,
    kind: CompiledKind,
}

#[derive(Debug, Clone)]
enum CompiledKind {
    Hash {
        uppers: Vec<u16>,
    },
    Range {
        uppers: Vec<Vec<RangeBound>>,
    },
    List {
        values: Vec<(Vec<KeyValue>, usize)>,
        default: Option<usize>,
    },
}

impl Compiled {
    /// Checks the rule against its key and compiles it.
    pub fn new(function: &Function, key: &[KeyColumn]) -> Result<Compiled, String> {
        let types: Vec<KeyType> = key.iter().map(|k| k.kind.clone()).collect();
        let (kind, shards) = match function {
            Function::Hash(parts) => compile_hash(parts)?,
            Function::Range(parts) => compile_range(parts, &types)?,
            Function::List(parts) => compile_list(parts, &types)?,
        };
        Ok(Compiled {
            types,
            shards,
            kind,
        })
    }

    /// Columns of the key.
    pub fn width(&self) -> usize {
        self.types.len()
    }

    /// Type of a key column.
    pub fn key_type(&self, column: usize) -> Option<&KeyType> {
        self.types.get(column)
    }

    /// The partition of a whole key.
    pub fn partition(&self, key: &[KeyValue]) -> Result<usize, NoPartition> {
        match &self.kind {
            CompiledKind::Hash { uppers } => {
                let mut text = HashText::default();
                for (i, (value, kind)) in key.iter().zip(&self.types).enumerate() {
                    if i > 0 {
                        text.put(b",");
                    }
                    kind.hash_text(value, &mut text);
                }
                let slot = slot_of(text.bytes());
                Ok(uppers.partition_point(|u| *u <= slot))
            }
            CompiledKind::Range { uppers } => {
                let at = uppers.partition_point(|u| below_or_equal(u, key));
                if at == uppers.len() {
                    Err(NoPartition)
                } else {
                    Ok(at)
                }
            }
            CompiledKind::List { values, default } => values
                .binary_search_by(|(v, _)| v.as_slice().cmp(key))
                .ok()
                .and_then(|i| values.get(i).map(|(_, p)| *p))
                .or(*default)
                .ok_or(NoPartition),
        }
    }

    /// The shard of a whole key.
    pub fn shard(&self, key: &[KeyValue]) -> Result<ShardId, NoPartition> {
        let p = self.partition(key)?;
        self.shards.get(p).copied().ok_or(NoPartition)
    }

    /// Shards that may hold keys whose first column lies between two inclusive bounds.
    /// Only ranges can tell; for other functions this is `None`, meaning all.
    pub fn shards_between(
        &self,
        low: Option<&KeyValue>,
        high: Option<&KeyValue>,
    ) -> Option<SmallVec<[ShardId; 8]>> {
        let CompiledKind::Range { uppers } = &self.kind else {
            return None;
        };
        let mut out = SmallVec::new();
        for (i, upper) in uppers.iter().enumerate() {
            let lower = i.checked_sub(1).and_then(|p| uppers[p].first());
            let starts_behind = match (lower, high) {
                (Some(RangeBound::Value(l)), Some(h)) => h < l,
                (Some(RangeBound::MaxValue), _) => true,
                _ => false,
            };
            // With one column the upper bound itself is outside; with more, an equal first column
            // may still be below the tuple.
            let ends_before = match (upper.first(), low) {
                (Some(RangeBound::Value(u)), Some(l)) if self.types.len() == 1 => u <= l,
                (Some(RangeBound::Value(u)), Some(l)) => u < l,
                _ => false,
            };
            if !starts_behind && !ends_before {
                out.extend(self.shards.get(i).copied());
            }
        }
        out.sort_unstable();
        out.dedup();
        Some(out)
    }
}

/// True if the exclusive upper bound lies at or below the key, so the key is behind it.
fn below_or_equal(upper: &[RangeBound], key: &[KeyValue]) -> bool {
    for (u, k) in upper.iter().zip(key) {
        match u {
            RangeBound::MaxValue => return false,
            RangeBound::Value(u) if u < k => return true,
            RangeBound::Value(u) if u > k => return false,
            RangeBound::Value(_) => {}
        }
    }
    true
}

type Parts = (CompiledKind, Vec<ShardId>);

fn compile_hash(parts: &[HashPartition]) -> Result<Parts, String> {
    let uppers: Vec<u16> = parts.iter().map(|p| p.upper_slot).collect();
    let ascending = uppers.windows(2).all(|w| w[0] < w[1]);
    if !ascending || uppers.last() != Some(&crate::slot::SLOTS) {
        return Err("hash partitions do not cover all slots".to_string());
    }
    Ok((
        CompiledKind::Hash { uppers },
        parts.iter().map(|p| p.shard).collect(),
    ))
}

fn value_of(kind: &KeyType, upper: &Upper) -> Result<KeyValue, String> {
    let v = match upper {
        Upper::Null => return Ok(KeyValue::Null),
        Upper::MaxValue => return Err("MAXVALUE is no value".to_string()),
        Upper::Number(n) => match n.parse::<i128>() {
            Ok(n) => kind.from_int(n, crate::Use::Compare),
            Err(_) => kind.from_decimal(n),
        },
        Upper::Text(s) => kind.from_text(s.as_bytes(), true, crate::Use::Compare),
    };
    v.map_err(|e| format!("the value {} cannot be used: {e}", show(upper)))
}

fn show(u: &Upper) -> String {
    match u {
        Upper::Null => "NULL".to_string(),
        Upper::MaxValue => "MAXVALUE".to_string(),
        Upper::Number(n) => n.clone(),
        Upper::Text(s) => format!("'{s}'"),
    }
}

fn check_width(n: usize, types: &[KeyType], partition: &str) -> Result<(), String> {
    if n == types.len() {
        return Ok(());
    }
    Err(format!(
        "partition {partition} has {n} values for a key of {} columns",
        types.len()
    ))
}

fn compile_range(parts: &[RangePartition], types: &[KeyType]) -> Result<Parts, String> {
    if types
        .iter()
        .any(|t| matches!(t, KeyType::Text { rule, .. } if !rule.ordered))
    {
        return Err(
            "the order of this collation is not known exactly; use a _bin or \
                    _general_ci column for a range rule"
                .to_string(),
        );
    }
    let mut uppers: Vec<Vec<RangeBound>> = Vec::new();
    for p in parts {
        let mut bound = Vec::new();
        let whole_max = p.upper.len() == 1 && p.upper[0] == Upper::MaxValue;
        if !whole_max {
            check_width(p.upper.len(), types, &p.name)?;
        }
        for (u, t) in p.upper.iter().zip(types) {
            bound.push(match u {
                Upper::MaxValue => RangeBound::MaxValue,
                Upper::Null => return Err("NULL cannot bound a range".to_string()),
                u => RangeBound::Value(value_of(t, u)?),
            });
        }
        if uppers.last().is_some_and(|last| *last >= bound) {
            return Err(format!(
                "partition {} does not lie above the one before: bounds must ascend",
                p.name
            ));
        }
        uppers.push(bound);
    }
    Ok((
        CompiledKind::Range { uppers },
        parts.iter().map(|p| p.shard).collect(),
    ))
}

fn compile_list(parts: &[ListPartition], types: &[KeyType]) -> Result<Parts, String> {
    let (mut values, mut default) = (Vec::new(), None);
    for (i, p) in parts.iter().enumerate() {
        let Some(list) = &p.values else {
            if default.replace(i).is_some() {
                return Err("two DEFAULT partitions".to_string());
            }
            continue;
        };
        for tuple in list {
            check_width(tuple.len(), types, &p.name)?;
            let key: Result<Vec<_>, _> = tuple
                .iter()
                .zip(types)
                .map(|(u, t)| value_of(t, u))
                .collect();
            values.push((key?, i));
        }
    }
    values.sort();
    if let Some(w) = values.windows(2).find(|w| w[0].0 == w[1].0) {
        return Err(format!(
            "a value is listed in partition {} and again in {}",
            parts[w[0].1].name, parts[w[1].1].name
        ));
    }
    Ok((
        CompiledKind::List { values, default },
        parts.iter().map(|p| p.shard).collect(),
    ))
}

#[cfg(test)]
mod tests;
