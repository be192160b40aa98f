//! The role of a metadata node: from arguments to a running node, and its end.

use super::token;
use crate::cli::MetaArgs;
use catalog::{Answer, Change, Registration};
use meta::MetaNode;
use meta_client::MetaService;
use meta_client::http::Http;
use meta_client::protocol::{Renew, RenewReply};
use meta_client::{MemberChange, MetaError};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a new node looks for the service that it joins.
const JOIN_TIME: Duration = Duration::from_secs(60);
/// How long one request for that may take: everything is sent to the new node meanwhile.
const JOIN_TRY: Duration = Duration::from_secs(30);
/// How long a proxy that starts waits for its incarnation.
const REGISTER_TIME: Duration = Duration::from_secs(3);
/// How often it looks.
const REGISTER_LOOK: Duration = Duration::from_millis(10);
/// Pause between two of them.
const JOIN_PAUSE: Duration = Duration::from_millis(300);

/// Runs a node until it is told to end.
pub fn run(args: &MetaArgs) -> Result<(), String> {
    let token = token::read(&args.token_file)?;
    if args.tls_cert.is_none() && !args.listen.ip().is_loopback() {
        return Err(format!(
            "--listen {} is not loopback, so the nodes talk over TLS: add --tls-cert, --tls-key \
             and --tls-ca",
            args.listen
        ));
    }
    // Raft's heartbeats must not wait for a snapshot that is being encoded.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(serve(args, &token))
}

async fn serve(args: &MetaArgs, token: &str) -> Result<(), String> {
    let server_tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(proxy::tls::from_files(cert, key)?),
        _ => None,
    };
    let client_tls = args
        .tls_ca
        .as_deref()
        .map(proxy::tls::trusting)
        .transpose()?;
    let http = Http::new(token, client_tls)?;
    let listener = tokio::net::TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|e| format!("cannot listen on {}: {e}", args.listen))?;
    let address = args
        .advertise
        .clone()
        .unwrap_or_else(|| args.listen.to_string());
    let node = MetaNode::start(args.id, &args.dir, Some(http.clone()))
        .await
        .map_err(|e| e.to_string())?;
    let port = meta::serve::Port {
        token: token.to_string(),
        address: address.clone(),
        tls: server_tls,
    };
    let server = tokio::spawn(meta::serve::serve(node.clone(), listener, port));
    let member = node.is_member().await.map_err(|e| e.to_string())?;
    if args.init {
        node.found(&address).await.map_err(|e| e.to_string())?;
    } else if !member && let Some(at) = &args.join {
        join(&http, at, args.id, &address).await?;
    } else if !member {
        tracing::warn!(
            id = args.id,
            "this node belongs to no service yet: `shardctl cluster init {address}` founds one here, \
             `shardctl cluster add {} {address}` of a running one takes it in",
            args.id
        );
    }
    tracing::info!(id = args.id, %address, "metadata node is running");
    let outcome = tokio::select! {
        done = super::wait_for_signal() => done,
        () = super::stdin_closed(), if args.until_stdin_closes => Ok(()),
        why = node.failed() => Err(format!("raft has stopped: {why}")),
        ended = server => Err(format!("the listener has ended: {ended:?}")),
    };
    node.stop().await;
    outcome
}

/// Asks a running node to take this one in, first as a learner, then with a vote.
async fn join(http: &Http, at: &str, id: u64, address: &str) -> Result<(), String> {
    let until = Instant::now() + JOIN_TIME;
    let address = address.to_string();
    for step in [
        MemberChange::Add { id, address },
        MemberChange::Promote { id },
    ] {
        loop {
            let sent = http.post::<_, serde_json::Value>(at, "/v1/members", &step, JOIN_TRY);
            let Err(e) = sent.await else { break };
            let e = MetaError::from(e);
            if matches!(e, MetaError::Rejected(_) | MetaError::Unauthorized)
                || Instant::now() > until
            {
                return Err(format!("cannot join the service at {at}: {e}"));
            }
            tracing::debug!(error = %e, "cannot join yet");
            tokio::time::sleep(JOIN_PAUSE).await;
        }
    }
    Ok(())
}

/// The service that a proxy uses: inside this process, or elsewhere.
pub enum Service {
    /// The only node, here, and this proxy's incarnation.
    Embedded(MetaNode, Cell<u64>),
    /// Nodes elsewhere.
    Remote(meta_client::RemoteMeta),
}

impl Service {
    /// This proxy's incarnation; 0 while it is not registered.
    pub fn incarnation(&self) -> u64 {
        match self {
            Service::Remote(remote) => remote.incarnation(),
            Service::Embedded(_, incarnation) => incarnation.get(),
        }
    }

    /// Registers the proxy and gives its incarnation, or 0 if the service cannot be reached for a while.
    pub async fn register(&self, clients: SocketAddr) -> u64 {
        let until = Instant::now() + REGISTER_TIME;
        while self.incarnation() == 0 && Instant::now() < until {
            match self {
                Service::Embedded(node, incarnation) => {
                    register_here(node, incarnation, clients).await;
                }
                // Its own task does it.
                Service::Remote(_) => tokio::time::sleep(REGISTER_LOOK).await,
            }
        }
        self.incarnation()
    }

    /// Tells the service that this proxy lives and which epoch it has reached. A remote service is told
    /// by its client; the embedded one registers and renews here.
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
    pub fn handle(&self) -> Arc<dyn meta_client::MetaService> {
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

/// Opens or finds the service of a proxy.
pub async fn open(
    config: &crate::config::MetaConfig,
    clients: SocketAddr,
) -> Result<Service, String> {
    if config.endpoints.is_empty() {
        let node = MetaNode::embedded(&config.dir)
            .await
            .map_err(|e| e.to_string())?;
        return Ok(Service::Embedded(node, Cell::new(0)));
    }
    let file = config.token_file.as_ref();
    let file = file.ok_or("meta.endpoints needs meta.token_file, the cluster's token")?;
    let tls = config
        .tls_ca
        .as_deref()
        .map(proxy::tls::trusting)
        .transpose()?;
    let cache = config.dir.join("catalog.cache");
    std::fs::create_dir_all(&config.dir).map_err(|e| format!("{}: {e}", config.dir.display()))?;
    let remote = meta_client::RemoteMeta::start(meta_client::RemoteConfig {
        endpoints: config.endpoints.clone(),
        token: token::read(file)?,
        tls,
        cache: Some(cache),
        name: config.name.clone().unwrap_or_else(|| clients.to_string()),
        address: clients.to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        peer: None,
    });
    Ok(Service::Remote(remote.await.map_err(|e| e.to_string())?))
}
