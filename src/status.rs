//! What the admin port tells of a running proxy.

use control::Cluster;
use proxy::Shared;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the port reads from.
pub struct ProxyStatus {
    /// The proxy.
    pub proxy: Arc<Shared>,
    /// The rest of the cluster.
    pub cluster: Arc<Cluster>,
}

impl admin::Status for ProxyStatus {
    fn not_ready(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.proxy.registry.closing.load(Ordering::Acquire) {
            out.push("the proxy is shutting down".to_string());
        }
        if self.proxy.registry.is_draining() {
            out.push("the proxy is drained".to_string());
        }
        let all = self.proxy.shards();
        let mut shards: Vec<_> = all.iter().collect();
        shards.sort_by_key(|(name, _)| name.as_str());
        for (name, shard) in shards {
            if shard.health.is_down() {
                out.push(format!("shard {name}: {}", shard.health.detail().error));
            }
        }
        out
    }

    fn metrics(&self) -> String {
        let mut out = String::new();
        let mut put = |name: &str, help: &str, kind: &str, value: u64| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "# HELP shardwright_{name} {help}");
            let _ = writeln!(out, "# TYPE shardwright_{name} {kind}");
            let _ = writeln!(out, "shardwright_{name} {value}");
        };
        for (name, help, value) in self.proxy.metrics.all() {
            put(&format!("{name}_total"), help, "counter", value);
        }
        let r = &self.proxy.registry;
        let (count, refused) = (r.count() as u64, r.refused.load(Ordering::Relaxed));
        put("sessions", "Client sessions now.", "gauge", count);
        put(
            "logins_refused_total",
            "Logins that failed.",
            "counter",
            refused,
        );
        let up = self
            .proxy
            .shards()
            .values()
            .filter(|s| !s.health.is_down())
            .count() as u64;
        let drift = self.cluster.schema_drift.load(Ordering::Relaxed);
        let help = "Differences between the shards' tables and the catalog.";
        put("schema_drift", help, "gauge", drift);
        put("shards_up", "Shards that answer.", "gauge", up);
        out
    }
}
