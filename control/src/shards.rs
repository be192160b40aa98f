//! The shards of a proxy: from configuration and catalog to handles, at the start and as they change.

use crate::accounts::OwnAccounts;
use crate::{Cluster, ShardConfig, prepare};
use meta::Service;
use shard::{HealthTiming, InstanceHealth, ServerKind, ShardDirectory, ShardHandle, Timeouts};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How often the epoch that all workers reached is reported to the service.
const EPOCH_REPORT: Duration = Duration::from_millis(50);

/// A handle for a shard at an address.
fn handle(
    account: &ShardConfig,
    name: &str,
    (host, port): (&str, u16),
    timeouts: Timeouts,
    own: &OwnAccounts,
) -> Result<ShardHandle, String> {
    let mut strongest = account.strongest(timeouts)?;
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

/// How shards are reached and watched.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How long their servers are waited for.
    pub timeouts: Timeouts,
    /// When they are checked.
    pub health: HealthTiming,
}

/// The shards of the configuration, entered into the catalog where it does not know them. If they
/// `just_started`, their addresses are newer than the catalog's.
pub async fn open(
    configured: &[ShardConfig],
    just_started: bool,
    timing: Timing,
    service: &Service,
    own: &OwnAccounts,
) -> Result<ShardDirectory, String> {
    let meta = service.handle();
    let mut shards = HashMap::new();
    for s in configured {
        let current = meta.watch().borrow().clone();
        // What the catalog says of a shard's address wins over the file: it may have moved since.
        let known = current.shard_named(&s.name).map(|k| k.primary().address());
        let (host, port) = match known {
            Some((host, port)) if service.is_remote() && !just_started => (host.to_string(), port),
            Some(at) if at == (&*s.host, s.port) => (s.host.clone(), s.port),
            _ => {
                let (name, host, port) = (s.name.clone(), s.host.clone(), s.port);
                let put = catalog::Command::PutShard { name, host, port };
                if !current.databases.is_empty() && current.shard_named(&s.name).is_none() {
                    let login = s.strongest(timing.timeouts)?;
                    prepare::fill(&login, &current, &shards).await?;
                }
                meta.propose(put, None).await.map_err(|e| e.to_string())?;
                (s.host.clone(), s.port)
            }
        };
        let handle = handle(s, &s.name, (&host, port), timing.timeouts, own)?;
        prepare_account(&handle, own, service).await;
        shards.insert(s.name.clone(), handle);
    }
    let kind = ServerKind::default();
    for s in configured {
        if let Some(handle) = shards.get(&s.name) {
            watch_health(handle, &kind, timing.health).await;
        }
    }
    Ok(ShardDirectory::new(shards, kind, own.book.clone()))
}

/// Makes the own account before the first statement needs it. What fails is tried again and again.
async fn prepare_account(handle: &ShardHandle, own: &OwnAccounts, service: &Service) {
    let Some(manager) = &handle.manager else {
        return;
    };
    let catalog = service.handle().watch().borrow().clone();
    if let Err(error) = own.ensure(manager, &catalog, &*service.handle()).await {
        tracing::warn!(shard = %manager.shard, error, "no account of its own yet");
    }
}

/// Checks a shard once, so that its version is known, then goes on in the background.
async fn watch_health(handle: &ShardHandle, kind: &ServerKind, timing: HealthTiming) {
    let health: &Arc<InstanceHealth> = &handle.health;
    // The manager's account stays when the own one changes.
    let login = handle.strongest().clone();
    health
        .check(&login, &mut None, kind, timing.down_after)
        .await;
    // Ends with the handle, when the shard moves to another address.
    let health = Arc::downgrade(health);
    let checks = shard::health::keep_checking(health, login, kind.clone(), timing);
    tokio::task::spawn_local(checks);
}

/// Follows the catalog: shards that are new or have moved get a handle. Also reports to the service which
/// epoch this proxy has reached.
pub struct Follow {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// The service.
    pub service: Rc<Service>,
    /// The accounts of this process.
    pub own: Rc<OwnAccounts>,
    /// Where clients reach the proxy.
    pub clients: SocketAddr,
    /// How new shards are reached and watched.
    pub timing: Timing,
    /// Accounts by shard, from the configuration.
    pub accounts: Vec<ShardConfig>,
    /// The account for other shards.
    pub new_shards: Option<ShardConfig>,
}

impl Follow {
    /// Runs for as long as the proxy does.
    pub async fn run(self) {
        let mut news = self.cluster.meta.watch();
        loop {
            let catalog = news.borrow_and_update().clone();
            for s in catalog.shards.values() {
                self.take_over(s).await;
            }
            loop {
                let reached = self.cluster.proxy.epoch();
                let draining = self.service.alive(self.clients, reached).await;
                self.cluster.proxy.drain(draining);
                let number = self.service.registered().number;
                self.cluster.proxy.set_number(number);
                match tokio::time::timeout(EPOCH_REPORT, news.changed()).await {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) => return,
                    Err(_) => {}
                }
            }
        }
    }

    async fn take_over(&self, s: &catalog::Shard) {
        let known = self.cluster.shards.all();
        let at = s.primary().address();
        let same = |h: &ShardHandle| (&*h.login.host, h.login.port) == at;
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
        match handle(account, &s.name, at, self.timing.timeouts, &self.own) {
            Ok(handle) => {
                tracing::info!(shard = s.name, host = at.0, port = at.1, "shard is used");
                prepare_account(&handle, &self.own, &self.service).await;
                watch_health(&handle, &self.cluster.shards.kind, self.timing.health).await;
                self.cluster.shards.put(&s.name, handle);
            }
            Err(error) => tracing::warn!(shard = s.name, %error, "shard cannot be used"),
        }
    }
}
