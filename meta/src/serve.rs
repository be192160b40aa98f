//! A node's listener: plain on loopback, TLS everywhere else. Bounded before anybody has shown a token:
//! so many connections, so long for a handshake and for the head of a request.

use crate::api;
use crate::node::MetaNode;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// How long the head of a request may take, from the end of the last one: idle connections end with it,
/// and clients open another.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Connections at once; more wait to be accepted. Each proxy and node has a few.
const CONNECTIONS_MAX: usize = 4_096;
/// Pause after a failed accept, such as one for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests may go on once the node is told to stop.
const STOP_TIME: Duration = Duration::from_secs(2);

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
    let acceptor = port.tls.map(TlsAcceptor::from);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let accepting = async {
        loop {
            // Never closed.
            let Ok(permit) = room.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (routes, watcher) = (routes.clone(), graceful.watcher());
                    tokio::spawn(connection(
                        stream,
                        acceptor.clone(),
                        routes,
                        watcher,
                        permit,
                    ));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = node.stopping() => {}
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_TIME, graceful.shutdown()).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    routes: Router,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
) {
    // Messages are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = acceptor else {
        return http(stream, routes, watcher).await;
    };
    let handshake = tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream));
    if let Ok(Ok(tls)) = handshake.await {
        http(tls, routes, watcher).await;
    }
}

async fn http<S>(stream: S, routes: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    if let Err(error) = watcher.watch(served).await {
        tracing::debug!(%error, "a connection ended");
    }
}
