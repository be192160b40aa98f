//! Running a node as a process of its own: from its configuration to a member of a service, and its end.

use crate::MetaNode;
use crate::serve::{Port, serve};
use meta_client::http::Http;
use meta_client::{MemberChange, MetaError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a new node searches for the service that it joins.
const JOIN_TIME: Duration = Duration::from_secs(60);
/// How long one request for that may take: everything is sent to the new node meanwhile.
const JOIN_TRY: Duration = Duration::from_secs(30);
/// Pause between two of them.
const JOIN_PAUSE: Duration = Duration::from_millis(300);

/// A node of the service.
pub struct NodeConfig {
    /// Its number, for ever.
    pub id: u64,
    /// Folder of its log and state.
    pub dir: PathBuf,
    /// Where it listens; anything but loopback needs TLS.
    pub listen: SocketAddr,
    /// Host and port under which the others reach it, if not `listen`.
    pub advertise: Option<String>,
    /// The cluster's token.
    pub token: String,
    /// Found a new service, unless the node belongs to one.
    pub init: bool,
    /// Join the service of the node at this host and port, unless it belongs to one.
    pub join: Option<String>,
    /// TLS of the listener.
    pub server_tls: Option<Arc<rustls::ServerConfig>>,
    /// TLS toward the other nodes.
    pub client_tls: Option<Arc<rustls::ClientConfig>>,
}

/// Runs a node until `ended` is, or until it fails. Makes its own runtime.
pub fn run(
    config: NodeConfig,
    ended: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    if config.server_tls.is_none() && !config.listen.ip().is_loopback() {
        return Err(format!(
            "--listen {} is not loopback, so the nodes talk over TLS: add --tls-cert, --tls-key \
             and --tls-ca",
            config.listen
        ));
    }
    // Raft's heartbeats must not wait for a snapshot that is being encoded.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(run_node(config, ended))
}

async fn run_node(
    config: NodeConfig,
    ended: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let http = Http::new(&config.token, config.client_tls)?;
    let listener = tokio::net::TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|e| format!("cannot listen on {}: {e}", config.listen))?;
    let address = config
        .advertise
        .unwrap_or_else(|| config.listen.to_string());
    let node = MetaNode::start(config.id, &config.dir, Some(http.clone()))
        .await
        .map_err(|e| e.to_string())?;
    let port = Port {
        token: config.token,
        address: address.clone(),
        tls: config.server_tls,
    };
    let server = tokio::spawn(serve(node.clone(), listener, port));
    let member = node.is_member().await.map_err(|e| e.to_string())?;
    if config.init {
        node.found(&address).await.map_err(|e| e.to_string())?;
    } else if !member && let Some(at) = &config.join {
        join(&http, at, config.id, &address).await?;
    } else if !member {
        tracing::warn!(
            id = config.id,
            "this node belongs to no service yet: `shardctl cluster init {address}` founds one here, \
             `shardctl cluster add {} {address}` of a running one takes it in",
            config.id
        );
    }
    tracing::info!(id = config.id, %address, "metadata node is running");
    let outcome = tokio::select! {
        done = ended => done,
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
