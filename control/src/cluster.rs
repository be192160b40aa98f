//! The cluster as one process sees it: the metadata service, the shards, and the proxy that runs here.

use crate::proxies::Proxies;
use catalog::Catalog;
use meta_client::MetaService;
use shard::ShardDirectory;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// How long an order waits until proxies work by it.
const SETTLE: Duration = Duration::from_secs(4);
/// How often it checks whether they do.
pub(crate) const SETTLE_STEP: Duration = Duration::from_millis(20);

/// The proxy of this process, as far as orders concern it.
pub trait LocalProxy: Send + Sync {
    /// The epoch that every worker has reached.
    fn epoch(&self) -> u64;

    /// Lets go of clients that are between statements and takes no new ones, or takes them again.
    fn drain(&self, draining: bool);

    /// Ids of new sessions begin with this number, which the registration gave.
    fn set_number(&self, number: u16);
}

/// What every order works with.
pub struct Cluster {
    /// The metadata service.
    pub meta: Arc<dyn MetaService>,
    /// The shards and how this process reaches them.
    pub shards: Arc<ShardDirectory>,
    /// All proxies.
    pub proxies: Proxies,
    /// The proxy here.
    pub proxy: Arc<dyn LocalProxy>,
    /// Differences that the last drift check found.
    pub schema_drift: AtomicU64,
}

impl Cluster {
    /// The newest catalog that has come here.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.meta.watch().borrow().clone()
    }

    /// True if every worker and every proxy has reached an epoch, and each shard can be used here.
    async fn is_settled(&self, epoch: u64) -> bool {
        if self.proxy.epoch() < epoch {
            return false;
        }
        let (catalog, handles) = (self.catalog(), self.shards.all());
        let is_here = |s: &catalog::Shard| {
            let login = handles.get(&s.name).map(|h| &h.login);
            login.is_some_and(|l| (&*l.host, l.port) == s.primary().address())
        };
        if !catalog.shards.values().all(is_here) {
            return false;
        }
        let others = self.meta.proxies().await.unwrap_or_default();
        others.len() < 2 || others.iter().all(|p| p.epoch.is_some_and(|e| e >= epoch))
    }

    /// Waits, at most [`SETTLE`], until every proxy works by an epoch; false if one does not.
    pub async fn settle(&self, epoch: u64) -> bool {
        let until = Instant::now() + SETTLE;
        while !self.is_settled(epoch).await {
            if Instant::now() > until {
                return false;
            }
            tokio::time::sleep(SETTLE_STEP).await;
        }
        true
    }
}
