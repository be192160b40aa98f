//! Schema drift: a shard's table that is not what the catalog, or the other shards, say it is.

use crate::Cluster;
use crate::probe::connect;
use crate::refresh::{self, holders};
use admin_types::report::{Finding, Severity};
use catalog::definition::Column;
use catalog::{Catalog, Placement, ShardId, Table, TableDefinition};
use schema::{TableInfos, difference};
use shard::{Login, ShardError};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What to do about a table that a shard lacks.
const ABSENT: &str = "create it there as it is elsewhere, or DROP TABLE it through the proxy";
/// What to do about one that is not what the catalog says.
const CHANGED: &str = "somebody changed it behind the proxy: change it back, or take it over with shardctl \
                       table refresh";
/// What to do about one that is not the same on every shard.
const UNEQUAL: &str = "make the shards the same with ALTER TABLE";

/// Tables of one shard, by database.
pub(crate) type OnShard = BTreeMap<String, TableInfos>;

/// Reads the tables of the catalog's databases.
pub(crate) async fn read(login: &Login, catalog: &Catalog) -> Result<OnShard, ShardError> {
    let mut conn = connect(login).await?;
    let mut out = OnShard::new();
    for name in catalog.databases.keys() {
        let tables = schema::read::database(&mut conn, name).await?;
        out.insert(name.clone(), tables);
    }
    Ok(out)
}

/// Compares again and again; what is new goes to the log, and how much there is to a metric.
pub(crate) async fn watch(cluster: &Cluster, every: Duration) {
    let mut known: Vec<Finding> = Vec::new();
    loop {
        tokio::time::sleep(every).await;
        let catalog = cluster.catalog();
        // While structure changes, shards differ for a moment.
        if !catalog.jobs.is_empty() {
            continue;
        }
        let handles = cluster.shards.all();
        let mut shards = BTreeMap::new();
        for s in catalog.shards.values() {
            if let Some(handle) = handles.get(&s.name)
                && let Ok(tables) = read(handle.strongest(), &catalog).await
            {
                shards.insert(s.id, tables);
            }
        }
        let mut found = compare(&catalog, &shards);
        // A change since the comparison began would be mistaken for drift.
        if cluster.catalog().epoch != catalog.epoch {
            continue;
        }
        let (unknown, refused) = refresh::unknown(&catalog, &shards);
        found.extend(refused);
        refresh::take_over(cluster, catalog.epoch, unknown).await;
        for f in found.iter().filter(|f| !known.contains(f)) {
            tracing::warn!(table = f.subject, drift = f.text, "{}", f.advice);
        }
        cluster
            .schema_drift
            .store(found.len() as u64, Ordering::Relaxed);
        known = found;
    }
}

/// What differs, table by table. Shards that did not answer are left out.
pub(crate) fn compare(catalog: &Catalog, shards: &BTreeMap<ShardId, OnShard>) -> Vec<Finding> {
    let mut out = Vec::new();
    for table in catalog.tables.values() {
        let mut found: Vec<(ShardId, &TableDefinition)> = Vec::new();
        for id in holders(catalog, &table.placement) {
            let Some(shard) = shards.get(&id) else {
                continue;
            };
            let here = shard.get(&table.name.database);
            match here.and_then(|d| d.get(&table.name.table)) {
                Some(info) => found.push((id, &info.definition)),
                None => out.push(critical(
                    catalog,
                    table,
                    id,
                    "it is not there".into(),
                    ABSENT,
                )),
            }
        }
        out.extend(differences(catalog, table, &found));
    }
    out
}

fn critical(catalog: &Catalog, table: &Table, id: ShardId, text: String, advice: &str) -> Finding {
    let subject = format!("table {} on {}", table.name, catalog.shard_name(id));
    Finding::new(Severity::Critical, subject, text, advice)
}

/// What differs of one table: from the catalog where that knows it whole, from each other where not. What
/// the shards agree on can be taken over.
fn differences(
    catalog: &Catalog,
    table: &Table,
    found: &[(ShardId, &TableDefinition)],
) -> Vec<Finding> {
    let Some(((first, definition), others)) = found.split_first() else {
        return Vec::new();
    };
    let first = catalog.shard_name(*first);
    let mut unequal = Vec::new();
    for (id, here) in others {
        if let Some(text) = difference(here, definition, first) {
            unequal.push(critical(catalog, table, *id, text, UNEQUAL));
        }
    }
    let advice = match unequal.is_empty() {
        true => CHANGED,
        false => UNEQUAL,
    };
    let mut out = Vec::new();
    for (id, here) in found {
        if let Some(text) = against_catalog(table, here) {
            out.push(critical(catalog, table, *id, text, advice));
        }
    }
    match out.is_empty() {
        true => unequal,
        false => out,
    }
}

fn against_catalog(table: &Table, here: &TableDefinition) -> Option<String> {
    let known = &table.definition;
    let only_names = !known.is_whole() || matches!(table.placement, Placement::View(_));
    if !only_names {
        return difference(here, known, "the catalog");
    }
    // The types of a view's columns follow those of its tables; an earlier version knew no types at all,
    // and no invisible columns.
    let missing = known
        .columns
        .iter()
        .find(|c| here.column(&c.name).is_none());
    if let Some(c) = missing {
        return Some(format!(
            "it has no column {}, which the catalog has",
            c.name
        ));
    }
    let is_known = |c: &&Column| known.column(&c.name).is_some();
    let order = here.columns.iter().filter(is_known);
    let mut pairs = order.zip(&known.columns);
    let same = pairs.all(|(a, b)| a.name.eq_ignore_ascii_case(&b.name));
    (!same).then(|| {
        let names: Vec<_> = known.columns.iter().map(|c| c.name.as_str()).collect();
        let names = names.join(", ");
        format!("its columns have another order than the catalog has: {names}")
    })
}

#[cfg(test)]
mod tests;
