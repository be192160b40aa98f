//! The client's side of a session: commands in, packets out, with or without compression and TLS.

use crate::auth::users::LoginUser;
use crate::buffers::{BufferShare, FREE_BYTES};
use errors::ProtocolError;
use shard::NetStream;
use shard::scratch::with_scratch;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use wire::compress::FrameError;
use wire::compress::{plain_len, put_frames, take_frame};
use wire::packet::{Front, FrontError, front, put_packet, put_packet_with};
use wire::reply::{ErrPacket, OkPacket};

/// Bytes of output that may wait for a slow client before the source is read no further.
pub(crate) const OUT_BYTES_MAX: usize = 64 * 1024;
/// Buffers larger than this are given back when the session is idle.
const IDLE_BUFFER_BYTES: usize = 2 * 1024;

#[derive(Debug, Default)]
struct Compression {
    raw: Vec<u8>,
    seq: u8,
}

/// Why no more commands come.
#[derive(Debug)]
pub(crate) enum ReadEnd {
    /// The client closed, or the connection broke.
    Gone,
    /// The packets are wrong.
    Bad(ProtocolError),
    /// The compressed frames are wrong.
    BadFrame(ProtocolError),
}

fn bad_front(e: FrontError) -> ReadEnd {
    ReadEnd::Bad(match e {
        FrontError::OutOfOrder { got, expected } => {
            ProtocolError::PacketsOutOfOrder { got, expected }
        }
        FrontError::TooLarge { len, max } => ProtocolError::PacketTooLarge { bytes: len, max },
    })
}

fn bad_frame(e: FrameError) -> ReadEnd {
    let detail = e.to_string();
    ReadEnd::BadFrame(ProtocolError::Uncompress { detail })
}

/// The client's stream and buffers.
#[derive(Debug)]
pub(crate) struct ClientIo {
    /// The stream.
    pub stream: NetStream,
    inbuf: Vec<u8>,
    out: Vec<u8>,
    out_at: usize,
    framed: Vec<u8>,
    compression: Option<Box<Compression>>,
    /// Number of the next packet that goes out.
    pub seq: u8,
    /// What the client can do.
    pub capabilities: u64,
    /// What its buffers hold of the process' budget.
    share: BufferShare,
    /// How long the client may take nothing.
    pub write_timeout: Duration,
    /// How long the client may send nothing of what it was asked for.
    pub read_timeout: Duration,
    /// The client, for errors of servers, which know it by another name.
    pub user: Arc<LoginUser>,
}

impl ClientIo {
    /// Around a new connection.
    pub(crate) fn new(
        stream: NetStream,
        share: BufferShare,
        (write_timeout, read_timeout): (Duration, Duration),
    ) -> Self {
        Self {
            stream,
            inbuf: Vec::new(),
            out: Vec::new(),
            out_at: 0,
            framed: Vec::new(),
            compression: None,
            seq: 0,
            capabilities: 0,
            share,
            user: Arc::default(),
            write_timeout,
            read_timeout,
        }
    }

    /// From now on both directions are compressed.
    pub(crate) fn compress(&mut self) {
        self.compression = Some(Box::default());
    }

    /// True if bytes of a next packet have come already (before TLS starts none may have).
    pub(crate) fn has_input(&self) -> bool {
        !self.inbuf.is_empty()
    }

    /// Gives large buffers back while nothing happens.
    pub(crate) fn shrink(&mut self) {
        for buf in [&mut self.inbuf, &mut self.out, &mut self.framed] {
            if buf.is_empty() && buf.capacity() > IDLE_BUFFER_BYTES {
                *buf = Vec::new();
            }
        }
        if self.inbuf.capacity() <= FREE_BYTES {
            self.share.give_back();
        }
    }

    fn no_room(&self, bytes: usize) -> ReadEnd {
        let (used, max) = (self.share.budget().used(), self.share.budget().max());
        ReadEnd::Bad(ProtocolError::BuffersFull { bytes, used, max })
    }

    /// The next payload, whose first packet must have number `seq`, into `into`.
    pub(crate) fn poll_payload(
        &mut self,
        cx: &mut Context<'_>,
        seq: u8,
        max: usize,
        into: &mut Vec<u8>,
    ) -> Poll<Result<(), ReadEnd>> {
        loop {
            match front(&self.inbuf, seq, max) {
                Err(e) => return Poll::Ready(Err(bad_front(e))),
                Ok(Front::Whole {
                    payload,
                    consumed,
                    seq,
                }) => {
                    into.clear();
                    into.extend_from_slice(&self.inbuf[payload]);
                    self.took(consumed, seq);
                    return Poll::Ready(Ok(()));
                }
                Ok(Front::Joined {
                    payload,
                    consumed,
                    seq,
                }) => {
                    *into = payload;
                    self.took(consumed, seq);
                    return Poll::Ready(Ok(()));
                }
                Ok(Front::Need(_)) => match self.poll_fill(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn took(&mut self, consumed: usize, seq: u8) {
        if consumed == self.inbuf.len() {
            self.inbuf.clear();
        } else {
            self.inbuf.drain(..consumed);
        }
        self.seq = seq.wrapping_add(1);
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReadEnd>> {
        // One frame at a time: what is behind it is unpacked when its turn comes.
        if self.unpack_frame()? {
            return Poll::Ready(Ok(()));
        }
        let read = with_scratch(|buf| {
            let n = match self.stream.poll_read(cx, buf) {
                Poll::Ready(Ok(n)) if n > 0 => n,
                Poll::Ready(_) => return Poll::Ready(Err(ReadEnd::Gone)),
                Poll::Pending => return Poll::Pending,
            };
            let packed = self.compression.as_ref().map_or(0, |c| c.raw.len());
            let bytes = self.inbuf.len() + packed + n;
            if !self.share.grow_to(bytes) {
                return Poll::Ready(Err(self.no_room(bytes)));
            }
            match &mut self.compression {
                None => self.inbuf.extend_from_slice(&buf[..n]),
                Some(c) => c.raw.extend_from_slice(&buf[..n]),
            }
            Poll::Ready(Ok(()))
        });
        match read {
            Poll::Ready(Ok(())) => Poll::Ready(self.unpack_frame().map(drop)),
            other => other,
        }
    }

    /// Unpacks the next compressed frame, if it is there as a whole.
    fn unpack_frame(&mut self) -> Result<bool, ReadEnd> {
        let Some(c) = &mut self.compression else {
            return Ok(false);
        };
        let Some(plain) = plain_len(&c.raw) else {
            return Ok(false);
        };
        let bytes = self.inbuf.len() + c.raw.len() + plain;
        if !self.share.grow_to(bytes) {
            return Err(self.no_room(bytes));
        }
        match take_frame(&c.raw, &mut self.inbuf).map_err(bad_frame)? {
            None => Ok(false),
            Some((used, seq)) => {
                c.raw.drain(..used);
                c.seq = seq.wrapping_add(1);
                Ok(true)
            }
        }
    }

    /// The next payload.
    pub(crate) async fn payload(&mut self, seq: u8, max: usize) -> Result<Vec<u8>, ReadEnd> {
        let mut out = Vec::new();
        poll_fn(|cx| self.poll_payload(cx, seq, max, &mut out)).await?;
        Ok(out)
    }

    /// The next payload, reading not one byte behind it: what follows a request for TLS is TLS.
    pub(crate) async fn payload_exactly(
        &mut self,
        seq: u8,
        max: usize,
    ) -> Result<Vec<u8>, ReadEnd> {
        loop {
            let need = match front(&self.inbuf, seq, max).map_err(bad_front)? {
                Front::Need(n) => n.saturating_sub(self.inbuf.len()).max(1),
                _ => return self.payload(seq, max).await,
            };
            let mut buf = vec![0; need];
            let n = poll_fn(|cx| self.stream.poll_read(cx, &mut buf)).await;
            match n {
                Ok(n) if n > 0 => self.inbuf.extend_from_slice(&buf[..n]),
                _ => return Err(ReadEnd::Gone),
            }
        }
    }

    /// Where the queue ends, to come back to as long as nothing is written.
    pub(crate) fn mark(&self) -> (usize, u8) {
        (self.out.len(), self.seq)
    }

    /// The payload of the one packet that was queued behind a mark.
    pub(crate) fn payload_behind(&self, (len, _): (usize, u8)) -> &[u8] {
        self.out.get(len + wire::HEADER_LEN..).unwrap_or_default()
    }

    /// Takes back what was queued behind a mark.
    pub(crate) fn rewind(&mut self, (len, seq): (usize, u8)) {
        self.out.truncate(len);
        self.seq = seq;
    }

    /// Queues bytes that are packets already.
    pub(crate) fn put_raw(&mut self, packets: &[u8]) {
        self.out.extend_from_slice(packets);
    }

    /// Queues a packet.
    pub(crate) fn put(&mut self, payload: &[u8]) {
        put_packet(&mut self.out, &mut self.seq, payload);
    }

    /// Queues a packet that `fill` writes.
    pub(crate) fn put_with(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        put_packet_with(&mut self.out, &mut self.seq, fill);
    }

    /// Queues packets by a function that numbers them itself.
    pub(crate) fn put_packets(&mut self, fill: impl FnOnce(&mut Vec<u8>, &mut u8)) {
        fill(&mut self.out, &mut self.seq);
    }

    /// Queues an OK packet.
    pub(crate) fn put_ok(&mut self, ok: &OkPacket) {
        let caps = self.capabilities;
        self.put_with(|b| ok.encode(b, 0, caps));
    }

    /// Queues an ERR packet.
    pub(crate) fn put_err(&mut self, err: &ErrPacket) {
        self.put_with(|b| err.encode(b));
    }

    /// Bytes that the socket has not taken, packed or not.
    pub(crate) fn unsent(&self) -> usize {
        self.out.len() + self.framed.len() - self.out_at
    }

    /// Bytes queued.
    pub(crate) fn queued(&self) -> usize {
        self.out.len() - self.out_at
    }

    /// Passes bytes on: straight to the socket if nothing waits before them, the rest to the queue.
    pub(crate) fn poll_pass(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> io::Result<()> {
        let mut at = 0;
        if self.out.is_empty() && self.compression.is_none() && bytes.len() >= 4096 {
            while at < bytes.len() {
                match self.stream.poll_write(cx, &bytes[at..]) {
                    Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                    Poll::Ready(Ok(n)) => at += n,
                    Poll::Ready(Err(e)) => return Err(e),
                    Poll::Pending => break,
                }
            }
        }
        self.out.extend_from_slice(&bytes[at..]);
        Ok(())
    }

    /// Writes the queue.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(c) = &mut self.compression
            && !self.out.is_empty()
        {
            put_frames(&mut self.framed, &mut c.seq, &self.out);
            self.out.clear();
        }
        let buf = if self.compression.is_some() {
            &mut self.framed
        } else {
            &mut self.out
        };
        while self.out_at < buf.len() {
            match self.stream.poll_write(cx, &buf[self.out_at..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => self.out_at += n,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending => return Poll::Pending,
            }
        }
        buf.clear();
        self.out_at = 0;
        self.stream.poll_flush(cx)
    }

    /// Writes the queue, within the write timeout.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        // Most of the time the socket takes everything at once: no timer is made then.
        let mut cx = Context::from_waker(std::task::Waker::noop());
        if let Poll::Ready(r) = self.poll_flush(&mut cx) {
            return r;
        }
        let limit = self.write_timeout;
        match tokio::time::timeout(limit, poll_fn(|cx| self.poll_flush(cx))).await {
            Ok(r) => r,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
