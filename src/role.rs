//! The proxy role: from a configuration to a running proxy, and its end. Other roles stand beside it.

pub mod meta;
pub mod token;

use self::meta::Service;
use crate::cli::ProxyArgs;
use crate::config::{self, Config};
use crate::control::{self, ProxyControl};
use crate::status::ProxyStatus;
use proxy::config::ShardConfig;
use proxy::users::Users;
use proxy::{Parts, Proxy, ShardHandle};
use shard::{Login, ShardHealth};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long sessions may take to end at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// How often the epoch that all workers reached is told to the service.
const EPOCH_REPORT: Duration = Duration::from_millis(50);

/// Runs the proxy until it is told to end.
pub fn run_proxy(args: &ProxyArgs) -> Result<(), String> {
    let config = config::load(&args.config)?;
    if args.check {
        println!("{}: fine", args.config.display());
        return Ok(());
    }
    let runtime = runtime()?;
    runtime.block_on(async {
        let proxy = start(config, None).await?;
        tracing::info!(address = %proxy.address, "ready for clients");
        wait_for_signal().await?;
        tracing::info!("shutting down");
        proxy.stop(SHUTDOWN_GRACE);
        Ok(())
    })
}

/// The runtime of everything but statements.
pub fn runtime() -> Result<tokio::runtime::LocalRuntime, String> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_all()
        .build_local(Default::default())
        .map_err(|e| e.to_string())
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn wait_for_signal() -> Result<(), String> {
    let mut term = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut int = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

/// How to reach a shard with an account.
pub fn login(s: &ShardConfig, timeout: Duration) -> Result<Login, String> {
    let mut password = s.password.clone();
    if let Some(path) = &s.password_file {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        password = text.trim_end_matches(['\r', '\n']).to_string();
    }
    let tls = s.tls_ca.as_deref().map(proxy::tls::trusting).transpose()?;
    Ok(Login {
        shard: s.name.as_str().into(),
        host: s.host.as_str().into(),
        port: s.port,
        user: s.user.as_str().into(),
        password: password.into(),
        tls,
        timeout,
    })
}

/// Waits for the end of standard input.
pub async fn stdin_closed() {
    let read = tokio::task::spawn_blocking(|| {
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())
    });
    let _ = read.await;
}

/// Puts the parts together and starts them. Must run on the runtime that stays.
pub async fn start(
    config: Config,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> Result<Proxy, String> {
    let service = meta::open(&config.meta, config.proxy.listen).await?;
    let meta = service.handle();
    let timeout = Duration::from_millis(config.pool.connect_timeout_ms);
    let interval = Duration::from_millis(config.pool.health_interval_ms);
    let mut shards = HashMap::new();
    for s in &config.shards {
        let current = meta.watch().borrow().clone();
        // What the catalog says of a shard's address wins over the file: it may have moved since.
        let (host, port) = match current.shard_named(&s.name) {
            Some(known) if service.is_remote() => (known.host.clone(), known.port),
            Some(known) if known.host == s.host && known.port == s.port => (s.host.clone(), s.port),
            _ => {
                let (name, host, port) = (s.name.clone(), s.host.clone(), s.port);
                let put = catalog::Command::PutShard { name, host, port };
                if !current.databases.is_empty() && current.shard_named(&s.name).is_none() {
                    let login = login(s, timeout)?;
                    control::prepare::databases(&login, &current, &shards).await?;
                }
                meta.propose(put, None).await.map_err(|e| e.to_string())?;
                (s.host.clone(), s.port)
            }
        };
        shards.insert(s.name.clone(), handle(s, &s.name, &host, port, timeout)?);
    }
    for h in shards.values() {
        watch_health(h, interval).await;
    }
    let tls = match (&config.proxy.tls_cert, &config.proxy.tls_key, tls) {
        (Some(cert), Some(key), _) => Some(proxy::tls::from_files(cert, key)?),
        (_, _, tls) => tls,
    };
    let users = Users::new(&config.users).map_err(|e| e.to_string())?;
    let admin_address = config.admin.listen;
    let parts = Parts {
        config: config.proxy,
        pool: config.pool,
        meta,
        shards,
        users,
        tls,
    };
    let listener = tokio::net::TcpListener::bind(admin_address).await;
    let listener =
        listener.map_err(|e| format!("cannot listen on {admin_address} (admin.listen): {e}"))?;
    let proxy = Proxy::start(parts).map_err(|e| e.to_string())?;
    let access = match &config.admin.token_file {
        Some(file) => admin::Access::Token(token::read(file)?),
        None if config.admin.open => admin::Access::Open,
        None => admin::Access::Closed,
    };
    let (accounts, new_shards) = (config.shards.clone(), config.new_shards.clone());
    let drift_check = Duration::from_secs(config.admin.drift_check_s);
    let control = ProxyControl::start(proxy.shared.clone(), accounts, new_shards, drift_check);
    let follow = follow_catalog(
        proxy.shared.clone(),
        service,
        config.shards,
        config.new_shards,
    );
    tokio::task::spawn_local(follow);
    let status = Arc::new(ProxyStatus(proxy.shared.clone()));
    tokio::spawn(async move {
        if let Err(error) = admin::serve(listener, status, Arc::new(control), access).await {
            tracing::error!(%error, "the admin port has ended");
        }
    });
    Ok(proxy)
}

fn handle(
    account: &ShardConfig,
    name: &str,
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<ShardHandle, String> {
    let mut login = login(account, timeout)?;
    (login.shard, login.host, login.port) = (name.into(), host.into(), port);
    Ok(ShardHandle {
        login,
        health: Arc::default(),
    })
}

/// Checks a shard once, so that its version is known, then goes on in the background.
async fn watch_health(handle: &ShardHandle, interval: Duration) {
    let health: &Arc<ShardHealth> = &handle.health;
    health.check(&handle.login, &mut None).await;
    let (health, login) = (Arc::downgrade(health), handle.login.clone());
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
async fn follow_catalog(
    shared: Arc<proxy::Shared>,
    service: Service,
    accounts: Vec<ShardConfig>,
    new_shards: Option<ShardConfig>,
) {
    let timeout = Duration::from_millis(shared.pool.connect_timeout_ms);
    let interval = Duration::from_millis(shared.pool.health_interval_ms);
    let mut news = shared.meta.watch();
    let mut incarnation = 0;
    loop {
        let catalog = news.borrow_and_update().clone();
        for s in catalog.shards.values() {
            let known = shared.shards();
            let same = |h: &ShardHandle| (&*h.login.host, h.login.port) == (&*s.host, s.port);
            if known.get(&s.name).is_some_and(same) {
                continue;
            }
            let own = accounts.iter().find(|a| a.name == s.name);
            let Some(account) = own.or(new_shards.as_ref()) else {
                tracing::warn!(
                    shard = s.name,
                    "no account for this shard: add it to the configuration"
                );
                continue;
            };
            match handle(account, &s.name, &s.host, s.port, timeout) {
                Ok(handle) => {
                    tracing::info!(
                        shard = s.name,
                        host = s.host,
                        port = s.port,
                        "shard is used"
                    );
                    watch_health(&handle, interval).await;
                    shared.put_shard(&s.name, handle);
                }
                Err(error) => tracing::warn!(shard = s.name, %error, "shard cannot be used"),
            }
        }
        loop {
            let reached = shared.epoch_of_all();
            let clients = shared.config.listen;
            let draining = service.alive(&mut incarnation, clients, reached).await;
            shared.registry.drain(draining);
            match tokio::time::timeout(EPOCH_REPORT, news.changed()).await {
                Ok(Ok(())) => break,
                Ok(Err(_)) => return,
                Err(_) => {}
            }
        }
    }
}
