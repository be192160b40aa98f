//! What /metrics shows of the cluster as this process sees it, at the moment of the request.

use crate::Cluster;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use shard::Answers;
use std::sync::atomic::{AtomicU64, Ordering};

type Number = Gauge<u64, AtomicU64>;

/// Gauges, set when somebody asks.
#[derive(Debug)]
pub struct ClusterGauges {
    epoch: Number,
    tables: Number,
    jobs: Number,
    drift: Number,
    /// One for each shard of the catalog.
    shard_up: Family<[(&'static str, String); 1], Number>,
    registry: Registry,
}

impl Default for ClusterGauges {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("shardwright");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Number::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let epoch = gauge("catalog_epoch", "Epoch of the newest catalog here");
        let tables = gauge("catalog_tables", "Tables of the catalog");
        let jobs = gauge("jobs", "Jobs that are not finished");
        let drift = gauge(
            "schema_drift",
            "Differences between the shards' tables and the catalog that the last check found",
        );
        let shard_up = Family::default();
        let help = "1 if the last health check of the shard got an answer, else 0";
        registry.register("shard_up", help, shard_up.clone());
        Self {
            epoch,
            tables,
            jobs,
            drift,
            shard_up,
            registry,
        }
    }
}

impl ClusterGauges {
    /// Adds them to a page in the OpenMetrics text format.
    pub fn encode(&self, cluster: &Cluster, page: &mut String) {
        let catalog = cluster.catalog();
        self.epoch.set(catalog.epoch);
        self.tables.set(catalog.tables.len() as u64);
        self.jobs.set(catalog.jobs.len() as u64);
        self.drift.set(cluster.schema_drift.load(Ordering::Relaxed));
        // Shards that are gone leave no line.
        self.shard_up.clear();
        for (name, handle) in cluster.shards.all().iter() {
            let up = self.shard_up.get_or_create(&[("shard", name.clone())]);
            up.set(u64::from(handle.health.answers() == Answers::Yes));
        }
        // Writing to a String cannot fail.
        let _ = encode_registry(page, &self.registry);
    }
}
