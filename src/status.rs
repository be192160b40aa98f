//! What the admin port shows of a running proxy.

use control::{Cluster, ClusterGauges};
use prometheus_client::encoding::text::encode_eof;
use proxy::{ProxyGauges, Shared};
use shard::Answers;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the port reads from.
pub(crate) struct ProxyStatus {
    proxy: Arc<Shared>,
    cluster: Arc<Cluster>,
    proxy_gauges: ProxyGauges,
    cluster_gauges: ClusterGauges,
}

impl ProxyStatus {
    /// Of a running proxy.
    pub(crate) fn new(proxy: Arc<Shared>, cluster: Arc<Cluster>) -> Self {
        Self {
            proxy,
            cluster,
            proxy_gauges: ProxyGauges::default(),
            cluster_gauges: ClusterGauges::default(),
        }
    }
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
            if shard.health.answers() != Answers::Yes {
                out.push(format!("shard {name}: {}", shard.health.detail().error));
            }
        }
        out
    }

    fn metrics(&self) -> String {
        let mut page = String::new();
        self.proxy.metrics.encode(&mut page);
        self.proxy_gauges.encode(&self.proxy, &mut page);
        self.cluster_gauges.encode(&self.cluster, &mut page);
        // Writing to a String cannot fail.
        let _ = encode_eof(&mut page);
        page
    }
}
