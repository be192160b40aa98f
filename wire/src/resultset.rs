//! Result sets that the proxy makes itself.

use crate::column::{ResultColumn, column_type, put_text_row};
use crate::read::put_lenenc_bytes;
use crate::result_writer::ResultWriter;
use crate::rows::RowsEnd;

/// Columns and rows of text (numbers as decimal text).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// The columns.
    pub columns: Vec<ResultColumn>,
    /// The rows; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Warnings that SHOW WARNINGS has.
    pub warnings: u16,
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
        let columns = names.iter().map(|n| ResultColumn::text(n, 256)).collect();
        Self {
            columns,
            ..Self::default()
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
        capabilities: u64,
        status: u16,
        format: RowFormat,
    ) {
        let mut writer = ResultWriter::begin(out, seq, &self.columns, capabilities, status);
        for row in &self.rows {
            writer.row_with(out, seq, |b| match format {
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
        let end = RowsEnd {
            warnings: self.warnings,
            status,
        };
        writer.end(out, seq, end);
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
