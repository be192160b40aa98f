//! The pools of a worker: one for each shard that a statement has needed.

use super::Worker;
use crate::config::PoolConfig;
use catalog::{Catalog, ShardId};
use errors::AvailabilityError;
use shard::{PoolCounts, PoolLimits, ShardError, ShardPool};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// What one worker of `workers` may have.
fn limits(config: &PoolConfig, workers: usize) -> PoolLimits {
    let connections_max = config.connections_per_shard.div_ceil(workers).max(1);
    let pipelines_max = match config.pipelines_per_profile {
        0 => 0,
        n => (connections_max * config.pipelines_percent / 100).max(n),
    };
    PoolLimits {
        connections_max,
        pipelines_reserved: config.pipelines_per_profile,
        pipelines_max,
        waiters_max: config.waiters_max,
        wait: Duration::from_millis(config.wait_ms),
        prepared_max: config.prepared_per_connection_max,
        idle: Duration::from_secs(config.idle_s),
    }
}

impl Worker {
    /// The pool of a shard.
    pub(crate) fn pool(&self, shard: ShardId) -> Result<Rc<ShardPool>, ShardError> {
        let version = self.shared.directory.version();
        if self.pools_of.replace(version) != version {
            self.drop_old_accounts();
        }
        if let Some(p) = self.pools.borrow().get(&shard) {
            return Ok(p.clone());
        }
        let catalog = self.catalog();
        let name = catalog.shard_name(shard);
        let shards = self.shared.shards();
        let unreachable = |why: &str| {
            let (shard, why) = (name.to_string(), why.to_string());
            ShardError::from(AvailabilityError::Unreachable { shard, why })
        };
        let handle = shards.get(name).ok_or_else(|| {
            unreachable("it is in the catalog but this proxy has no account for it")
        })?;
        let at = catalog.shards.get(&shard).map(|s| s.primary().address());
        if at != Some((&*handle.login.host, handle.login.port)) {
            return Err(unreachable("it is moving to another address; try again"));
        }
        let limits = limits(&self.shared.pool, self.shared.workers);
        let (login, health) = (handle.login.clone(), handle.health.clone());
        let pool = ShardPool::new(login, health, limits, self.fresh.clone());
        let (shared, worker) = (self.shared.clone(), self.index);
        pool.follow_health(move || shared.registry.wake_sessions_of(worker));
        self.pools.borrow_mut().insert(shard, pool.clone());
        Ok(pool)
    }

    /// Shards that moved, or are gone from the catalog, get new pools; leases that are out end with their
    /// statements or transactions.
    pub(super) fn drop_moved_shards(&self, new: &Catalog) {
        for (id, old) in &self.catalog().shards {
            let stays = |s: &catalog::Shard| s.primary().address() == old.primary().address();
            if !new.shards.get(id).is_some_and(stays) {
                self.drop_pool(*id);
            }
        }
    }

    /// Pools whose account has been replaced go; leases that are out end with their work.
    fn drop_old_accounts(&self) {
        let handles = self.shared.shards();
        let is_old = |pool: &ShardPool| {
            let now = handles.get(&*pool.login.shard).map(|h| &h.login);
            now.is_none_or(|l| (&l.user, &l.password) != (&pool.login.user, &pool.login.password))
        };
        let pools = self.pools.borrow();
        let old: Vec<_> = pools.iter().filter(|(_, p)| is_old(p)).collect();
        let old: Vec<_> = old.into_iter().map(|(id, _)| *id).collect();
        drop(pools);
        old.into_iter().for_each(|id| self.drop_pool(id));
    }

    fn drop_pool(&self, shard: ShardId) {
        // What is dropped with the pool may look at the pools: not while they are borrowed.
        let pool = self.pools.borrow_mut().remove(&shard);
        self.pipelines.drop_shard(shard);
        drop(pool);
    }

    /// Closes what was idle too long.
    pub(super) fn close_idle_connections(&self) {
        let pools: HashMap<_, _> = self.pools.borrow().clone();
        for pool in pools.values() {
            pool.close_idle();
        }
        let idle = Duration::from_secs(self.shared.pool.idle_s);
        self.pipelines.close_idle(idle);
    }

    /// Connections and waiting statements, by shard.
    pub(crate) fn pool_counts(&self) -> Vec<(ShardId, PoolCounts)> {
        let pools = self.pools.borrow();
        pools.iter().map(|(s, p)| (*s, p.counts())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_has_its_part() {
        let of = |connections_per_shard, pipelines_per_profile, workers| {
            let config = PoolConfig {
                connections_per_shard,
                pipelines_per_profile,
                ..Default::default()
            };
            let l = limits(&config, workers);
            (l.connections_max, l.pipelines_reserved, l.pipelines_max)
        };
        assert_eq!(of(64, 1, 2), (32, 1, 16));
        assert_eq!(of(64, 0, 2), (32, 0, 0));
        assert_eq!(of(64, 2, 64), (1, 2, 2));
    }
}
