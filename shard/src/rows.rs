//! Rows of an answer as a stream: several can be read at once and merged, hidden columns cut off, or rows
//! dropped. A row stays bytes until somebody asks for a cell; no more is read from the server than one read
//! and one row ahead, so a slow reader slows the server down.

use crate::conn::ServerConn;
use crate::error::ShardError;
use std::task::{Context, Poll};
use wire::caps::SERVER_MORE_RESULTS_EXISTS;
use wire::column::ResultColumn;
use wire::framer::Expect;
use wire::reply::{ErrPacket, OkPacket};
use wire::rows::{RowBytes, RowEvent, RowReader, RowsEnd};

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEnd {
    /// After its last row.
    Rows(RowsEnd),
    /// There was no result set.
    Ok(OkPacket),
    /// The server said that the statement failed; rows may have come before.
    Err(ErrPacket),
}

/// The answer that is due on a connection, row by row.
#[derive(Debug)]
pub struct RowStream {
    reader: RowReader,
    buf: Vec<u8>,
    /// Bytes of the buffer that were taken.
    at: usize,
    row: RowBytes,
    end: Option<StreamEnd>,
    /// Bytes that came in all.
    bytes: usize,
}

impl RowStream {
    /// The answer that is due on `conn`. A row longer than `row_bytes_max` breaks the stream.
    pub fn new(conn: &ServerConn, row_bytes_max: usize) -> Self {
        Self {
            reader: RowReader::new(conn.class.deprecate_eof, row_bytes_max)
                .numbered_from(conn.answer_seq()),
            buf: Vec::new(),
            at: 0,
            row: RowBytes::At(0..0),
            end: None,
            bytes: 0,
        }
    }

    /// The columns; empty before the first [`Self::next`] and for answers without a result set.
    pub fn columns(&self) -> &[ResultColumn] {
        &self.reader.columns
    }

    /// The current row's payload.
    pub fn row(&self) -> &[u8] {
        match &self.row {
            RowBytes::At(range) => self.buf.get(range.clone()).unwrap_or_default(),
            RowBytes::Joined(bytes) => bytes,
        }
    }

    /// Bytes of the answer so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<&StreamEnd> {
        self.end.as_ref()
    }

    /// Reads on to the columns, or to the end of an answer that has none.
    pub async fn open(&mut self, conn: &mut ServerConn) -> Result<(), ShardError> {
        conn.patiently(|cx, conn| self.poll_item(cx, conn))
            .await
            .map(drop)
    }

    /// Moves to the next row; false at the end. The columns are there from the first call on.
    pub async fn next(&mut self, conn: &mut ServerConn) -> Result<bool, ShardError> {
        conn.patiently(|cx, conn| self.poll_next(cx, conn)).await
    }

    /// The same, for those who read several.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        conn: &mut ServerConn,
    ) -> Poll<Result<bool, ShardError>> {
        loop {
            match std::task::ready!(self.poll_item(cx, conn)) {
                Err(e) => return Poll::Ready(Err(e)),
                Ok(Got::Columns) => {}
                Ok(Got::Row) => return Poll::Ready(Ok(true)),
                Ok(Got::End) => return Poll::Ready(Ok(false)),
            }
        }
    }

    fn poll_item(
        &mut self,
        cx: &mut Context<'_>,
        conn: &mut ServerConn,
    ) -> Poll<Result<Got, ShardError>> {
        if self.end.is_some() {
            return Poll::Ready(Ok(Got::End));
        }
        loop {
            let rest = self.buf.get(self.at..).unwrap_or_default();
            let (item, taken) = match self.reader.step(rest) {
                Ok(step) => step,
                Err(e) => return Poll::Ready(Err(conn.broken(e))),
            };
            let base = self.at;
            self.at += taken;
            let end = match item {
                RowEvent::Need(_) => {
                    self.buf.drain(..self.at);
                    self.at = 0;
                    match std::task::ready!(self.poll_fill(cx, conn)) {
                        Ok(()) => continue,
                        Err(e) => return Poll::Ready(Err(e)),
                    }
                }
                RowEvent::Columns => return Poll::Ready(Ok(Got::Columns)),
                RowEvent::Row(RowBytes::At(r)) => {
                    self.row = RowBytes::At(base + r.start..base + r.end);
                    return Poll::Ready(Ok(Got::Row));
                }
                RowEvent::Row(joined) => {
                    self.row = joined;
                    return Poll::Ready(Ok(Got::Row));
                }
                RowEvent::End(end) => {
                    conn.note_status(Expect::Result, end.status);
                    conn.note_changes(end.status, &[]);
                    StreamEnd::Rows(end)
                }
                RowEvent::Ok(ok) => {
                    conn.note_status(Expect::Result, ok.status);
                    conn.note_changes(ok.status, &ok.session_state);
                    StreamEnd::Ok(ok)
                }
                RowEvent::Err(mut err) => {
                    crate::account::hide(&mut err);
                    StreamEnd::Err(err)
                }
            };
            // Bytes behind the end answer nothing, and a second result is nobody's: such a connection cannot
            // be trusted.
            let more = match &end {
                StreamEnd::Rows(end) => end.status & SERVER_MORE_RESULTS_EXISTS != 0,
                StreamEnd::Ok(ok) => ok.status & SERVER_MORE_RESULTS_EXISTS != 0,
                StreamEnd::Err(_) => false,
            };
            conn.dirty = more || self.at != self.buf.len();
            self.end = Some(end);
            return Poll::Ready(Ok(Got::End));
        }
    }

    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        conn: &mut ServerConn,
    ) -> Poll<Result<(), ShardError>> {
        let (buf, all) = (&mut self.buf, &mut self.bytes);
        conn.poll_read_with(cx, |bytes| {
            buf.extend_from_slice(bytes);
            *all += bytes.len();
            (bytes.len(), ())
        })
    }
}

enum Got {
    Columns,
    Row,
    End,
}
