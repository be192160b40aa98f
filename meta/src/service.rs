//! The service as a proxy holds it: a node inside its process, or nodes elsewhere.

use crate::MetaNode;
use catalog::{Answer, Change, PeerPort, Registration};
use meta_client::protocol::{Renew, RenewReply};
use meta_client::{MetaService, Registered, RemoteConfig, RemoteMeta, token};
use serde::Deserialize;
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a proxy that starts waits for its incarnation.
const REGISTER_TIME: Duration = Duration::from_secs(3);
/// How often it checks whether it has one.
const REGISTER_STEP: Duration = Duration::from_millis(10);

/// `[meta]`: where the catalog is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetaConfig {
    /// Folder of the embedded node; with `endpoints`, of the last catalog for a start without them.
    pub dir: PathBuf,
    /// Nodes of a replicated service, host:port each. Without any, one node runs inside the proxy.
    pub endpoints: Vec<String>,
    /// File with the cluster's token.
    pub token_file: Option<PathBuf>,
    /// PEM file with the authority of the nodes' certificates; makes TLS required.
    pub tls_ca: Option<PathBuf>,
    /// Name of this proxy; its address if there is none.
    pub name: Option<String>,
}

impl Default for MetaConfig {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("/var/lib/shardwright/meta"),
            endpoints: Vec::new(),
            token_file: None,
            tls_ca: None,
            name: None,
        }
    }
}

/// The service that a proxy uses: inside this process, or elsewhere.
pub enum Service {
    /// The only node, here, and this proxy's incarnation.
    Embedded(MetaNode, Cell<u64>),
    /// Nodes elsewhere.
    Remote(RemoteMeta),
}

impl Service {
    /// Opens the embedded node, or finds the nodes elsewhere. `clients` is where clients reach the proxy,
    /// `peer` where other proxies do.
    pub async fn open(
        config: &MetaConfig,
        clients: SocketAddr,
        peer: Option<PeerPort>,
    ) -> Result<Self, String> {
        if config.endpoints.is_empty() {
            let node = MetaNode::embedded(&config.dir).await;
            let node = node.map_err(|e| e.to_string())?;
            return Ok(Service::Embedded(node, Cell::new(0)));
        }
        let file = config.token_file.as_ref();
        let file = file.ok_or("meta.endpoints needs meta.token_file, the cluster's token")?;
        let tls = config.tls_ca.as_deref().map(tls::trusting).transpose()?;
        let dir = &config.dir;
        std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let remote = RemoteMeta::start(RemoteConfig {
            endpoints: config.endpoints.clone(),
            token: token::read(file)?,
            tls,
            cache: Some(dir.join("catalog.cache")),
            name: config.name.clone().unwrap_or_else(|| clients.to_string()),
            address: clients.to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            peer,
        });
        Ok(Service::Remote(remote.await.map_err(|e| e.to_string())?))
    }

    /// What the registration of this proxy gave.
    pub fn registered(&self) -> Registered {
        match self {
            Service::Remote(remote) => remote.registered(),
            Service::Embedded(_, incarnation) => Registered {
                incarnation: incarnation.get(),
                ..Default::default()
            },
        }
    }

    /// Registers the proxy and gives its incarnation, once the catalog is as new as the registration: what
    /// was changed before it was not held up for this proxy. Gives 0 if the service cannot be reached for
    /// a while.
    pub async fn register(&self, clients: SocketAddr) -> u64 {
        let until = Instant::now() + REGISTER_TIME;
        while Instant::now() < until {
            let registered = self.registered();
            let epoch = self.handle().watch().borrow().epoch;
            if registered.incarnation != 0 && epoch >= registered.epoch {
                return registered.incarnation;
            }
            match self {
                Service::Embedded(node, incarnation) => {
                    register_here(node, incarnation, clients).await;
                }
                // No node has answered for a while already.
                Service::Remote(remote) if remote.is_cached() => break,
                // Its own task does it.
                Service::Remote(_) => tokio::time::sleep(REGISTER_STEP).await,
            }
        }
        0
    }

    /// The process ends: nobody needs to wait for it any more.
    pub async fn leave(&self) {
        if let Service::Remote(remote) = self {
            remote.leave().await;
        }
    }

    /// Reports to the service that this proxy lives and which epoch it has reached. A remote service hears it
    /// from its client; the embedded one registers and renews here.
    /// Gives true if this proxy is to let go of its clients.
    pub async fn alive(&self, clients: SocketAddr, epoch: u64) -> bool {
        let (node, incarnation) = match self {
            Service::Remote(remote) => {
                remote.reached(epoch);
                return remote.is_draining();
            }
            Service::Embedded(node, incarnation) => (node, incarnation),
        };
        if incarnation.get() == 0 {
            register_here(node, incarnation, clients).await;
        }
        let renew = Renew {
            incarnation: incarnation.get(),
            epoch,
        };
        match node.renew(renew, false).await {
            Ok(RenewReply::Leased { draining, .. }) => return draining,
            Ok(RenewReply::Fenced) => incarnation.set(0),
            Err(error) => tracing::debug!(%error, "the lease is not renewed"),
        }
        false
    }

    /// True if other proxies use the service too.
    pub fn is_remote(&self) -> bool {
        matches!(self, Service::Remote(_))
    }

    /// The service as everybody else sees it.
    pub fn handle(&self) -> Arc<dyn MetaService> {
        match self {
            Service::Embedded(node, _) => Arc::new(node.clone()),
            Service::Remote(remote) => Arc::new(remote.clone()),
        }
    }
}

async fn register_here(node: &MetaNode, incarnation: &Cell<u64>, clients: SocketAddr) {
    let register = Change::Register(Registration {
        name: clients.to_string(),
        address: clients.to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        // Nobody else uses this service.
        peer: None,
        number: 0,
    });
    match node.submit("proxy", register, None).await {
        Ok(Answer::Incarnation(n)) => incarnation.set(n),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "this proxy is not registered yet"),
    }
}
