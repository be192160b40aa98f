//! What /metrics shows of the proxy at the moment of the request.

use crate::server::Shared;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use shard::PoolCounts;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

type Number = Gauge<u64, AtomicU64>;

/// What each worker's pools hold, by shard: workers publish it now and then, because nobody else may
/// touch their pools.
#[derive(Debug)]
pub(crate) struct PublishedPools(Vec<Mutex<Vec<(String, PoolCounts)>>>);

impl PublishedPools {
    pub(crate) fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Mutex::default()).collect())
    }

    pub(crate) fn publish(&self, worker: usize, pools: Vec<(String, PoolCounts)>) {
        if let Some(published) = self.0.get(worker) {
            *published.lock().unwrap_or_else(PoisonError::into_inner) = pools;
        }
    }

    fn all(&self) -> Vec<(String, PoolCounts)> {
        let of = |w: &Mutex<Vec<_>>| w.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.0.iter().flat_map(of).collect()
    }
}

/// Gauges, set when somebody asks.
#[derive(Debug)]
pub struct ProxyGauges {
    sessions: Number,
    epoch: Number,
    /// For each shard and what the connections do: leased, pipelined, idle.
    connections: Family<[(&'static str, String); 2], Number>,
    waiting: Family<[(&'static str, String); 1], Number>,
    registry: Registry,
}

impl Default for ProxyGauges {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("shardwright");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Number::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let sessions = gauge("sessions", "Client sessions");
        let help = "Epoch of the catalog that every worker plans against";
        let epoch = gauge("workers_epoch", help);
        let (connections, waiting) = (Family::default(), Family::default());
        let help = "Server connections in the pools, by shard and by what they do";
        registry.register("pool_connections", help, connections.clone());
        let help = "Statements that wait for a server connection, by shard";
        registry.register("pool_waiting", help, waiting.clone());
        Self {
            sessions,
            epoch,
            connections,
            waiting,
            registry,
        }
    }
}

impl ProxyGauges {
    /// Adds them to a page in the OpenMetrics text format.
    pub fn encode(&self, proxy: &Shared, page: &mut String) {
        self.sessions.set(proxy.registry.count() as u64);
        self.epoch.set(proxy.epoch_of_all());
        // Shards that are gone leave no line.
        self.connections.clear();
        self.waiting.clear();
        let shards = proxy.shards();
        let unused = shards.keys().map(|s| (s.clone(), PoolCounts::default()));
        for (shard, counts) in unused.chain(proxy.pools.all()) {
            for (state, n) in [
                ("leased", counts.leased),
                ("pipelined", counts.pipelines),
                ("idle", counts.idle),
            ] {
                let labels = [("shard", shard.clone()), ("state", state.to_string())];
                self.connections.get_or_create(&labels).inc_by(n as u64);
            }
            let waiting = self.waiting.get_or_create(&[("shard", shard)]);
            waiting.inc_by(counts.waiting as u64);
        }
        // Writing to a String cannot fail.
        let _ = encode_registry(page, &self.registry);
    }
}
