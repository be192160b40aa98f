//! The cluster as one process sees it: the metadata service, the shards, and the proxy that runs here.

use crate::proxies::Proxies;
use catalog::{Catalog, TableName};
use meta_client::MetaService;
use peers::Wanted;
use shard::ShardDirectory;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// How long an order waits until this proxy has connections to every shard.
const SHARDS_TIME: Duration = Duration::from_secs(4);
/// How often it checks whether it has.
const SHARDS_STEP: Duration = Duration::from_millis(20);

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

    /// True if each shard of the catalog can be used here.
    fn has_shards(&self) -> bool {
        let (catalog, handles) = (self.catalog(), self.shards.all());
        let is_here = |s: &catalog::Shard| {
            let login = handles.get(&s.name).map(|h| &h.login);
            login.is_some_and(|l| (&*l.host, l.port) == s.primary().address())
        };
        catalog.shards.values().all(is_here)
    }

    /// Waits until everybody works by an epoch and no statement on the tables by an older one; for statements
    /// this long, for proxies as the settings say. Gives who stands in the way.
    pub async fn settle(
        &self,
        epoch: u64,
        tables: Vec<TableName>,
        statements: Duration,
    ) -> Result<(), String> {
        let peers = &self.proxies.0;
        let wanted = Wanted {
            epoch,
            tables,
            except: None,
        };
        let patience = peers.patience(statements);
        let reached = peers.wait_for_epoch(&wanted, patience).await;
        reached.map_err(|e| e.to_string())?;
        let until = Instant::now() + SHARDS_TIME;
        while !self.has_shards() {
            if Instant::now() > until {
                return Err("this proxy does not reach every shard".to_string());
            }
            tokio::time::sleep(SHARDS_STEP).await;
        }
        Ok(())
    }
}
