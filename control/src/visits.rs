//! Visits to shards, made by a task on the thread that their connections live on, for callers on any.

use crate::import::{self, Imported, Wanted};
use crate::refresh::{self, Refresh};
use crate::{Cluster, ShardConfig, drift, inspect, prepare, probe};
use admin_types::report::{Finding, Report, Severity};
use catalog::Answer;
use meta_client::{BoxFuture, MetaError};
use shard::Timeouts;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the task.
const WAITING_MAX: usize = 16;

enum Ask {
    Probe {
        account: Box<ShardConfig>,
        reply: oneshot::Sender<Vec<Finding>>,
    },
    Prepare {
        account: Box<ShardConfig>,
        reply: oneshot::Sender<Result<(), String>>,
    },
    Inspect {
        reply: oneshot::Sender<Report>,
    },
    Refresh {
        wanted: Refresh,
        reply: oneshot::Sender<Result<(Answer, Vec<String>), MetaError>>,
    },
    Import {
        wanted: Box<Wanted>,
        reply: oneshot::Sender<Result<Imported, MetaError>>,
    },
}

/// How the task is reached.
pub(crate) struct Visits {
    accounts: Vec<ShardConfig>,
    new_shards: Option<ShardConfig>,
    ask: mpsc::Sender<Ask>,
}

impl Visits {
    /// Starts the task. `new_shards` is the
    /// account for shards that `accounts` does not name. Tables are compared with the catalog every
    /// `drift_check`, or only by an inspection if it is zero.
    pub(crate) fn start(
        cluster: Arc<Cluster>,
        accounts: Vec<ShardConfig>,
        new_shards: Option<ShardConfig>,
        drift_check: Duration,
    ) -> Self {
        if !drift_check.is_zero() {
            let cluster = cluster.clone();
            tokio::task::spawn_local(async move { drift::watch(&cluster, drift_check).await });
        }
        let (ask, asked) = mpsc::channel(WAITING_MAX);
        tokio::task::spawn_local(visit(cluster, asked));
        Self {
            accounts,
            new_shards,
            ask,
        }
    }

    /// The account for a shard at an address.
    fn account(&self, name: &str, host: &str, port: u16) -> Option<Box<ShardConfig>> {
        let own = self.accounts.iter().find(|a| a.name == name);
        let account = own.or(self.new_shards.as_ref())?.clone();
        Some(Box::new(ShardConfig {
            name: name.to_string(),
            host: host.to_string(),
            port,
            ..account
        }))
    }

    fn asked<T: Send + 'static>(
        &self,
        make: impl FnOnce(oneshot::Sender<T>) -> Ask,
        lost: impl FnOnce(String) -> T + Send + 'static,
    ) -> BoxFuture<T> {
        let (reply, answer) = oneshot::channel();
        let (ask, request) = (self.ask.clone(), make(reply));
        Box::pin(async move {
            if ask.send(request).await.is_err() {
                return lost("the proxy is shutting down".to_string());
            }
            match answer.await {
                Ok(value) => value,
                Err(_) => lost("the inspection was interrupted".to_string()),
            }
        })
    }

    /// Inspects a server that is to become a shard, or to take one's place.
    pub(crate) fn probe(&self, name: &str, host: &str, port: u16) -> BoxFuture<Vec<Finding>> {
        let Some(account) = self.account(name, host, port) else {
            let text = "this proxy has no account for it";
            let advice =
                "put a [[shards]] entry or [new_shards] into the configuration of every proxy";
            let found = Finding::new(Severity::Critical, format!("shard {name}"), text, advice);
            return Box::pin(async move { vec![found] });
        };
        let subject = format!("shard {name}");
        self.asked(
            |reply| Ask::Probe { account, reply },
            move |why| vec![unknown(&subject, why)],
        )
    }

    /// Makes the databases of the others on a server that becomes a shard.
    pub(crate) fn prepare(
        &self,
        name: &str,
        host: &str,
        port: u16,
    ) -> BoxFuture<Result<(), String>> {
        match self.account(name, host, port) {
            Some(account) => self.asked(|reply| Ask::Prepare { account, reply }, Err),
            None => Box::pin(async { Err("this proxy has no account for it".to_string()) }),
        }
    }

    /// Enters a table that the shards have already into the catalog.
    pub(crate) fn import(&self, wanted: Wanted) -> BoxFuture<Result<Imported, MetaError>> {
        let wanted = Box::new(wanted);
        self.asked(
            |reply| Ask::Import { wanted, reply },
            |why| Err(MetaError::Unknown(why)),
        )
    }

    /// Reads a table of the catalog again.
    pub(crate) fn refresh(
        &self,
        wanted: Refresh,
    ) -> BoxFuture<Result<(Answer, Vec<String>), MetaError>> {
        self.asked(
            |reply| Ask::Refresh { wanted, reply },
            |why| Err(MetaError::Unknown(why)),
        )
    }

    /// A health report of everything.
    pub(crate) fn inspect(&self) -> BoxFuture<Report> {
        self.asked(
            |reply| Ask::Inspect { reply },
            |why| Report::new(vec![unknown("inspection", why)]),
        )
    }
}

/// Does what is asked, one request after the other, but imports beside them.
async fn visit(cluster: Arc<Cluster>, mut asked: mpsc::Receiver<Ask>) {
    while let Some(request) = asked.recv().await {
        // Who asked may have gone away.
        match request {
            Ask::Probe { account, reply } => {
                let _ = reply.send(probe::probe(&cluster, &account).await);
            }
            Ask::Prepare { account, reply } => {
                let _ = reply.send(fill(&cluster, &account).await);
            }
            Ask::Inspect { reply } => {
                let _ = reply.send(inspect::inspect(&cluster).await);
            }
            Ask::Refresh { wanted, reply } => {
                let _ = reply.send(refresh::refresh(&cluster, &wanted).await);
            }
            Ask::Import { wanted, reply } => {
                // Every row is read: nobody else waits for that.
                let cluster = cluster.clone();
                tokio::task::spawn_local(async move {
                    let _ = reply.send(import::import(&cluster, *wanted).await);
                });
            }
        }
    }
}

async fn fill(cluster: &Cluster, account: &ShardConfig) -> Result<(), String> {
    let login = account.strongest(Timeouts::connecting_within(probe::PROBE_TIME))?;
    prepare::fill(&login, &cluster.catalog(), &cluster.shards.all()).await
}

fn unknown(subject: &str, why: String) -> Finding {
    Finding::new(Severity::Critical, subject, why, "try again")
}
