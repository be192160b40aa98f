//! What tables are made of, taken over from their shards: by order of a DBA, and for tables that an earlier
//! version made, by the drift check.

use crate::Cluster;
use crate::drift::OnShard;
use crate::probe::connect;
use admin_types::report::{Finding, Severity};
use catalog::{
    Answer, Catalog, Change, Command, Placement, Redefined, Rejected, ShardId, Table,
    TableDefinition, TableName,
};
use meta_client::MetaError;
use schema::{difference, redefined};
use std::collections::BTreeMap;
use std::time::Duration;

/// Tables of one change: with this many of them it stays well below the longest message.
const TABLES_PER_CHANGE: usize = 200;

/// How often a table is read while others change the catalog.
const TRIES_MAX: u32 = 5;

/// How long it waits for what they changed.
const CATCH_UP: Duration = Duration::from_secs(2);

/// A table that is to be read again.
pub(crate) struct Refresh {
    pub(crate) table: TableName,
    /// For the audit.
    pub(crate) who: String,
    /// Only say what would happen.
    pub(crate) dry_run: bool,
}

/// Shards that hold rows of a table, or its view.
pub(crate) fn holders(catalog: &Catalog, placement: &Placement) -> Vec<ShardId> {
    match placement {
        Placement::Single(s) | Placement::View(s) => vec![*s],
        Placement::Reference => catalog.shard_ids(),
        Placement::Sharded(s) => s.shards().to_vec(),
    }
}

fn refused(why: impl Into<String>) -> MetaError {
    Rejected::Invalid(why.into()).into()
}

/// Takes a table over as its shards have it, if they agree; the answer comes with what has changed.
pub(crate) async fn refresh(
    cluster: &Cluster,
    wanted: &Refresh,
) -> Result<(Answer, Vec<String>), MetaError> {
    let mut tries = 1;
    loop {
        let catalog = cluster.catalog();
        match refresh_at(cluster, &catalog, wanted).await {
            // Others change other things: it is read again, so that nothing older is taken over.
            Err(MetaError::Rejected(Rejected::Epoch { now, .. })) if tries < TRIES_MAX => {
                tries += 1;
                let mut news = cluster.meta.watch();
                let known = news.wait_for(|c| c.epoch >= now);
                // If it does not come, the next try says so.
                let _ = tokio::time::timeout(CATCH_UP, known).await;
            }
            done => return done,
        }
    }
}

async fn refresh_at(
    cluster: &Cluster,
    catalog: &Catalog,
    wanted: &Refresh,
) -> Result<(Answer, Vec<String>), MetaError> {
    let name = &wanted.table;
    let Some(table) = catalog.tables.get(name) else {
        return Err(Rejected::Missing(format!("table {name}")).into());
    };
    let mut found: Vec<(&str, TableDefinition)> = Vec::new();
    for id in holders(catalog, &table.placement) {
        let shard = catalog.shard_name(id);
        found.push((shard, read(cluster, shard, name).await?));
    }
    let borrowed: Vec<_> = found.iter().map(|(shard, d)| (*shard, d)).collect();
    let new = redefined(catalog, table, &borrowed)
        .map_err(|why| refused(format!("{name} cannot be taken over: {why}")))?;
    let known = &table.definition;
    let what = match difference(&new.definition, known, "the catalog") {
        _ if !known.is_whole() => "the catalog knew only names of columns".to_string(),
        Some(what) => what,
        None => "nothing has changed".to_string(),
    };
    let epoch = catalog.epoch;
    if wanted.dry_run || new.definition == *known {
        return Ok((Answer::Done { epoch }, vec![what]));
    }
    let change = Change::Catalog(Command::SetDefinitions { tables: vec![new] });
    let submitted = cluster.meta.submit(&wanted.who, change, Some(epoch));
    Ok((submitted.await?, vec![what]))
}

async fn read(
    cluster: &Cluster,
    shard: &str,
    name: &TableName,
) -> Result<TableDefinition, MetaError> {
    let handles = cluster.shards.all();
    let handle = handles.get(shard);
    let handle = handle.ok_or_else(|| refused(format!("no account for shard {shard}")))?;
    let read = async {
        let mut conn = connect(handle.strongest()).await?;
        schema::read::table(&mut conn, name).await
    };
    let read: Result<_, shard::ShardError> = read.await;
    let found = read.map_err(|e| refused(e.to_string()))?;
    let found = found.ok_or_else(|| refused(format!("there is no table {name} on {shard}")))?;
    Ok(found.definition)
}

/// Tables of which the catalog knows only names of columns, as their shards have them, and why some cannot
/// be taken over. Those of shards that were not read are left for the next time.
pub(crate) fn unknown(
    catalog: &Catalog,
    shards: &BTreeMap<ShardId, OnShard>,
) -> (Vec<Redefined>, Vec<Finding>) {
    let (mut out, mut findings) = (Vec::new(), Vec::new());
    let tables = catalog.tables.values();
    for table in tables.filter(|t| !t.definition.is_whole()) {
        let found = |id: ShardId| {
            let database = shards.get(&id)?.get(&table.name.database)?;
            let info = database.get(&table.name.table)?;
            Some((catalog.shard_name(id), &info.definition))
        };
        let holders = holders(catalog, &table.placement);
        let Some(found) = holders.into_iter().map(found).collect::<Option<Vec<_>>>() else {
            continue;
        };
        match redefined(catalog, table, &found) {
            Ok(new) => out.push(new),
            Err(why) => findings.push(cannot(table, why)),
        }
    }
    (out, findings)
}

fn cannot(table: &Table, why: String) -> Finding {
    let subject = format!("table {}", table.name);
    let text = format!("what it is made of cannot be taken over: {why}");
    let advice = "the catalog knows its columns by name only until the shards agree";
    Finding::new(Severity::Critical, subject, text, advice)
}

/// Submits them, part by part. Another proxy may be faster with the same: then the rest is left to the next
/// drift check.
pub(crate) async fn take_over(cluster: &Cluster, epoch: u64, tables: Vec<Redefined>) {
    let mut epoch = epoch;
    for part in tables.chunks(TABLES_PER_CHANGE) {
        let tables = part.to_vec();
        let change = Change::Catalog(Command::SetDefinitions { tables });
        match cluster
            .meta
            .submit("drift check", change, Some(epoch))
            .await
        {
            Ok(Answer::Done { epoch: now }) => epoch = now,
            Ok(_) | Err(MetaError::Rejected(Rejected::Epoch { .. })) => return,
            Err(error) => {
                tracing::warn!(%error, "what tables are made of is not taken over yet");
                return;
            }
        }
    }
    if !tables.is_empty() {
        let count = tables.len();
        tracing::info!(
            count,
            "tables of an earlier version were read from their shards"
        );
    }
}
