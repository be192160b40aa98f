//! A node's listener: plain on loopback, TLS everywhere else.

use crate::api;
use crate::node::MetaNode;
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Handshakes that may be under way or done and not yet taken.
const HANDSHAKES_MAX: usize = 256;
/// Pause after a failed accept, such as one for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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

/// Serves a node until it is told to stop.
pub async fn serve(node: MetaNode, listener: TcpListener, port: Port) -> io::Result<()> {
    let routes = api::routes(node.clone(), &port.token, &port.address);
    let stopping = async move { node.stopping().await };
    match port.tls {
        None => {
            axum::serve(listener, routes)
                .with_graceful_shutdown(stopping)
                .await
        }
        Some(config) => {
            let listener = TlsListener::new(listener, config)?;
            axum::serve(listener, routes)
                .with_graceful_shutdown(stopping)
                .await
        }
    }
}

/// Accepts TLS connections; a slow handshake holds up nobody else.
struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    fn new(listener: TcpListener, config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (done, ready) = mpsc::channel(HANDSHAKES_MAX);
        let acceptor = TlsAcceptor::from(config);
        tokio::spawn(async move {
            loop {
                let Ok(permit) = done.clone().reserve_owned().await else {
                    return;
                };
                let (stream, from) = match listener.accept().await {
                    Ok(accepted) => accepted,
                    Err(_) => {
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                };
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let handshake = tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream));
                    if let Ok(Ok(tls)) = handshake.await {
                        permit.send((tls, from));
                    }
                });
            }
        });
        Ok(Self { address, ready })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accepting task ends only with the runtime.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
