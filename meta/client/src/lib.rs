//! What the rest of Shardwright may ask of the metadata service.
//!
//! One trait, so that the embedded node and a replicated service look the same. The service is never
//! on the way of a statement: a proxy plans against the snapshot that it holds.

use catalog::{Catalog, Command, Rejected, TableId};
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

/// Why the service did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MetaError {
    /// The change is against the rules of the catalog.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The change could not be stored or the service cannot be reached; it did not happen.
    #[error("the metadata service cannot store the change: {0}")]
    Unavailable(String),
}

/// A future without a lifetime of its own.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The metadata service as its clients see it.
pub trait MetaService: Send + Sync {
    /// The newest catalog, and news of later ones.
    fn watch(&self) -> watch::Receiver<Arc<Catalog>>;

    /// Changes the catalog; done and durable when it returns. With `expected_epoch` the change is
    /// refused if somebody else was faster.
    fn propose(
        &self,
        command: Command,
        expected_epoch: Option<u64>,
    ) -> BoxFuture<Result<Arc<Catalog>, MetaError>>;

    /// Leases `count` AUTO_INCREMENT values of a table, none below `at_least`. Never twice the same.
    fn lease_ids(
        &self,
        table: TableId,
        at_least: u64,
        count: u64,
    ) -> BoxFuture<Result<Range<u64>, MetaError>>;
}
