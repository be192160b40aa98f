//! What the rest of Shardwright may ask of the metadata service.
//!
//! One trait, so that an embedded node and a replicated service look the same. The service is never
//! on the way of a statement: a proxy plans against the snapshot that it holds.

pub mod cache;
pub mod http;
pub mod protocol;
pub mod remote;
pub mod request;
pub mod token;

pub use protocol::{ClusterView, MemberChange, MemberRole, MemberView, ProxyView};
pub use remote::{Registered, RemoteConfig, RemoteMeta};

use catalog::{Answer, Catalog, Change, Command, Rejected, State, TableId};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

/// Why the service did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum MetaError {
    /// The change is against the rules of the catalog.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The change could not be stored or the service cannot be reached; it did not happen.
    #[error("the metadata service cannot store the change: {0}")]
    Unavailable(String),
    /// No answer came: the change may have happened.
    #[error(
        "the metadata service gave no answer ({0}); check whether it happened before you repeat it"
    )]
    Unknown(String),
    /// The token is missing or wrong.
    #[error("the metadata service refused the token of this node")]
    Unauthorized,
}

/// A future without a lifetime of its own.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The metadata service as its clients see it.
pub trait MetaService: Send + Sync {
    /// The newest catalog, and news of later ones.
    fn watch(&self) -> watch::Receiver<Arc<Catalog>>;

    /// Asks for a change in somebody's name. It is done and durable when the answer comes, and happens
    /// once however often it is sent on the way. With `expected_epoch` it is refused if somebody else
    /// was faster. An answer is never [`Answer::Rejected`]; that is an error.
    fn submit(
        &self,
        who: &str,
        change: Change,
        expected_epoch: Option<u64>,
    ) -> BoxFuture<Result<Answer, MetaError>>;

    /// The whole state, at least as new as every change acknowledged before the call.
    fn state(&self) -> BoxFuture<Result<State, MetaError>>;

    /// The nodes of the service.
    fn cluster(&self) -> BoxFuture<Result<ClusterView, MetaError>>;

    /// Adds, promotes or removes a node.
    fn change_members(&self, change: MemberChange) -> BoxFuture<Result<ClusterView, MetaError>>;

    /// The proxies and when each was heard of.
    fn proxies(&self) -> BoxFuture<Result<Vec<ProxyView>, MetaError>>;

    /// Changes the catalog; [`MetaService::watch`] shows it when it returns.
    fn propose(
        &self,
        command: Command,
        expected_epoch: Option<u64>,
    ) -> BoxFuture<Result<Arc<Catalog>, MetaError>> {
        self.propose_as("proxy", command, expected_epoch)
    }

    /// The same in somebody's name.
    fn propose_as(
        &self,
        who: &str,
        command: Command,
        expected_epoch: Option<u64>,
    ) -> BoxFuture<Result<Arc<Catalog>, MetaError>> {
        let submitted = self.submit(who, Change::Catalog(command), expected_epoch);
        let mut news = self.watch();
        Box::pin(async move {
            let Answer::Done { epoch } = submitted.await? else {
                return Err(MetaError::Unknown(
                    "another answer than asked for".to_string(),
                ));
            };
            let seen = news.wait_for(|c| c.epoch >= epoch).await;
            let seen = seen.map_err(|_| MetaError::Unknown("shutting down".to_string()))?;
            Ok(seen.clone())
        })
    }

    /// Leases `count` AUTO_INCREMENT values of a table, none below `at_least`. Never twice the same.
    fn lease_ids(
        &self,
        table: TableId,
        at_least: u64,
        count: u64,
    ) -> BoxFuture<Result<Range<u64>, MetaError>> {
        let lease = Change::LeaseIds {
            table,
            at_least,
            count,
        };
        let submitted = self.submit("proxy", lease, None);
        Box::pin(async move {
            match submitted.await? {
                Answer::Ids(range) => Ok(range),
                _ => Err(MetaError::Unknown(
                    "another answer than asked for".to_string(),
                )),
            }
        })
    }
}
