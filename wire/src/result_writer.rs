//! Writes one result set toward a client, packet by packet.

use crate::caps::{CLIENT_DEPRECATE_EOF, CLIENT_SESSION_TRACK};
use crate::column::ResultColumn;
use crate::packet::{put_packet, put_packet_with};
use crate::read::put_lenenc;
use crate::reply::{OkPacket, put_eof};
use crate::rows::RowsEnd;

/// A result set whose columns are out. It must be ended, or the client waits for ever.
#[must_use = "a result set that is begun must be ended"]
#[derive(Debug)]
pub struct ResultWriter {
    capabilities: u64,
    /// Rows written so far.
    pub rows: u64,
}

impl ResultWriter {
    /// Appends the columns, numbered from `*seq`.
    pub fn begin(
        out: &mut Vec<u8>,
        seq: &mut u8,
        columns: &[ResultColumn],
        capabilities: u64,
        status: u16,
    ) -> Self {
        put_packet_with(out, seq, |b| put_lenenc(b, columns.len() as u64));
        for c in columns {
            put_packet_with(out, seq, |b| c.encode(b, capabilities));
        }
        if capabilities & CLIENT_DEPRECATE_EOF == 0 {
            put_packet_with(out, seq, |b| put_eof(b, 0, status));
        }
        Self {
            capabilities,
            rows: 0,
        }
    }

    /// Appends a row that is a payload already.
    pub fn row(&mut self, out: &mut Vec<u8>, seq: &mut u8, payload: &[u8]) {
        self.rows += 1;
        put_packet(out, seq, payload);
    }

    /// Appends a row that `fill` writes.
    pub fn row_with(&mut self, out: &mut Vec<u8>, seq: &mut u8, fill: impl FnOnce(&mut Vec<u8>)) {
        self.rows += 1;
        put_packet_with(out, seq, fill);
    }

    /// Appends the end.
    pub fn end(self, out: &mut Vec<u8>, seq: &mut u8, end: RowsEnd) {
        let RowsEnd { warnings, status } = end;
        put_packet_with(out, seq, |b| {
            match self.capabilities & CLIENT_DEPRECATE_EOF {
                0 => put_eof(b, warnings, status),
                _ => OkPacket {
                    status,
                    warnings,
                    ..Default::default()
                }
                .encode(b, 0xfe, self.capabilities & !CLIENT_SESSION_TRACK),
            }
        });
    }
}
