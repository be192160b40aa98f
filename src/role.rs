//! The proxy role: from a configuration to a running proxy, and its end. Other roles stand beside it.

pub mod accounts;
pub mod meta;
pub mod shards;
pub mod token;

use self::accounts::Own;
use crate::cli::ProxyArgs;
use crate::config::{self, Config};
use crate::control::ProxyControl;
use crate::status::ProxyStatus;
use proxy::users::Users;
use proxy::{Parts, Proxy};
use std::rc::Rc;
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
    // Who registers takes the place of whoever had the address: nobody may be there any more.
    let listen = config.proxy.listen;
    let free = std::net::TcpListener::bind(listen);
    drop(free.map_err(|e| format!("cannot listen on {listen} (proxy.listen): {e}"))?);
    let service = Rc::new(meta::open(&config.meta, config.proxy.listen).await?);
    let meta = service.handle();
    let own = Rc::new(Own::default());
    if config.shards.iter().any(|s| !s.manager_user.is_empty()) {
        let incarnation = service.register(config.proxy.listen).await;
        if incarnation == 0 {
            tracing::warn!(
                "not registered with the metadata service yet: statements use the management accounts"
            );
        }
        own.become_incarnation(incarnation);
    }
    let shards = shards::open(&config, &service, &own).await?;
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
    let (accounts, new_shards) = (config.shards, config.new_shards);
    let follow = shards::Follow {
        shared: proxy.shared.clone(),
        service: service.clone(),
        own: own.clone(),
        accounts,
        new_shards,
    };
    tokio::task::spawn_local(follow.run());
    tokio::task::spawn_local(accounts::keep(proxy.shared.clone(), service, own));
    let status = Arc::new(ProxyStatus(proxy.shared.clone()));
    tokio::spawn(async move {
        if let Err(error) = admin::serve(listener, status, Arc::new(control), access).await {
            tracing::error!(%error, "the admin port has ended");
        }
    });
    Ok(proxy)
}
