//! LOAD DATA LOCAL: the server asks for a file, and the client's packets go to the shard, up to an empty one.

use super::{Relay, RelayError};
use crate::registry::Kill;
use shard::ShardPool;
use std::future::poll_fn;
use std::task::Poll;
use wire::packet::Header;

/// What came of waiting for the client.
enum Piece {
    Packet(Vec<u8>),
    /// Nothing yet, and somebody wants the statement ended.
    KillQuery,
}

impl Relay<'_> {
    /// Passes the file on. A client cannot be stopped in the middle of it: after KILL QUERY the server drops
    /// what still comes, and says so at the end.
    pub(super) async fn send_file(&mut self, pool: &ShardPool) -> Result<(), RelayError> {
        self.flush_to_client(pool).await?;
        let mut seq = self.framer.next_seq();
        loop {
            let packet = match self.piece(seq).await? {
                Piece::Packet(packet) => packet,
                Piece::KillQuery => {
                    self.killed = true;
                    self.kill_query(&pool.login).await?;
                    continue;
                }
            };
            let head = Header {
                len: packet.len(),
                seq: seq.wrapping_add(self.seq_shift),
            };
            self.conn.queue_raw(&head.bytes());
            self.conn.queue_raw(&packet);
            seq = seq.wrapping_add(1);
            let sent = self.conn.flush().await;
            sent.map_err(|error| RelayError::Shard {
                error,
                resumable: true,
            })?;
            if packet.is_empty() {
                break;
            }
        }
        self.framer.file_sent();
        if self.seq_shift != 0 {
            // The client counts its own packets too.
            self.framer.renumber_from(seq);
        }
        self.io.seq = seq;
        Ok(())
    }

    /// The next packet of the client, which must come within the read timeout.
    async fn piece(&mut self, seq: u8) -> Result<Piece, RelayError> {
        let (io, info, killed) = (&mut *self.io, self.info, self.killed);
        let limit = io.read_timeout;
        let mut packet = Vec::new();
        let read = poll_fn(|cx| {
            info.register(cx.waker());
            match info.kill_state() {
                Kill::Connection | Kill::Idle => return Poll::Ready(Err(RelayError::Gone)),
                Kill::Query if !killed => return Poll::Ready(Ok(None)),
                _ => {}
            }
            let read = io.poll_payload(cx, seq, wire::MAX_PAYLOAD, &mut packet);
            read.map(|r| r.map(Some).map_err(|_| RelayError::Gone))
        });
        match tokio::time::timeout(limit, read).await {
            Ok(Ok(Some(()))) => Ok(Piece::Packet(packet)),
            Ok(Ok(None)) => Ok(Piece::KillQuery),
            Ok(Err(e)) => Err(e),
            Err(_) => Err(RelayError::Gone),
        }
    }
}
