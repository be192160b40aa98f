//! A TCP stream, with or without TLS; for both sides of the proxy.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// A stream.
#[derive(Debug)]
pub enum NetStream {
    /// Plain TCP.
    Tcp(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
    /// Closed, or being changed from plain to TLS.
    Closed,
}

impl NetStream {
    /// Reads what is there into `buf`; 0 is the end.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut rb = ReadBuf::new(buf);
        let done = match self {
            NetStream::Tcp(s) => Pin::new(s).poll_read(cx, &mut rb),
            NetStream::Tls(s) => Pin::new(s).poll_read(cx, &mut rb),
            NetStream::Closed => return Poll::Ready(Ok(0)),
        };
        done.map_ok(|()| rb.filled().len())
    }

    /// Writes some of `buf`.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            NetStream::Tcp(s) => Pin::new(s).poll_write(cx, buf),
            NetStream::Tls(s) => Pin::new(s).poll_write(cx, buf),
            NetStream::Closed => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Pushes out what TLS holds back; nothing to do for plain TCP.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            NetStream::Tls(s) => Pin::new(s).poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// The socket.
    pub fn socket(&self) -> Option<&TcpStream> {
        match self {
            NetStream::Tcp(s) => Some(s),
            NetStream::Tls(s) => Some(s.get_ref().0),
            NetStream::Closed => None,
        }
    }

    /// True if something arrived, or the peer closed, since the last read came up short. Makes no
    /// system call unless there was news; the waker is called at the next news.
    pub fn poll_news(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.socket() {
            Some(s) => s.poll_read_ready(cx).map(|_| ()),
            None => Poll::Ready(()),
        }
    }

    /// Looks at what arrived without taking bytes: `None` if nothing did.
    pub fn peek(&self) -> Option<Peek> {
        let Some(s) = self.socket() else {
            return Some(Peek::Closed);
        };
        let mut byte = [0u8; 1];
        let mut rb = ReadBuf::new(&mut byte);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match s.poll_peek(&mut cx, &mut rb) {
            Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => Some(Peek::Closed),
            Poll::Ready(Ok(_)) => Some(Peek::Bytes),
            Poll::Pending => None,
        }
    }
}

/// Probes of a silent connection before it counts as broken.
const KEEPALIVE_PROBES: u32 = 3;

/// Lets the system find out when the peer's machine, or the way there, is gone: a silent connection is
/// probed after `keepalive`, and bytes may stay `unacknowledged` only for so long.
pub fn notice_silence(
    tcp: &TcpStream,
    keepalive: Duration,
    unacknowledged: Duration,
) -> io::Result<()> {
    let socket = SockRef::from(tcp);
    let probes = TcpKeepalive::new()
        .with_time(keepalive)
        .with_interval((keepalive / KEEPALIVE_PROBES).max(Duration::from_secs(1)))
        .with_retries(KEEPALIVE_PROBES);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(unacknowledged))?;
    #[cfg(not(target_os = "linux"))]
    let _ = unacknowledged;
    Ok(())
}

/// What stands in a socket's receive buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peek {
    /// Bytes wait.
    Bytes,
    /// The peer has closed its side, or the connection broke.
    Closed,
}
