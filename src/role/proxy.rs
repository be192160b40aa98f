//! The proxy role: from a configuration to a running proxy, and its end.

use crate::cli::ProxyArgs;
use crate::config::{AdminConfig, Config};
use crate::status::ProxyStatus;
use ::proxy::users::Users;
use ::proxy::{Parts, Proxy, Shared};
use admin::{AdminPort, ApiAccess};
use control::proxies::Proxies;
use control::shards::{Follow, Timing};
use control::{Cluster, LocalProxy, Orders, OwnAccounts, accounts, shards};
use meta::Service;
use meta_client::{Registered, token};
use peers::port::reachable;
use peers::{Me, OwnPort, Peers};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How long sessions may take to end at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Runs the proxy until a signal ends it.
pub(crate) fn run(config: Config, args: &ProxyArgs) -> Result<(), String> {
    if args.check {
        println!("{}: ok", args.config.display());
        return Ok(());
    }
    let runtime = runtime()?;
    runtime.block_on(async {
        let proxy = start(config, None).await?;
        tracing::info!(address = %proxy.address, "ready for clients");
        super::wait_for_signal().await?;
        tracing::info!("shutting down");
        proxy.stop(SHUTDOWN_GRACE).await;
        Ok(())
    })
}

/// The runtime of everything but statements.
pub(crate) fn runtime() -> Result<tokio::runtime::LocalRuntime, String> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_all()
        .build_local(Default::default())
        .map_err(|e| e.to_string())
}

/// The running proxy, as orders see it.
struct Here(Arc<Shared>);

impl LocalProxy for Here {
    fn epoch(&self) -> u64 {
        self.0.epoch_of_all()
    }

    fn drain(&self, draining: bool) {
        self.0.registry.drain(draining);
    }

    fn set_number(&self, number: u16) {
        self.0.registry.set_number(number);
    }
}

/// A proxy that serves, registered with the service.
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    proxy: Proxy,
    service: Rc<Service>,
}

impl Running {
    /// Ends all sessions, waits for the workers, at most `grace`, and leaves the service.
    pub(crate) async fn stop(self, grace: Duration) {
        self.proxy.stop(grace);
        self.service.leave().await;
    }
}

/// The service, registered with, and the channel to the other proxies that use it. `clients` is where
/// clients reach this one.
async fn join(
    config: &Config,
    clients: SocketAddr,
) -> Result<(Rc<Service>, OwnAccounts, Peers), String> {
    let first = config.meta.endpoints.first();
    let clients = first.map_or(clients, |node| reachable(clients, node));
    let (own, port) = match first {
        Some(node) => {
            let (own, port) = OwnPort::open(&config.peers, clients, node).await?;
            (Some(own), Some(port))
        }
        None => (None, None),
    };
    let service = Rc::new(Service::open(&config.meta, clients, port).await?);
    let accounts = own_accounts(config, &service, clients).await;
    let name = config.meta.name.clone();
    let name = name.unwrap_or_else(|| clients.to_string());
    let peers = match (&*service, own) {
        (Service::Remote(remote), Some(own)) => {
            let (known, meta) = (remote.clone(), service.handle());
            let me = Me::new(name, clients.to_string(), move || known.registered());
            let listing = Arc::new(move || meta.proxies());
            Peers::new(config.peers.clone(), own, me, listing)
        }
        _ => Peers::alone(Me::new(name, clients.to_string(), Registered::default))?,
    };
    Ok((service, accounts, peers))
}

/// Puts the parts together and starts them. Must run on the runtime that stays.
pub(crate) async fn start(
    config: Config,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> Result<Running, String> {
    // Who registers takes the place of whoever had the address: nobody may be there any more.
    let clients = config.proxy.listen;
    let free = std::net::TcpListener::bind(clients);
    drop(free.map_err(|e| format!("cannot listen on {clients} (proxy.listen): {e}"))?);
    let (service, own, peers) = join(&config, clients).await?;
    let (meta, own) = (service.handle(), Rc::new(own));
    let timing = Timing {
        timeouts: config.pool.timeouts(),
        health: config.pool.health_timing(),
    };
    let just_started = config.shards_just_started;
    let shards = shards::open(&config.shards, just_started, timing, &service, &own).await?;
    let directory = Arc::new(shards);
    let tls = match (&config.proxy.tls_cert, &config.proxy.tls_key, tls) {
        (Some(cert), Some(key), _) => Some(tls::from_files(cert, key)?),
        (_, _, tls) => tls,
    };
    let admin_address = config.admin.listen;
    let listener = tokio::net::TcpListener::bind(admin_address).await;
    let listener =
        listener.map_err(|e| format!("cannot listen on {admin_address} (admin.listen): {e}"))?;
    let proxy = Proxy::start(Parts {
        config: config.proxy,
        pool: config.pool,
        meta: meta.clone(),
        directory: directory.clone(),
        users: Users::new(&config.users).map_err(|e| e.to_string())?,
        tls,
        peers,
    });
    let proxy = proxy.map_err(|e| e.to_string())?;
    let port = admin_port(&config.admin)?;
    let cluster = Arc::new(Cluster {
        meta,
        shards: directory,
        proxies: Proxies(proxy.shared.peers.clone()),
        proxy: Arc::new(Here(proxy.shared.clone())),
        schema_drift: Default::default(),
    });
    let orders = Orders::start(
        cluster.clone(),
        config.shards.clone(),
        config.new_shards.clone(),
        Duration::from_secs(config.admin.drift_check_s),
    );
    let follow = Follow {
        cluster: cluster.clone(),
        service: service.clone(),
        own: own.clone(),
        clients,
        timing,
        accounts: config.shards,
        new_shards: config.new_shards,
    };
    tokio::task::spawn_local(follow.run());
    tokio::task::spawn_local(accounts::keep(cluster.clone(), service.clone(), own));
    let status = Arc::new(ProxyStatus::new(proxy.shared.clone(), cluster));
    tokio::spawn(admin::serve(listener, status, Arc::new(orders), port));
    Ok(Running {
        address: proxy.address,
        proxy,
        service,
    })
}

fn admin_port(config: &AdminConfig) -> Result<AdminPort, String> {
    let access = match &config.token_file {
        Some(file) => ApiAccess::Token(token::read(file)?),
        None if config.open => ApiAccess::Open,
        None => ApiAccess::Closed,
    };
    Ok(AdminPort {
        access,
        hosts: config.hosts.clone(),
        connections_max: config.connections_max,
        head_time: Duration::from_millis(config.head_timeout_ms),
    })
}

/// The accounts of this process, as its incarnation if the service gives it one in time.
async fn own_accounts(config: &Config, service: &Service, clients: SocketAddr) -> OwnAccounts {
    let own = OwnAccounts::default();
    let makes_accounts = config.shards.iter().any(|s| !s.manager_user.is_empty());
    if makes_accounts || service.is_remote() {
        let incarnation = service.register(clients).await;
        if incarnation == 0 && makes_accounts {
            tracing::warn!(
                "not registered with the metadata service yet: statements use the management accounts"
            );
        }
        own.become_incarnation(incarnation);
    }
    own
}
