//! A function with its bounds turned into comparable values, once a group.

use super::{Bounds, Partition};
use crate::function::{FunctionKind, NoPartition, RangeBound, Upper};
use crate::key::{HashText, KeyType, KeyValue, Use};
use crate::model::ShardId;
use crate::slot::{SLOTS, slot_of};
use smallvec::SmallVec;

/// From a key to its partition, from a partition to its shard.
#[derive(Debug, Clone)]
pub struct Compiled {
    types: Vec<KeyType>,
    shards: Vec<ShardId>,
    kind: CompiledKind,
}

#[derive(Debug, Clone)]
enum CompiledKind {
    Hash {
        /// The slot behind each range, ascending, and the partition that has the range.
        uppers: Vec<u16>,
        of: Vec<usize>,
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
    /// Checks the partitions against the key, and against each other.
    pub(super) fn new(
        kind: FunctionKind,
        types: &[KeyType],
        partitions: &[Partition],
    ) -> Result<Compiled, String> {
        let kind = match kind {
            FunctionKind::Hash => compile_hash(partitions)?,
            FunctionKind::Range => compile_range(partitions, types)?,
            FunctionKind::List => compile_list(partitions, types)?,
        };
        Ok(Compiled {
            types: types.to_vec(),
            shards: partitions.iter().map(|p| p.shard).collect(),
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
            CompiledKind::Hash { uppers, of } => {
                let mut text = HashText::default();
                for (i, (value, kind)) in key.iter().zip(&self.types).enumerate() {
                    if i > 0 {
                        text.put(b",");
                    }
                    kind.hash_text(value, &mut text);
                }
                let slot = slot_of(text.bytes());
                let range = uppers.partition_point(|u| *u <= slot);
                of.get(range).copied().ok_or(NoPartition)
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

fn wrong_kind(p: &Partition) -> String {
    format!("partition {} has bounds of another function", p.name)
}

fn compile_hash(parts: &[Partition]) -> Result<CompiledKind, String> {
    let mut ranges = Vec::new();
    for (i, p) in parts.iter().enumerate() {
        let Bounds::Slots(slots) = &p.bounds else {
            return Err(wrong_kind(p));
        };
        ranges.extend(slots.iter().map(|(from, to)| (*from, *to, i)));
    }
    ranges.sort_unstable();
    let mut covered = 0;
    for (from, to, _) in &ranges {
        if *from != covered || to <= from {
            return Err("hash partitions do not take every slot once".to_string());
        }
        covered = *to;
    }
    if covered != SLOTS {
        return Err("hash partitions do not cover all slots".to_string());
    }
    Ok(CompiledKind::Hash {
        uppers: ranges.iter().map(|r| r.1).collect(),
        of: ranges.iter().map(|r| r.2).collect(),
    })
}

fn value_of(kind: &KeyType, upper: &Upper) -> Result<KeyValue, String> {
    let v = match upper {
        Upper::Null => return Ok(KeyValue::Null),
        Upper::MaxValue => return Err("MAXVALUE is no value".to_string()),
        Upper::Number(n) => match n.parse::<i128>() {
            Ok(n) => kind.from_int(n, Use::Compare),
            Err(_) => kind.from_decimal(n, Use::Compare),
        },
        // A bound is no condition: text means its own digits, not the double next to them.
        Upper::Text(s) => {
            let usage = match kind {
                KeyType::Decimal { .. } => Use::Store,
                _ => Use::Compare,
            };
            kind.from_text(s.as_bytes(), true, usage)
        }
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

fn compile_range(parts: &[Partition], types: &[KeyType]) -> Result<CompiledKind, String> {
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
        let Bounds::Below(upper) = &p.bounds else {
            return Err(wrong_kind(p));
        };
        let mut bound = Vec::new();
        let whole_max = upper[..] == [Upper::MaxValue];
        if !whole_max {
            check_width(upper.len(), types, &p.name)?;
        }
        for (u, t) in upper.iter().zip(types) {
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
    Ok(CompiledKind::Range { uppers })
}

fn compile_list(parts: &[Partition], types: &[KeyType]) -> Result<CompiledKind, String> {
    let (mut values, mut default) = (Vec::new(), None);
    for (i, p) in parts.iter().enumerate() {
        let list = match &p.bounds {
            Bounds::Values(list) => list,
            Bounds::Default if default.replace(i).is_none() => continue,
            Bounds::Default => return Err("two DEFAULT partitions".to_string()),
            _ => return Err(wrong_kind(p)),
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
    Ok(CompiledKind::List { values, default })
}
