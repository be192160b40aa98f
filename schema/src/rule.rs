//! From a rule as it was written to a placement, checked against the catalog and the table's columns.

use crate::key::sharding_key;
use catalog::definition::TableDefinition;
use catalog::function::{ListPartition, RangePartition};
use catalog::{Catalog, Function, GroupId, Placement, ShardId, Sharding, Upper};
use errors::NameError;
use sql::shard_by::{ListPart, RangePart, Rule, RuleValue, ShardBy};

/// Every shard that a rule names must exist.
pub fn check_shard_names(catalog: &Catalog, by: &ShardBy) -> Result<(), NameError> {
    let names: Vec<&String> = match by {
        ShardBy::Hash { shards, .. } => shards.iter().collect(),
        ShardBy::Range { parts, .. } => parts.iter().map(|p| &p.shard).collect(),
        ShardBy::List { parts, .. } => parts.iter().map(|p| &p.shard).collect(),
        ShardBy::Single { shard } => shard.iter().collect(),
        ShardBy::Reference => Vec::new(),
    };
    match names.into_iter().find(|n| catalog.shard_named(n).is_none()) {
        None => Ok(()),
        Some(missing) => Err(unknown_shard(catalog, missing)),
    }
}

/// The error of a shard that a statement names and that is not there.
pub fn unknown_shard(catalog: &Catalog, shard: &str) -> NameError {
    NameError::UnknownShard {
        shard: shard.to_string(),
        shards: catalog.shards.values().map(|s| &s.name).collect(),
    }
}

/// The placement of a sharded table with these columns; `database` is for a WITH table without one.
pub fn placement(
    catalog: &Catalog,
    database: Option<&str>,
    rule: &Rule,
    definition: &TableDefinition,
) -> Result<Placement, String> {
    let (columns, function) = function(catalog, &rule.by)?;
    let key = sharding_key(definition, columns)?;
    let sharding = match &rule.with {
        None => Sharding::new(key, function, GroupId(0))?,
        Some(with) => {
            let database = with.database.as_deref().or(database).unwrap_or_default();
            let table = catalog.table(database, &with.name);
            let table = table.ok_or_else(|| format!("WITH {with}: there is no such table"))?;
            let Some(model) = table.sharding() else {
                return Err(format!("WITH {}: that table is not sharded", table.name));
            };
            let joined = Sharding::in_group(key, model.group.clone());
            let same_kind = function.kind() == model.group.kind();
            joined.ok().filter(|_| same_kind).ok_or_else(|| {
                format!(
                    "WITH {}: the function or the types of the keys differ, so equal keys would not \
                     live together",
                    table.name
                )
            })?
        }
    };
    Ok(Placement::Sharded(Box::new(sharding)))
}

fn function<'r>(catalog: &Catalog, by: &'r ShardBy) -> Result<(&'r [String], Function), String> {
    let id = |name: &String| -> Result<ShardId, String> {
        let shard = catalog.shard_named(name).map(|s| s.id);
        shard.ok_or_else(|| unknown_shard(catalog, name).to_string())
    };
    match by {
        ShardBy::Hash { columns, shards } => {
            let ids: Result<Vec<_>, _> = shards.iter().map(id).collect();
            let mut ids = ids?;
            if ids.is_empty() {
                ids = catalog.shard_ids();
            }
            Ok((columns, Function::even_hash(&ids)))
        }
        ShardBy::Range { columns, parts } => {
            let part = |p: &RangePart| {
                let upper = p.upper.iter().map(upper).collect();
                Ok(RangePartition {
                    name: p.name.clone(),
                    upper,
                    shard: id(&p.shard)?,
                })
            };
            let parts: Result<Vec<_>, String> = parts.iter().map(part).collect();
            Ok((columns, Function::Range(parts?)))
        }
        ShardBy::List { columns, parts } => {
            let part = |p: &ListPart| {
                let tuple = |t: &Vec<RuleValue>| t.iter().map(upper).collect();
                let values = p.values.as_ref().map(|v| v.iter().map(tuple).collect());
                Ok(ListPartition {
                    name: p.name.clone(),
                    values,
                    shard: id(&p.shard)?,
                })
            };
            let parts: Result<Vec<_>, String> = parts.iter().map(part).collect();
            Ok((columns, Function::List(parts?)))
        }
        ShardBy::Reference | ShardBy::Single { .. } => {
            Err("it has no sharding function".to_string())
        }
    }
}

fn upper(v: &RuleValue) -> Upper {
    match v {
        RuleValue::Number(n) => Upper::Number(n.clone()),
        RuleValue::Text(t) => Upper::Text(t.clone()),
        RuleValue::Null => Upper::Null,
        RuleValue::MaxValue => Upper::MaxValue,
    }
}
