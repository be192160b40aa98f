//! Calls to other proxies: connections are opened when they are needed and kept for a while.

use crate::frame;
use crate::identity::Identity;
use crate::silent::{CallRefused, Silent};
use crate::trust;
use catalog::PeerPort;
use rustls::pki_types::ServerName;
use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Unused connections that are kept to one proxy.
const IDLE_MAX: usize = 2;
/// How long they are kept; the other side closes later.
const IDLE_TIME: Duration = Duration::from_secs(30);

type Conn = TlsStream<TcpStream>;

struct Idle {
    conn: Conn,
    since: Instant,
}

/// Connections to others.
pub(crate) struct Outgoing {
    me: Identity,
    answer_bytes_max: usize,
    idle: Mutex<HashMap<u64, Vec<Idle>>>,
}

/// What is sent where.
pub(crate) struct Errand<'a> {
    /// The incarnation that is to answer.
    pub(crate) to: u64,
    /// Where it is.
    pub(crate) port: &'a PeerPort,
    /// The request.
    pub(crate) request: &'a [u8],
    /// It may be sent twice.
    pub(crate) repeatable: bool,
}

impl Outgoing {
    pub(crate) fn new(me: Identity, answer_bytes_max: usize) -> Self {
        Self {
            me,
            answer_bytes_max,
            idle: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<u64, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of connections to proxies that are gone, and of those unused for long.
    pub(crate) fn tidy(&self, is_registered: impl Fn(u64) -> bool) {
        self.idle().retain(|incarnation, list| {
            list.retain(|i| i.since.elapsed() < IDLE_TIME);
            !list.is_empty() && is_registered(*incarnation)
        });
    }

    /// Sends a request and reads the answer. Who calls bounds the time.
    pub(crate) async fn run(&self, e: &Errand<'_>) -> Result<Vec<u8>, Silent> {
        if e.repeatable
            && let Some(mut conn) = self.take(e.to)
            && let Ok(answer) = self.exchange(&mut conn, e).await
        {
            self.keep(e.to, conn);
            return Ok(answer);
        }
        let mut conn = self.connect(e.port).await?;
        let answer = self.exchange(&mut conn, e).await.map_err(|error| {
            if let Some(long) = frame::too_long(&error) {
                return Silent::Refused(CallRefused::TooLarge {
                    bytes: long.bytes,
                    limit: long.limit,
                });
            }
            let (at, why) = (e.port.address.clone(), error.to_string());
            Silent::Lost { at, why }
        })?;
        self.keep(e.to, conn);
        Ok(answer)
    }

    async fn exchange(&self, conn: &mut Conn, e: &Errand<'_>) -> io::Result<Vec<u8>> {
        frame::write(conn, e.request).await?;
        let answer = frame::read(conn, self.answer_bytes_max).await?;
        answer.ok_or_else(|| io::Error::other("it ended the connection instead of answering"))
    }

    async fn connect(&self, port: &PeerPort) -> Result<Conn, Silent> {
        let at = port.address.clone();
        let unreachable = |why: String| Silent::Unreachable {
            at: at.clone(),
            why,
        };
        let config = trust::client(&self.me, &port.key).map_err(|e| unreachable(e.to_string()))?;
        let tcp = TcpStream::connect(&port.address).await;
        let tcp = tcp.map_err(|e| unreachable(e.to_string()))?;
        // Messages are small and somebody waits for each.
        tcp.set_nodelay(true)
            .map_err(|e| unreachable(e.to_string()))?;
        // TLS wants a name, which means nothing here.
        let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
        let handshake = TlsConnector::from(config).connect(name, tcp).await;
        handshake.map_err(|e| match is_another(&e) {
            true => Silent::NotItself(at.clone()),
            false => unreachable(e.to_string()),
        })
    }

    fn take(&self, to: u64) -> Option<Conn> {
        let mut idle = self.idle();
        let list = idle.get_mut(&to)?;
        list.retain(|i| i.since.elapsed() < IDLE_TIME);
        list.pop().map(|i| i.conn)
    }

    fn keep(&self, to: u64, conn: Conn) {
        let mut idle = self.idle();
        let list = idle.entry(to).or_default();
        if list.len() < IDLE_MAX {
            let since = Instant::now();
            list.push(Idle { conn, since });
        }
    }
}

/// True if the handshake failed for the certificate.
fn is_another(e: &io::Error) -> bool {
    let inner = e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}
