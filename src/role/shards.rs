//! The shards of a proxy: from configuration and catalog to handles, at the start and as they change.

use super::accounts::Own;
use super::meta::Service;
use crate::config::Config;
use crate::control;
use proxy::config::ShardConfig;
use proxy::{ShardHandle, Shared};
use shard::{Login, ShardHealth};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How often the epoch that all workers reached is told to the service.
const EPOCH_REPORT: Duration = Duration::from_millis(50);

fn read_password(text: &str, file: Option<&Path>) -> Result<String, String> {
    let Some(path) = file else {
        return Ok(text.to_string());
    };
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}

/// How to reach a shard with the account that may do most there: the manager's, or the only one.
pub fn strongest(s: &ShardConfig, timeout: Duration) -> Result<Login, String> {
    let (user, password) = match s.manager_user.is_empty() {
        true => (
            &s.user,
            read_password(&s.password, s.password_file.as_deref())?,
        ),
        false => {
            let file = s.manager_password_file.as_deref();
            (&s.manager_user, read_password(&s.manager_password, file)?)
        }
    };
    let tls = s.tls_ca.as_deref().map(proxy::tls::trusting).transpose()?;
    Ok(Login {
        shard: s.name.as_str().into(),
        host: s.host.as_str().into(),
        port: s.port,
        user: user.as_str().into(),
        password: password.into(),
        tls,
        timeout,
    })
}

/// A handle for a shard at an address.
fn handle(
    account: &ShardConfig,
    name: &str,
    (host, port): (&str, u16),
    timeout: Duration,
    own: &Own,
) -> Result<ShardHandle, String> {
    let mut strongest = strongest(account, timeout)?;
    (strongest.shard, strongest.host, strongest.port) = (name.into(), host.into(), port);
    let (login, manager) = match account.manager_user.is_empty() {
        true => (strongest, None),
        false => (own.login(&strongest)?, Some(strongest)),
    };
    Ok(ShardHandle {
        login,
        manager,
        health: Arc::default(),
    })
}

/// The shards of the configuration, entered into the catalog where it does not know them.
pub async fn open(
    config: &Config,
    service: &Service,
    own: &Own,
) -> Result<HashMap<String, ShardHandle>, String> {
    let meta = service.handle();
    let timeout = Duration::from_millis(config.pool.connect_timeout_ms);
    let interval = Duration::from_millis(config.pool.health_interval_ms);
    let mut shards = HashMap::new();
    for s in &config.shards {
        let current = meta.watch().borrow().clone();
        // What the catalog says of a shard's address wins over the file: it may have moved since.
        let (host, port) = match current.shard_named(&s.name) {
            Some(known) if service.is_remote() && !config.shards_just_started => {
                (known.host.clone(), known.port)
            }
            Some(known) if known.host == s.host && known.port == s.port => (s.host.clone(), s.port),
            _ => {
                let (name, host, port) = (s.name.clone(), s.host.clone(), s.port);
                let put = catalog::Command::PutShard { name, host, port };
                if !current.databases.is_empty() && current.shard_named(&s.name).is_none() {
                    let login = strongest(s, timeout)?;
                    control::prepare::databases(&login, &current, &shards).await?;
                }
                meta.propose(put, None).await.map_err(|e| e.to_string())?;
                (s.host.clone(), s.port)
            }
        };
        let handle = handle(s, &s.name, (&host, port), timeout, own)?;
        prepare_account(&handle, own, service).await;
        shards.insert(s.name.clone(), handle);
    }
    for h in shards.values() {
        watch_health(h, interval).await;
    }
    Ok(shards)
}

/// Makes the own account before the first statement needs it. What fails is tried again and again.
async fn prepare_account(handle: &ShardHandle, own: &Own, service: &Service) {
    let Some(manager) = &handle.manager else {
        return;
    };
    let catalog = service.handle().watch().borrow().clone();
    if let Err(error) = own.ensure(manager, &catalog).await {
        tracing::warn!(shard = %manager.shard, error, "no account of its own yet");
    }
}

/// Checks a shard once, so that its version is known, then goes on in the background.
async fn watch_health(handle: &ShardHandle, interval: Duration) {
    let health: &Arc<ShardHealth> = &handle.health;
    // The manager's account stays when the own one changes.
    let login = handle.strongest().clone();
    health.check(&login, &mut None).await;
    let health = Arc::downgrade(health);
    tokio::task::spawn_local(async move {
        let mut conn = None;
        // Ends with the handle, when the shard moves to another address.
        while let Some(health) = health.upgrade() {
            health.check(&login, &mut conn).await;
            drop(health);
            tokio::time::sleep(interval).await;
        }
    });
}

/// Follows the catalog: shards that are new or have moved get a handle. Also tells the service which
/// epoch this proxy has reached.
pub struct Follow {
    /// The proxy.
    pub shared: Arc<Shared>,
    /// The service.
    pub service: Rc<Service>,
    /// Its accounts.
    pub own: Rc<Own>,
    /// Accounts by shard, from the configuration.
    pub accounts: Vec<ShardConfig>,
    /// The account for other shards.
    pub new_shards: Option<ShardConfig>,
}

impl Follow {
    /// Runs for as long as the proxy does.
    pub async fn run(self) {
        let mut news = self.shared.meta.watch();
        loop {
            let catalog = news.borrow_and_update().clone();
            for s in catalog.shards.values() {
                self.take_over(s).await;
            }
            loop {
                let reached = self.shared.epoch_of_all();
                let clients = self.shared.config.listen;
                let draining = self.service.alive(clients, reached).await;
                self.shared.registry.drain(draining);
                match tokio::time::timeout(EPOCH_REPORT, news.changed()).await {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) => return,
                    Err(_) => {}
                }
            }
        }
    }

    async fn take_over(&self, s: &catalog::Shard) {
        let known = self.shared.shards();
        let same = |h: &ShardHandle| (&*h.login.host, h.login.port) == (&*s.host, s.port);
        if known.get(&s.name).is_some_and(same) {
            return;
        }
        let own = self.accounts.iter().find(|a| a.name == s.name);
        let Some(account) = own.or(self.new_shards.as_ref()) else {
            tracing::warn!(
                shard = s.name,
                "no account for this shard: add it to the configuration"
            );
            return;
        };
        let timeout = Duration::from_millis(self.shared.pool.connect_timeout_ms);
        let interval = Duration::from_millis(self.shared.pool.health_interval_ms);
        match handle(account, &s.name, (&s.host, s.port), timeout, &self.own) {
            Ok(handle) => {
                tracing::info!(
                    shard = s.name,
                    host = s.host,
                    port = s.port,
                    "shard is used"
                );
                prepare_account(&handle, &self.own, &self.service).await;
                watch_health(&handle, interval).await;
                self.shared.put_shard(&s.name, handle);
            }
            Err(error) => tracing::warn!(shard = s.name, %error, "shard cannot be used"),
        }
    }
}
