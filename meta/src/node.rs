//! The embedded node: the service's interface over one store in this process.

use crate::state::{Entry, Outcome};
use crate::store::{Store, StoreError};
use catalog::{Catalog, Command, Rejected, TableId};
use meta_client::{BoxFuture, MetaError, MetaService};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

struct Inner {
    store: Mutex<Store>,
    news: watch::Sender<Arc<Catalog>>,
}

/// One node of the metadata service, inside this process.
#[derive(Clone)]
pub struct EmbeddedMeta(Arc<Inner>);

impl EmbeddedMeta {
    /// Opens the node's folder.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let store = Store::open(dir)?;
        let news = watch::Sender::new(Arc::new(store.state.catalog.clone()));
        Ok(Self(Arc::new(Inner {
            store: Mutex::new(store),
            news,
        })))
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A panic while the lock was held cannot leave a half-changed state: it is replaced whole.
        self.0
            .store
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn apply(&self, entry: &Entry, expected_epoch: Option<u64>) -> Result<Outcome, MetaError> {
        let mut store = self.store();
        let now = store.state.catalog.epoch;
        if let Some(expected) = expected_epoch.filter(|e| *e != now) {
            return Err(Rejected::Epoch { expected, now }.into());
        }
        let outcome = store.apply(entry).map_err(|e| match e {
            StoreError::Rejected(r) => MetaError::Rejected(r),
            other => MetaError::Unavailable(other.to_string()),
        })?;
        if outcome == Outcome::Changed {
            self.0
                .news
                .send_replace(Arc::new(store.state.catalog.clone()));
        }
        Ok(outcome)
    }

    /// Runs on a thread that may block: every change waits for the disk.
    async fn run(self, entry: Entry, epoch: Option<u64>) -> Result<Outcome, MetaError> {
        tokio::task::spawn_blocking(move || self.apply(&entry, epoch))
            .await
            .map_err(|e| MetaError::Unavailable(e.to_string()))?
    }
}

impl MetaService for EmbeddedMeta {
    fn watch(&self) -> watch::Receiver<Arc<Catalog>> {
        self.0.news.subscribe()
    }

    fn propose(
        &self,
        command: Command,
        expected_epoch: Option<u64>,
    ) -> BoxFuture<Result<Arc<Catalog>, MetaError>> {
        let node = self.clone();
        Box::pin(async move {
            node.clone()
                .run(Entry::Change(command), expected_epoch)
                .await?;
            Ok(node.0.news.borrow().clone())
        })
    }

    fn lease_ids(
        &self,
        table: TableId,
        at_least: u64,
        count: u64,
    ) -> BoxFuture<Result<Range<u64>, MetaError>> {
        let node = self.clone();
        Box::pin(async move {
            match node
                .run(
                    Entry::Lease {
                        table,
                        at_least,
                        count,
                    },
                    None,
                )
                .await?
            {
                Outcome::Leased(range) => Ok(range),
                Outcome::Changed => Err(MetaError::Unavailable("no ids were given".to_string())),
            }
        })
    }
}
