//! Result sets that the proxy makes itself.

use crate::caps::{CLIENT_DEPRECATE_EOF, CLIENT_SESSION_TRACK};
use crate::column::{Column, column_type, put_text_row};
use crate::packet::put_packet_with;
use crate::read::{put_lenenc, put_lenenc_bytes};
use crate::reply::{OkPacket, put_eof};

/// Columns and rows of text (numbers as decimal text).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// How a result set travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// For COM_QUERY.
    Text,
    /// For COM_STMT_EXECUTE.
    Binary,
}

impl ResultSet {
    /// A result with text columns of these names.
    pub fn with_text_columns(names: &[&str]) -> Self {
        let columns = names.iter().map(|n| Column::text(n, 256)).collect();
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, values: impl IntoIterator<Item = S>) {
        self.rows
            .push(values.into_iter().map(|v| Some(v.into())).collect());
    }

    /// Appends all packets of this result.
    pub fn encode(
        &self,
        out: &mut Vec<u8>,
        seq: &mut u8,
        capabilities: u32,
        status: u16,
        format: RowFormat,
    ) {
        put_packet_with(out, seq, |b| put_lenenc(b, self.columns.len() as u64));
        for c in &self.columns {
            put_packet_with(out, seq, |b| c.encode(b));
        }
        let deprecate_eof = capabilities & CLIENT_DEPRECATE_EOF != 0;
        if !deprecate_eof {
            put_packet_with(out, seq, |b| put_eof(b, 0, status));
        }
        for row in &self.rows {
            put_packet_with(out, seq, |b| match format {
                RowFormat::Text => {
                    let row: Vec<_> = row
                        .iter()
                        .map(|v| v.as_deref().map(str::as_bytes))
                        .collect();
                    put_text_row(b, &row);
                }
                RowFormat::Binary => self.put_binary_row(b, row),
            });
        }
        put_packet_with(out, seq, |b| match deprecate_eof {
            true => OkPacket {
                status,
                ..Default::default()
            }
            .encode(b, 0xfe, capabilities & !CLIENT_SESSION_TRACK),
            false => put_eof(b, 0, status),
        });
    }

    fn put_binary_row(&self, out: &mut Vec<u8>, row: &[Option<String>]) {
        out.push(0);
        let at = out.len();
        out.resize(at + (self.columns.len() + 2).div_ceil(8), 0);
        for (i, (column, value)) in self.columns.iter().zip(row).enumerate() {
            match value {
                None => out[at + (i + 2) / 8] |= 1 << ((i + 2) % 8),
                Some(v) if column.kind == column_type::LONGLONG => {
                    let n = v
                        .parse::<i64>()
                        .unwrap_or_else(|_| v.parse().unwrap_or(0u64) as i64);
                    out.extend_from_slice(&n.to_le_bytes());
                }
                Some(v) => put_lenenc_bytes(out, v.as_bytes()),
            }
        }
    }
}
