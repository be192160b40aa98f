//! The pools of a worker: one for each instance that a statement has needed. Today that is the primary of its
//! shard.

use super::Worker;
use crate::config::PoolConfig;
use catalog::{Catalog, InstanceId, ShardId};
use errors::AvailabilityError;
use shard::{PoolCounts, PoolLimits, ShardError, ShardPool};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// The pool of an instance.
#[derive(Clone)]
pub(super) struct InstancePool {
    /// The shard that the instance belongs to.
    shard: ShardId,
    pool: Rc<ShardPool>,
}

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
        slow_client: Duration::from_millis(config.slow_client_ms),
        prepared_max: config.prepared_per_connection_max,
        idle: Duration::from_secs(config.idle_s),
    }
}

impl Worker {
    /// The pool of a shard's primary.
    pub(crate) fn pool(&self, shard: ShardId) -> Result<Rc<ShardPool>, ShardError> {
        let version = self.shared.directory.version();
        if self.pools_of.replace(version) != version {
            self.drop_old_accounts();
        }
        let primary = self.primary_of(shard);
        if let Some(p) = primary.and_then(|id| self.pools.borrow().get(&id).cloned()) {
            return Ok(p.pool);
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
        let primary = catalog.shards.get(&shard).map(|s| s.primary());
        let reached = (&*handle.login.host, handle.login.port);
        let Some(primary) = primary.filter(|p| p.address() == reached) else {
            return Err(unreachable("it is moving to another address; try again"));
        };
        let limits = limits(&self.shared.pool, self.shared.workers);
        let (login, health) = (handle.login.clone(), handle.health.clone());
        let pool = ShardPool::new(login, health, limits, self.fresh.clone());
        let (shared, worker) = (self.shared.clone(), self.index);
        pool.follow_health(move || shared.registry.wake_sessions_of(worker));
        let kept = InstancePool {
            shard,
            pool: pool.clone(),
        };
        self.pools.borrow_mut().insert(primary.id, kept);
        Ok(pool)
    }

    /// The instance that takes a shard's statements.
    pub(super) fn primary_of(&self, shard: ShardId) -> Option<InstanceId> {
        let catalog = self.catalog.borrow();
        Some(catalog.shards.get(&shard)?.primary().id)
    }

    /// Instances that moved, or are gone from the catalog, get new pools; leases that are out end with their
    /// statements or transactions.
    pub(super) fn drop_moved_instances(&self, new: &Catalog) {
        let catalog = self.catalog();
        let instances = |c: &'_ Catalog| {
            let all = c.shards.values().flat_map(|s| s.instances());
            all.cloned().collect::<Vec<_>>()
        };
        let stay = instances(new);
        for old in instances(&catalog) {
            let same = |i: &catalog::Instance| i.id == old.id && i.address() == old.address();
            if !stay.iter().any(same) {
                self.drop_pool(old.id);
            }
        }
    }

    /// Pools whose account has been replaced go; leases that are out end with their work.
    fn drop_old_accounts(&self) {
        let handles = self.shared.shards();
        let is_old = |p: &InstancePool| {
            let pool = &p.pool;
            let now = handles.get(&*pool.login.shard).map(|h| &h.login);
            now.is_none_or(|l| (&l.user, &l.password) != (&pool.login.user, &pool.login.password))
        };
        let pools = self.pools.borrow();
        let old: Vec<_> = pools.iter().filter(|(_, p)| is_old(p)).collect();
        let old: Vec<_> = old.into_iter().map(|(id, _)| *id).collect();
        drop(pools);
        old.into_iter().for_each(|id| self.drop_pool(id));
    }

    fn drop_pool(&self, instance: InstanceId) {
        // What is dropped with the pool may look at the pools: not while they are borrowed.
        let pool = self.pools.borrow_mut().remove(&instance);
        self.pipelines.drop_instance(instance);
        drop(pool);
    }

    /// Closes what was idle too long.
    pub(super) fn close_idle_connections(&self) {
        let pools: HashMap<_, _> = self.pools.borrow().clone();
        for p in pools.values() {
            p.pool.close_idle();
        }
        let idle = Duration::from_secs(self.shared.pool.idle_s);
        self.pipelines.close_idle(idle);
    }

    /// Connections and waiting statements, by shard.
    pub(crate) fn pool_counts(&self) -> Vec<(ShardId, PoolCounts)> {
        let pools = self.pools.borrow();
        pools.values().map(|p| (p.shard, p.pool.counts())).collect()
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
