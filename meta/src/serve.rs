//! A node's listener: plain on loopback, TLS everywhere else.

use crate::api;
use crate::node::MetaNode;
use port::Limits;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Before anybody has shown the token. Each proxy and node has a few connections.
const LIMITS: Limits = Limits {
    connections: 4_096,
    handshake: Duration::from_secs(5),
    head: Duration::from_secs(30),
};

/// How a node is reached.
#[derive(Clone)]
pub struct Port {
    /// The cluster's token.
    pub token: String,
    /// Host and port under which the other nodes reach this one.
    pub address: String,
    /// TLS; without it only loopback is safe.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// Serves a node until it stops.
pub async fn serve(node: MetaNode, listener: TcpListener, port: Port) {
    let routes = api::routes(node.clone(), &port.token, &port.address);
    port::serve(listener, routes, port.tls, LIMITS, node.stopping()).await;
}
