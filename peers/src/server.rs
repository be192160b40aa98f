//! The port for other proxies. Before a caller is known there is little that it can use up: so many
//! handshakes at once, so long for each; and nothing that it sends is read.

use crate::call::PeerCall;
use crate::frame;
use crate::identity::fingerprint;
use crate::peers::Inner;
use crate::roster::Listed;
use crate::silent::CallRefused;
use crate::trust;
use meta_client::ProxyView;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Connections at once whose callers are not known yet; more wait to be accepted.
const HANDSHAKES_MAX: usize = 64;
/// How long a handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(2);
/// Connections at once of known callers: each proxy keeps two.
const CONNECTIONS_MAX: usize = 4_096;
/// A connection that is not used for so long is closed.
const IDLE_TIME: Duration = Duration::from_secs(60);
/// How long the bytes of an answer may take.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// Longest request.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// Pause after a failed accept, such as one for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A call as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The incarnation that asks.
    pub(crate) from: u64,
    /// The incarnation that is to answer.
    pub(crate) to: u64,
    /// Largest answer that is taken.
    pub(crate) answer_bytes_max: usize,
    /// The call, which an older version may not know.
    pub(crate) call: Box<RawValue>,
}

/// An answer as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply<A> {
    /// It.
    Answer(A),
    /// There is none.
    Refused(CallRefused),
}

/// Serves until the process ends.
pub(crate) async fn serve(inner: Arc<Inner>, listener: TcpListener) {
    let config = match trust::server(&inner.identity) {
        Ok(config) => config,
        Err(error) => return tracing::error!(%error, "the port for other proxies is closed"),
    };
    let acceptor = TlsAcceptor::from(config);
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let known = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // Never closed.
        let Ok(permit) = handshakes.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = connection(
                    inner.clone(),
                    acceptor.clone(),
                    stream,
                    permit,
                    known.clone(),
                );
                tokio::spawn(served);
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(
    inner: Arc<Inner>,
    acceptor: TlsAcceptor,
    stream: TcpStream,
    handshaking: OwnedSemaphorePermit,
    known: Arc<Semaphore>,
) {
    let _ = stream.set_nodelay(true);
    let admitted = async {
        let tls = acceptor.accept(stream).await.ok()?;
        let key = fingerprint(tls.get_ref().1.peer_certificates()?.first()?);
        is_known(&inner, &key).await.then_some((tls, key))
    };
    let admitted = tokio::time::timeout(HANDSHAKE_TIME, admitted).await;
    let Ok(Some((tls, key))) = admitted else {
        return tracing::debug!("somebody who is not registered has called the port for proxies");
    };
    drop(handshaking);
    let Ok(_permit) = known.try_acquire_owned() else {
        return tracing::warn!("too many connections of other proxies");
    };
    if let Err(error) = requests(&inner, tls, &key).await {
        tracing::debug!(%error, "a connection of another proxy ended");
    }
}

fn has_key(listed: &Listed, key: &str) -> bool {
    let own = |p: &ProxyView| p.peer.as_ref().is_some_and(|peer| peer.key == key);
    listed.proxies.iter().any(own)
}

/// True if a registered proxy has this certificate.
async fn is_known(inner: &Inner, key: &str) -> bool {
    has_key(&inner.roster.recent().await, key) || has_key(&inner.roster.for_unknown().await, key)
}

/// True if the incarnation is registered with this certificate.
async fn is_registered(inner: &Inner, from: u64, key: &str) -> bool {
    let is = |l: &Listed| {
        let same = |p: &ProxyView| p.peer.as_ref().is_some_and(|peer| peer.key == key);
        l.proxies.iter().any(|p| p.incarnation == from && same(p))
    };
    is(&inner.roster.recent().await) || is(&inner.roster.for_unknown().await)
}

async fn requests(inner: &Inner, mut tls: TlsStream<TcpStream>, key: &str) -> io::Result<()> {
    loop {
        let read = frame::read(&mut tls, REQUEST_BYTES_MAX);
        let Ok(read) = tokio::time::timeout(IDLE_TIME, read).await else {
            return Ok(());
        };
        let Some(bytes) = read? else { return Ok(()) };
        let request: Request = serde_json::from_slice(&bytes)?;
        // Who goes away, or sends more before it has its answer, ends the call with it.
        let mut more = [0; 1];
        let reply = tokio::select! {
            reply = answered(inner, &request, key) => reply,
            _ = tls.read(&mut more) => return Ok(()),
        };
        let is_over = matches!(reply, Reply::Refused(CallRefused::NotRegistered));
        let bytes = encode(inner, &reply, request.answer_bytes_max)?;
        let written = tokio::time::timeout(WRITE_TIME, frame::write(&mut tls, &bytes)).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        if is_over {
            return Ok(());
        }
    }
}

fn encode(
    inner: &Inner,
    reply: &Reply<crate::PeerAnswer>,
    taken: usize,
) -> serde_json::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(reply)?;
    let limit = taken.min(inner.config.answer_bytes_max);
    if bytes.len() <= limit {
        return Ok(bytes);
    }
    let bytes = bytes.len();
    serde_json::to_vec(&Reply::<()>::Refused(CallRefused::TooLarge {
        bytes,
        limit,
    }))
}

async fn answered(inner: &Inner, request: &Request, key: &str) -> Reply<crate::PeerAnswer> {
    if !is_registered(inner, request.from, key).await {
        return Reply::Refused(CallRefused::NotRegistered);
    }
    let now = inner.me.registered().incarnation;
    if request.to != now {
        return Reply::Refused(CallRefused::AnotherIncarnation { now });
    }
    let Ok(call) = serde_json::from_str::<PeerCall>(request.call.get()) else {
        let version = inner.me.version.clone();
        return Reply::Refused(CallRefused::UnknownCall { version });
    };
    let Ok(_permit) = inner.answering_room.try_acquire() else {
        let limit = inner.config.calls_max;
        return Reply::Refused(CallRefused::Busy { limit });
    };
    match inner.answering.get() {
        Some(answering) => Reply::Answer(answering.answer(call).await),
        None => Reply::Refused(CallRefused::Starting),
    }
}
