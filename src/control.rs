//! What the admin port may do in a running proxy: rules are checked, shards and nodes looked at.

mod drift;
mod import;
mod inspect;
mod machine;
pub mod prepare;
mod probe;

use admin::report::{Finding, Report, Severity};
use admin::{ImportOrder, Imported};
use catalog::Rejected;
use meta_client::{BoxFuture, MetaError, MetaService};
use proxy::Shared;
use proxy::config::ShardConfig;
use sql::shard_by::{Rule, parse_rule};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the task that talks to shards.
const WAITING_MAX: usize = 16;

/// How long an order waits until proxies work by it.
const SETTLE: Duration = Duration::from_secs(4);
/// How often it looks.
const SETTLE_STEP: Duration = Duration::from_millis(20);

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
    Import {
        wanted: Box<import::Wanted>,
        reply: oneshot::Sender<Result<Imported, MetaError>>,
    },
}

/// A proxy's side of the admin port.
pub struct ProxyControl {
    shared: Arc<Shared>,
    accounts: Vec<ShardConfig>,
    new_shards: Option<ShardConfig>,
    ask: mpsc::Sender<Ask>,
}

impl ProxyControl {
    /// Starts the task that talks to shards; their connections stay on this thread.
    pub fn start(
        shared: Arc<Shared>,
        accounts: Vec<ShardConfig>,
        new_shards: Option<ShardConfig>,
        drift_check: Duration,
    ) -> Self {
        if !drift_check.is_zero() {
            let shared = shared.clone();
            tokio::task::spawn_local(async move { drift::watch(&shared, drift_check).await });
        }
        let (ask, mut asked) = mpsc::channel(WAITING_MAX);
        let of_task = shared.clone();
        tokio::task::spawn_local(async move {
            while let Some(request) = asked.recv().await {
                // Who asked may have gone away.
                match request {
                    Ask::Probe { account, reply } => {
                        let _ = reply.send(probe::probe(&of_task, &account).await);
                    }
                    Ask::Prepare { account, reply } => {
                        let _ = reply.send(make_databases(&of_task, &account).await);
                    }
                    Ask::Inspect { reply } => {
                        let _ = reply.send(inspect::inspect(&of_task).await);
                    }
                    Ask::Import { wanted, reply } => {
                        // Every row is read: nobody else waits for that.
                        let shared = of_task.clone();
                        tokio::task::spawn_local(async move {
                            let _ = reply.send(import::import(&shared, *wanted).await);
                        });
                    }
                }
            }
        });
        Self {
            shared,
            accounts,
            new_shards,
            ask,
        }
    }

    /// Reads a sharding clause.
    fn rule(&self, clause: &str) -> Result<Rule, String> {
        let (text, mode) = (clause.as_bytes(), sql::LexMode::default());
        let lexed = sql::Lexed::new(text, mode, self.shared.flavor()).map_err(|e| e.to_string())?;
        let rule = parse_rule(&mut sql::cursor::Cursor::new(text, &lexed.tokens, mode));
        rule.map_err(|e| e.to_string())
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
                Err(_) => lost("the look was broken off".to_string()),
            }
        })
    }
}

/// True if every worker and every proxy has reached an epoch, and each shard can be used here.
async fn is_settled(shared: &Shared, epoch: u64) -> bool {
    if shared.epoch_of_all() < epoch {
        return false;
    }
    let (catalog, handles) = (shared.meta.watch().borrow().clone(), shared.shards());
    let is_here = |s: &catalog::Shard| {
        let login = handles.get(&s.name).map(|h| &h.login);
        login.is_some_and(|l| (&*l.host, l.port) == (&*s.host, s.port))
    };
    if !catalog.shards.values().all(is_here) {
        return false;
    }
    let others = shared.meta.proxies().await.unwrap_or_default();
    others.len() < 2 || others.iter().all(|p| p.epoch.is_some_and(|e| e >= epoch))
}

/// Waits, not for ever, until everybody works by an epoch; false if somebody does not.
async fn settle(shared: &Shared, epoch: u64) -> bool {
    let until = Instant::now() + SETTLE;
    while !is_settled(shared, epoch).await {
        if Instant::now() > until {
            return false;
        }
        tokio::time::sleep(SETTLE_STEP).await;
    }
    true
}

async fn make_databases(shared: &Shared, account: &ShardConfig) -> Result<(), String> {
    let login = crate::role::shards::strongest(account, probe::PROBE_TIME)?;
    let catalog = shared.meta.watch().borrow().clone();
    prepare::databases(&login, &catalog, &shared.shards()).await
}

fn unknown(subject: &str, why: String) -> Finding {
    Finding::new(Severity::Critical, subject, why, "try again")
}

impl admin::Control for ProxyControl {
    fn meta(&self) -> Arc<dyn MetaService> {
        self.shared.meta.clone()
    }

    fn import(&self, order: ImportOrder) -> BoxFuture<Result<Imported, MetaError>> {
        let rule = match self.rule(&order.clause) {
            Ok(rule) => rule,
            Err(why) => return Box::pin(async { Err(Rejected::Invalid(why).into()) }),
        };
        let wanted = Box::new(import::Wanted {
            name: order.table,
            rule,
            clause: order.clause,
            who: order.who,
            dry_run: order.dry_run,
        });
        self.asked(
            |reply| Ask::Import { wanted, reply },
            |why| Err(MetaError::Unknown(why)),
        )
    }

    fn check_rule(&self, clause: &str) -> Result<(), String> {
        let rule = self.rule(clause)?;
        let catalog = self.shared.catalog();
        proxy::ddl::rule::check_shard_names(&catalog, &rule.by)
    }

    fn prepare(&self, name: &str, host: &str, port: u16) -> BoxFuture<Result<(), String>> {
        match self.account(name, host, port) {
            Some(account) => self.asked(|reply| Ask::Prepare { account, reply }, Err),
            None => Box::pin(async { Err("this proxy has no account for it".to_string()) }),
        }
    }

    fn probe(&self, name: &str, host: &str, port: u16) -> BoxFuture<Vec<Finding>> {
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

    fn settled(&self, epoch: u64) -> BoxFuture<()> {
        let shared = self.shared.clone();
        Box::pin(async move {
            settle(&shared, epoch).await;
        })
    }

    fn inspect(&self) -> BoxFuture<Report> {
        self.asked(
            |reply| Ask::Inspect { reply },
            |why| Report::new(vec![unknown("inspection", why)]),
        )
    }
}
