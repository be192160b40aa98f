//! Keeps the accounts in place for as long as the proxy runs, and ends those of proxies that are gone.

use super::{OwnAccounts, VISIT_TIME};
use crate::Cluster;
use crate::definers::Definers;
use catalog::Catalog;
use meta::Service;
use shard::account::Manager;
use shard::{Login, ShardError, ShardHandle};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the shards are searched for accounts that are missing or left over.
const CLEAN_EVERY: Duration = Duration::from_secs(5);
/// How often the own incarnation is compared with that of the accounts.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs for as long as the proxy does.
pub async fn keep(cluster: Arc<Cluster>, service: Rc<Service>, own: Rc<OwnAccounts>) {
    let mut cleaned = Instant::now();
    let definers = Rc::new(Definers::default());
    loop {
        let now = service.registered();
        // What was changed before the registration was not held up for this proxy: no worker may use the
        // new accounts by an older catalog.
        let is_current = cluster.proxy.epoch() >= now.epoch;
        if now.incarnation != 0 && now.incarnation != own.incarnation.get() && is_current {
            own.become_incarnation(now.incarnation);
        }
        let (catalog, sets) = (cluster.catalog(), own.book.count());
        let visits: Vec<_> = managed(&cluster)
            .into_iter()
            .filter(|(_, h)| !h.health.is_down())
            .map(|(name, handle)| {
                let (own, cluster, catalog) = (own.clone(), cluster.clone(), catalog.clone());
                let definers = definers.clone();
                // One shard that is slow does not hold up the others.
                tokio::task::spawn_local(async move {
                    take_care(&own, &cluster, &catalog, &name, handle).await;
                    definers.follow(&cluster, &catalog, &name).await;
                })
            })
            .collect();
        for visit in visits {
            let _ = visit.await;
        }
        own.book.note_made(sets);
        if cleaned.elapsed() > CLEAN_EVERY {
            own.retire(&catalog);
            clean(&cluster, &own).await;
            cleaned = Instant::now();
        }
        let _ = tokio::time::timeout(LOOK_EVERY, own.book.asked()).await;
    }
}

/// Shards where this process makes its accounts itself.
fn managed(cluster: &Cluster) -> Vec<(String, ShardHandle)> {
    let shards = cluster.shards.all();
    let managed = shards.iter().filter(|(_, h)| h.manager.is_some());
    managed.map(|(n, h)| (n.clone(), h.clone())).collect()
}

async fn take_care(
    own: &OwnAccounts,
    cluster: &Cluster,
    catalog: &Catalog,
    name: &str,
    h: ShardHandle,
) {
    let Some(manager) = h.manager.clone() else {
        return;
    };
    if let Err(error) = own.ensure(&manager, catalog, &*cluster.meta).await {
        tracing::debug!(shard = name, error, "accounts are missing");
        return;
    }
    match own.login(&manager) {
        Ok(login) if login.user == h.login.user && login.password == h.login.password => {}
        Ok(login) => {
            tracing::info!(shard = name, account = %login.user, "the shard is used with other accounts");
            cluster.shards.put(name, ShardHandle { login, ..h });
        }
        Err(error) => tracing::debug!(shard = name, error, "no account of its own yet"),
    }
}

/// Ends accounts of incarnations that are no more, and notices if own ones are missing.
async fn clean(cluster: &Cluster, own: &OwnAccounts) {
    for (name, handle) in managed(cluster) {
        let Some(manager) = &handle.manager else {
            continue;
        };
        let visit = tokio::time::timeout(VISIT_TIME, clean_one(cluster, own, manager));
        match visit.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(shard = name, %error, "accounts were not checked"),
            Err(_) => tracing::debug!(shard = name, "accounts were not checked in time"),
        }
    }
}

async fn clean_one(
    cluster: &Cluster,
    own: &OwnAccounts,
    manager: &Login,
) -> Result<(), ShardError> {
    let mut m = Manager::connect(manager).await?;
    // In this order: who has an account by now was registered before, and so is in the state.
    let accounts = m.list().await?;
    own.forget_missing(&manager.shard, &accounts);
    let mine = own.incarnation.get();
    let unused = own.unused(accounts.iter().filter(|n| n.incarnation == mine));
    m.drop_accounts(&unused).await?;
    let mut others: Vec<u64> = accounts.iter().map(|n| n.incarnation).collect();
    others.retain(|n| *n != mine);
    others.sort_unstable();
    others.dedup();
    if others.is_empty() {
        return Ok(());
    }
    let Ok(state) = cluster.meta.state().await else {
        return Ok(());
    };
    for n in others {
        let is_gone = n <= state.last_incarnation && !state.incarnations.contains_key(&n);
        if is_gone && m.end(n).await? {
            let shard = &*manager.shard;
            tracing::info!(
                shard,
                incarnation = n,
                "ended the accounts of a proxy that is gone"
            );
        }
    }
    Ok(())
}
