//! Brings the accounts that definitions run as to the rights of their users, when those change.

use crate::Cluster;
use crate::accounts::{by_database, databases};
use catalog::{Catalog, RightsSet};
use shard::account::Manager;
use shard::{Login, ShardError};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How long one visit of a shard may take.
const VISIT_TIME: Duration = Duration::from_secs(10);

/// What the definers of each shard were last brought to.
#[derive(Default)]
pub(crate) struct Definers(RefCell<HashMap<String, Arc<Catalog>>>);

impl Definers {
    /// Visits a shard if users or databases are others than at the last visit.
    pub(crate) async fn follow(&self, cluster: &Cluster, catalog: &Arc<Catalog>, shard: &str) {
        let is_done = |done: &Arc<Catalog>| {
            done.epoch == catalog.epoch
                || done.users == catalog.users && databases(done) == databases(catalog)
        };
        if self.0.borrow().get(shard).is_some_and(is_done) {
            return;
        }
        let shards = cluster.shards.all();
        let Some(manager) = shards.get(shard).and_then(|h| h.manager.as_ref()) else {
            return;
        };
        let visit = tokio::time::timeout(VISIT_TIME, follow_on(cluster, manager));
        match visit.await {
            Ok(Ok(true)) => {
                let mut done = self.0.borrow_mut();
                done.insert(shard.to_string(), catalog.clone());
            }
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::debug!(shard, %error, "definers keep their rights for now"),
            Err(_) => tracing::debug!(shard, "definers keep their rights for now: no answer"),
        }
    }
}

/// Makes the definers of one shard on another, with the rights that the catalog gives them.
pub(crate) async fn copy(catalog: &Catalog, from: &Login, to: &Login) -> Result<(), ShardError> {
    let definers = Manager::connect(from).await?.definers().await?;
    if definers.is_empty() {
        return Ok(());
    }
    let names = databases(catalog);
    let mut m = Manager::connect(to).await?;
    for definer in definers {
        let set = match catalog.users.get(&definer.user) {
            Some(user) if !definer.of_file => RightsSet::of(user),
            _ => RightsSet::everything(),
        };
        m.put_definer(&definer, &by_database(&names, &set)).await?;
    }
    Ok(())
}

/// True if it is done.
async fn follow_on(cluster: &Cluster, manager: &Login) -> Result<bool, ShardError> {
    let mut m = Manager::connect(manager).await?;
    // The state is read under the lock, so that older rights never replace newer ones.
    if !m.lock_definers().await? {
        return Ok(false);
    }
    let Ok(state) = cluster.meta.state().await else {
        return Ok(false);
    };
    let names: BTreeSet<String> = databases(&state.catalog);
    for definer in m.definers().await? {
        let set = match state.catalog.users.get(&definer.user) {
            _ if definer.of_file => RightsSet::everything(),
            Some(user) => RightsSet::of(user),
            None => {
                m.drop_definer(&definer).await?;
                continue;
            }
        };
        m.put_definer(&definer, &by_database(&names, &set)).await?;
    }
    Ok(true)
}
