//! LOCK TABLES and UNLOCK TABLES: each shard locks the tables that it has, in ascending order, so that two
//! sessions never wait for each other's locks.

use super::{Run, default_shard, one, transaction};
use crate::session::{Done, Outcome, Session, Stop};
use catalog::{Placement, ShardId, TableName};
use sql::lock::{LockTables, LockedTable};
use std::collections::BTreeMap;
use wire::reply::OkPacket;

/// Locks the tables; those of an earlier LOCK TABLES are unlocked first, and a transaction is committed, as a
/// server does.
pub(super) async fn lock(s: &mut Session, lock: &LockTables, run: Run<'_>) -> Done {
    transaction::commit_all(s).await?;
    unlock_all(s).await?;
    let mut parts: BTreeMap<ShardId, Vec<&LockedTable>> = BTreeMap::new();
    for table in &lock.tables {
        for shard in shards_of(s, table, run)? {
            parts.entry(shard).or_default().push(table);
        }
    }
    for (shard, tables) in parts {
        let text = |range: &std::ops::Range<usize>| {
            String::from_utf8_lossy(run.text.get(range.clone()).unwrap_or_default()).into_owned()
        };
        let list: Vec<String> = tables.iter().map(|t| text(&t.range)).collect();
        let sql = format!("LOCK TABLES {} {}", list.join(", "), text(&lock.tail));
        let acquired = s.branches.acquire(&s.worker, &s.client, shard, false);
        acquired.await?.pins.locked_tables = true;
        if let Err(e) = one::ask(s, shard, &sql).await {
            let stop = s.branches.abort_unless_server(e).await;
            unlock_all(s).await?;
            return Err(stop);
        }
    }
    s.put_ok(OkPacket::default(), run.more);
    Ok(Outcome::nothing())
}

/// Every shard that has a table of this name.
fn shards_of(s: &Session, table: &LockedTable, run: Run<'_>) -> Result<Vec<ShardId>, Stop> {
    let database = table.table.database.as_deref();
    let database = database.or(s.client.database.as_deref());
    let name = database.map(|d| TableName::new(d, table.table.name.clone()));
    let known = name.and_then(|n| run.catalog.tables.get(&n).cloned());
    Ok(match known.map(|t| t.placement.clone()) {
        Some(Placement::Single(shard) | Placement::View(shard)) => vec![shard],
        Some(Placement::Reference | Placement::Sharded(_)) => run.catalog.shard_ids(),
        // A temporary table, or one that its server knows is not there.
        None => vec![default_shard(&s.client, run.catalog)?],
    })
}

/// UNLOCK TABLES, wherever they are locked.
pub(super) async fn unlock(s: &mut Session, run: Run<'_>) -> Done {
    if s.branches.locked().next().is_some() {
        // A server commits what the locks were held for.
        transaction::commit_all(s).await?;
    }
    unlock_all(s).await?;
    s.put_ok(OkPacket::default(), run.more);
    Ok(Outcome::nothing())
}

/// Unlocks what LOCK TABLES locked, on all shards.
pub(super) async fn unlock_all(s: &mut Session) -> Result<(), Stop> {
    let locked: Vec<ShardId> = s.branches.locked().collect();
    let mut failed = None;
    for shard in locked {
        let done = one::ask(s, shard, "UNLOCK TABLES").await;
        let branch = s.branches.get(shard);
        match (done, branch) {
            (Ok(_), Some(branch)) => branch.pins.locked_tables = false,
            // Its end unlocks them too.
            (Err(e), Some(branch)) => {
                branch.lease.discard();
                failed = Some(e);
            }
            _ => {}
        }
    }
    match failed {
        None => Ok(()),
        Some(e) => Err(s.branches.abort_unless_server(e).await),
    }
}
