//! From a plan and the values of one execution to shards.

use crate::args::{Args, Source};
use crate::plan::{Keyed, RoutePlan, Target};
use crate::refusal::Refusal;
use catalog::{Catalog, KeyValue, ShardId, Use};
use smallvec::SmallVec;

/// Where one execution goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// One shard.
    One(ShardId),
    /// Any one shard.
    Any,
    /// Several shards, ascending, each with its part.
    Some(SmallVec<[ShardId; 8]>),
    /// All shards, with the same effect on each.
    Everywhere,
}

impl RoutePlan {
    /// Finds the shards for these values.
    pub fn route(&self, catalog: &Catalog, args: &Args<'_>) -> Result<Route, Refusal> {
        match &self.target {
            Target::Fixed(s) => Ok(Route::One(*s)),
            Target::Any => Ok(Route::Any),
            Target::Everywhere => Ok(Route::Everywhere),
            Target::Schema(need) => need.shard(catalog, args).map(Route::One),
            Target::Keyed {
                tables,
                home,
                scatter_block,
            } => {
                let mut shards: SmallVec<[ShardId; 8]> = SmallVec::new();
                for t in tables {
                    t.shards(args, &mut shards);
                }
                shards.extend(*home);
                shards.sort_unstable();
                shards.dedup();
                match (shards.as_slice(), scatter_block) {
                    // No partition holds such a key: any shard of the table finds nothing.
                    ([], _) => Ok(tables
                        .first()
                        .and_then(|t| t.table.sharding()?.function.shards().first().copied())
                        .map_or(Route::Any, Route::One)),
                    ([one], _) => Ok(Route::One(*one)),
                    (_, None) if home.is_none() => Ok(Route::Some(shards)),
                    (_, block) => Err(self.needs_several(catalog, &shards, block.as_deref())),
                }
            }
        }
    }

    fn needs_several(&self, catalog: &Catalog, shards: &[ShardId], block: Option<&str>) -> Refusal {
        let names: Vec<_> = shards.iter().map(|s| catalog.shard_name(*s)).collect();
        let why = block.unwrap_or("it combines a single table with rows of other shards");
        let keys: Vec<String> = match &self.target {
            Target::Keyed { tables, .. } => tables
                .iter()
                .filter_map(|t| {
                    let key: Vec<_> = t
                        .table
                        .sharding()?
                        .key
                        .iter()
                        .map(|k| k.name.as_str())
                        .collect();
                    Some(format!("{}({})", t.table.name, key.join(", ")))
                })
                .collect(),
            _ => Vec::new(),
        };
        Refusal::unsupported(format!(
            "This statement needs shards {} and cannot be put together from them yet: {why}. \
             Give the sharding key as a constant: {}",
            names.join(", "),
            keys.join(", ")
        ))
    }
}

impl Keyed {
    /// Adds the shards that may hold rows of this table for these values.
    fn shards(&self, args: &Args<'_>, out: &mut SmallVec<[ShardId; 8]>) {
        let Some(sharding) = self.table.sharding() else {
            return;
        };
        if let Some(points) = &self.points
            && self.by_points(points, args, out).is_some()
        {
            return;
        }
        if let Some((low, high)) = self.bounds
            && let Some(kind) = sharding.compiled.key_type(0)
        {
            let value =
                |s: Option<Source>| s.and_then(|s| args.key_value(s, kind, Use::Compare).ok());
            let (low, high) = (value(low), value(high));
            if let Some(some) = sharding
                .compiled
                .shards_between(low.as_ref(), high.as_ref())
            {
                out.extend(some);
                return;
            }
        }
        out.extend(sharding.function.shards());
    }

    /// `None` if a value cannot be placed exactly; then every shard may hold it.
    fn by_points(
        &self,
        points: &[SmallVec<[Source; 2]>],
        args: &Args<'_>,
        out: &mut SmallVec<[ShardId; 8]>,
    ) -> Option<()> {
        let sharding = self.table.sharding()?;
        let before = out.len();
        for point in points {
            let mut key: SmallVec<[KeyValue; 2]> = SmallVec::new();
            for (source, column) in point.iter().zip(&sharding.key) {
                match args.key_value(*source, &column.kind, Use::Compare) {
                    Ok(v) => key.push(v),
                    Err(_) => {
                        out.truncate(before);
                        return None;
                    }
                }
            }
            // A value that no partition takes is stored nowhere.
            if let Ok(s) = sharding.compiled.shard(&key)
                && !out.contains(&s)
            {
                out.push(s);
            }
        }
        Some(())
    }
}
