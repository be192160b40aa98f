//! The proxy role: from a configuration to a running proxy, and its end.

use crate::cli::ProxyArgs;
use crate::config::{self, Config};
use crate::status::ProxyStatus;
use meta::EmbeddedMeta;
use meta_client::MetaService;
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

fn login(s: &ShardConfig, timeout: Duration) -> Result<Login, String> {
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

/// Puts the parts together and starts them. Must run on the runtime that stays.
pub async fn start(
    config: Config,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> Result<Proxy, String> {
    let meta = EmbeddedMeta::open(&config.meta.dir).map_err(|e| e.to_string())?;
    let timeout = Duration::from_millis(config.pool.connect_timeout_ms);
    let mut shards = HashMap::new();
    for s in &config.shards {
        let current = meta.watch().borrow().clone();
        let known = current.shard_named(&s.name);
        if known.is_none_or(|k| k.host != s.host || k.port != s.port) {
            let (name, host) = (s.name.clone(), s.host.clone());
            let put = catalog::Command::PutShard {
                name,
                host,
                port: s.port,
            };
            meta.propose(put, None).await.map_err(|e| e.to_string())?;
        }
        let handle = ShardHandle {
            login: login(s, timeout)?,
            health: Arc::default(),
        };
        shards.insert(s.name.clone(), handle);
    }
    watch_health(
        &shards,
        Duration::from_millis(config.pool.health_interval_ms),
    )
    .await;
    let tls = match (&config.proxy.tls_cert, &config.proxy.tls_key, tls) {
        (Some(cert), Some(key), _) => Some(proxy::tls::from_files(cert, key)?),
        (_, _, tls) => tls,
    };
    let users = Users::new(&config.users).map_err(|e| e.to_string())?;
    let admin_address = config.admin.listen;
    let parts = Parts {
        config: config.proxy,
        pool: config.pool,
        meta: Arc::new(meta),
        shards,
        users,
        tls,
    };
    let listener = tokio::net::TcpListener::bind(admin_address).await;
    let listener =
        listener.map_err(|e| format!("cannot listen on {admin_address} (admin.listen): {e}"))?;
    let proxy = Proxy::start(parts).map_err(|e| e.to_string())?;
    let status = Arc::new(ProxyStatus(proxy.shared.clone()));
    tokio::spawn(async move {
        if let Err(error) = admin::serve(listener, status).await {
            tracing::error!(%error, "the admin port has ended");
        }
    });
    Ok(proxy)
}

/// Checks every shard once, so that its version is known, then goes on in the background.
async fn watch_health(shards: &HashMap<String, ShardHandle>, interval: Duration) {
    for handle in shards.values() {
        let health: &Arc<ShardHealth> = &handle.health;
        health.check(&handle.login, &mut None).await;
        let (health, login) = (health.clone(), handle.login.clone());
        tokio::task::spawn_local(async move { health.watch(login, interval).await });
    }
}
