//! An HTTP port that is bounded before anybody has shown a token: so many connections, so long for a TLS
//! handshake and for the head of a request. Nodes of the metadata service and the admin port listen by it.
//!
//! Layer 1. It knows no routes and no tokens.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

/// Pause after a failed accept, such as one for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests may go on once the port stops.
const STOP_TIME: Duration = Duration::from_secs(2);

/// What a port allows to those that have not shown who they are.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the head of a request may take, from the end of the last one: idle connections end with
    /// it, and clients open another.
    pub head: Duration,
}

/// Serves until `stopping` is done, then lets requests that have begun come to their end for a moment.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    tls: Option<Arc<rustls::ServerConfig>>,
    limits: Limits,
    stopping: impl Future<Output = ()>,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let room = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let accepting = async {
        loop {
            // Never closed.
            let Ok(permit) = room.clone().acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let accepted = Accepted {
                routes: routes.clone(),
                watcher: graceful.watcher(),
                limits,
                _permit: permit,
            };
            tokio::spawn(accepted.serve(stream, acceptor.clone()));
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stopping => {}
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_TIME, graceful.shutdown()).await;
}

/// One connection.
struct Accepted {
    routes: Router,
    watcher: Watcher,
    limits: Limits,
    _permit: OwnedSemaphorePermit,
}

impl Accepted {
    async fn serve(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        // Messages are small and somebody waits for each.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = acceptor else {
            return self.http(stream).await;
        };
        let handshake = tokio::time::timeout(self.limits.handshake, acceptor.accept(stream));
        if let Ok(Ok(tls)) = handshake.await {
            self.http(tls).await;
        }
    }

    async fn http<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(self.routes.clone()),
            );
        if let Err(error) = self.watcher.watch(served).await {
            tracing::debug!(%error, "a connection ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::time::Instant;

    const LIMITS: Limits = Limits {
        connections: 2,
        handshake: Duration::from_millis(300),
        head: Duration::from_millis(300),
    };

    /// A port with these limits, for as long as the runtime lives.
    fn start() -> (tokio::runtime::Runtime, SocketAddr) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let at = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(|| async { "here" }));
        runtime.spawn(serve(
            listener,
            routes,
            None,
            LIMITS,
            std::future::pending(),
        ));
        (runtime, at)
    }

    fn half_a_request(at: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
        stream
    }

    #[test]
    fn half_a_request_is_cut_off() {
        let (_runtime, at) = start();
        let mut stream = half_a_request(at);
        let since = Instant::now();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(since.elapsed() >= LIMITS.head);
    }

    #[test]
    fn the_next_waits_until_one_of_those_before_is_gone() {
        let (_runtime, at) = start();
        let since = Instant::now();
        let _idle = [half_a_request(at), half_a_request(at)];
        let mut third = half_a_request(at);
        third.write_all(b"Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        third.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("here"), "{answer}");
        assert!(since.elapsed() >= LIMITS.head);
    }
}
