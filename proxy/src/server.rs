//! What all workers share, and starting and stopping them.

mod answers;

use crate::auth::users::Users;
use crate::buffers::BufferBudget;
use crate::config::{PoolConfig, ProxyConfig};
use crate::gauges::PublishedPools;
use crate::ids::GivenIds;
use crate::listener;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::worker::questions::{self, Question};
use answers::Answers;
use meta_client::MetaService;
use peers::Peers;
use shard::{ShardDirectory, ShardMap};
use sql::Flavor;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use wire::auth::RsaKey;
use wire::handshake::{CACHING_SHA2, NATIVE};

/// Stack of a worker thread; the SQL parser recurses.
const WORKER_STACK_BYTES: usize = 8 << 20;

/// What all workers share.
pub struct Shared {
    /// Configuration of the clients' side.
    pub config: ProxyConfig,
    /// Configuration of the shards' side.
    pub pool: PoolConfig,
    /// What all clients' buffers may hold together.
    pub(crate) buffers: Arc<BufferBudget>,
    /// Threads that serve clients.
    pub workers: usize,
    /// The metadata service.
    pub meta: Arc<dyn MetaService>,
    /// The shards, which change when one is added or moves to another address.
    pub directory: Arc<ShardDirectory>,
    /// Who may log in.
    pub users: Users,
    /// TLS for clients.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The proxies of the cluster, this one among them.
    pub peers: Peers,
    /// All sessions.
    pub registry: Arc<Registry>,
    /// Counters.
    pub metrics: Metrics,
    /// What the workers' pools hold.
    pub(crate) pools: PublishedPools,
    /// Ids that statements gave themselves.
    pub(crate) given_ids: Arc<GivenIds>,
    rsa: OnceLock<Arc<RsaKey>>,
    epochs: Vec<AtomicU64>,
    /// Where each worker is asked.
    questions: Vec<mpsc::Sender<Question>>,
}

/// The parts that a proxy is made of.
pub struct Parts {
    /// Configuration of the clients' side.
    pub config: ProxyConfig,
    /// Configuration of the shards' side.
    pub pool: PoolConfig,
    /// The metadata service.
    pub meta: Arc<dyn MetaService>,
    /// The shards.
    pub directory: Arc<ShardDirectory>,
    /// Who may log in.
    pub users: Users,
    /// TLS for clients.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The proxies of the cluster, this one among them.
    pub peers: Peers,
}

impl Shared {
    /// The newest catalog that the proxy has.
    pub fn catalog(&self) -> Arc<catalog::Catalog> {
        self.meta.watch().borrow().clone()
    }

    /// The shards by name, as they are now.
    pub fn shards(&self) -> ShardMap {
        self.directory.all()
    }

    /// The version that clients are told: that of a shard, so that drivers expect what they get.
    pub fn version(&self) -> String {
        let oldest = self.directory.oldest();
        oldest.map_or_else(|| "10.11.0-MariaDB".to_string(), |d| d.version)
    }

    /// The version in the greeting, which drivers decide by.
    pub fn greeting_version(&self) -> String {
        let oldest = self.directory.oldest();
        oldest.map_or_else(|| self.version(), |d| d.greeting)
    }

    /// The authentication plugin of the greeting: what a server like the shards would name.
    pub fn default_plugin(&self) -> &'static str {
        let flavor = self.flavor();
        if !flavor.mariadb && flavor.version >= 80_004 {
            CACHING_SHA2
        } else {
            NATIVE
        }
    }

    /// What all shards' servers can do: how version comments are read and which functions there are.
    pub fn flavor(&self) -> Flavor {
        self.directory.flavor()
    }

    /// The sql_mode of new sessions.
    pub fn default_sql_mode(&self) -> String {
        let oldest = self.directory.oldest();
        oldest.map(|d| d.sql_mode).unwrap_or_default()
    }

    /// Notes that a worker plans against this epoch.
    pub fn worker_reached(&self, worker: usize, epoch: u64) {
        if let Some(e) = self.epochs.get(worker) {
            e.store(epoch, Ordering::Release);
        }
    }

    /// The epoch that every worker has reached.
    pub fn epoch_of_all(&self) -> u64 {
        let epochs = self.epochs.iter().map(|e| e.load(Ordering::Acquire));
        epochs.min().unwrap_or(0)
    }

    /// The key pair for passwords without TLS, made at the first use.
    pub async fn rsa_key(&self) -> Option<Arc<RsaKey>> {
        if let Some(key) = self.rsa.get() {
            return Some(key.clone());
        }
        let made = tokio::task::spawn_blocking(RsaKey::generate)
            .await
            .ok()?
            .ok()?;
        Some(self.rsa.get_or_init(|| Arc::new(made)).clone())
    }
}

/// A running proxy.
pub struct Proxy {
    /// What its workers share.
    pub shared: Arc<Shared>,
    /// Where it listens.
    pub address: SocketAddr,
    threads: Vec<std::thread::JoinHandle<()>>,
}

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// A thread or runtime cannot be made.
    #[error("cannot start a worker: {0}")]
    Worker(std::io::Error),
    /// Clients would send passwords and data in clear over a network.
    #[error(
        "proxy.listen = {0} is not loopback, and there is no TLS certificate: \
         set proxy.tls_cert and proxy.tls_key, or listen on 127.0.0.1"
    )]
    NoTls(SocketAddr),
    /// Anybody could log in.
    #[error("proxy.listen = {0} is not loopback, and a user has no password")]
    NoPassword(SocketAddr),
}

impl Proxy {
    /// Starts the workers; clients can connect when this returns.
    pub fn start(parts: Parts) -> Result<Proxy, StartError> {
        let Parts {
            config,
            pool,
            meta,
            directory,
            users,
            tls,
            peers,
        } = parts;
        let listen = config.listen;
        if !listen.ip().is_loopback() && tls.is_none() {
            return Err(StartError::NoTls(listen));
        }
        if !listen.ip().is_loopback() && users.any_without_password() {
            return Err(StartError::NoPassword(listen));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = match config.workers {
            0 => cores,
            n => n,
        };
        let registry = Registry::new(config.max_connections);
        registry.set_number(peers.me().registered().number);
        let (questions, receivers): (Vec<_>, Vec<_>) =
            (0..workers).map(|_| questions::channel()).unzip();
        let shared = Arc::new(Shared {
            buffers: BufferBudget::new(config.client_buffers_bytes),
            config,
            pool,
            workers,
            meta,
            directory,
            users,
            tls,
            peers,
            registry,
            metrics: Metrics::default(),
            pools: PublishedPools::new(workers),
            given_ids: Arc::default(),
            rsa: OnceLock::new(),
            epochs: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            questions,
        });
        shared.peers.answer_with(Arc::new(Answers::of(&shared)));
        let failed = |e| StartError::Listen(listen, e);
        // The workers' sockets share the port (SO_REUSEPORT), and would share it with another proxy
        // too: make sure that nobody listens there yet.
        drop(std::net::TcpListener::bind(listen).map_err(failed)?);
        let first = listener::bind(listen).map_err(failed)?;
        let address = first.local_addr().map_err(failed)?;
        let mut sockets = vec![first];
        for _ in 1..workers {
            sockets.push(listener::bind(address).map_err(failed)?);
        }
        let mut threads = Vec::new();
        for (index, (socket, asked)) in sockets.into_iter().zip(receivers).enumerate() {
            let shared = shared.clone();
            let thread = std::thread::Builder::new()
                .name(format!("worker-{index}"))
                .stack_size(WORKER_STACK_BYTES)
                .spawn(move || listener::run_worker(shared, index, socket, asked));
            threads.push(thread.map_err(StartError::Worker)?);
        }
        Ok(Proxy {
            shared,
            address,
            threads,
        })
    }

    /// Ends all sessions and waits for the workers, at most `grace`.
    pub fn stop(self, grace: Duration) {
        self.shared.registry.kill_all();
        let until = Instant::now() + grace;
        for t in self.threads {
            while !t.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
