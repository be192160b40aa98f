//! Reads one result set row by row, from whatever bytes have come; rows stay bytes until somebody asks for a
//! cell.

use crate::column::ResultColumn;
use crate::packet::{Front, FrontError, front};
use crate::read::{Malformed, Reader};
use crate::reply::{ErrPacket, OkPacket, decode_eof};
use std::ops::Range;

/// How an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowsEnd {
    /// Warnings of the statement.
    pub warnings: u16,
    /// SERVER_STATUS_* flags.
    pub status: u16,
}

/// A row's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowBytes {
    /// At this place of the buffer that was looked at.
    At(Range<usize>),
    /// Put together from several packets of 16 MiB.
    Joined(Vec<u8>),
}

/// What stands at the front of the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowEvent {
    /// More bytes are needed; at least this many in all (a hint).
    Need(usize),
    /// The columns are known now.
    Columns,
    /// A row.
    Row(RowBytes),
    /// The rows are over.
    End(RowsEnd),
    /// There is no result set.
    Ok(OkPacket),
    /// The statement failed; rows may have come before.
    Err(ErrPacket),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Columns { left: u64 },
    ColumnsEof,
    Rows,
    Done,
}

/// Reads one answer of a COM_QUERY or COM_STMT_EXECUTE.
#[derive(Debug)]
pub struct RowReader {
    state: State,
    deprecate_eof: bool,
    seq: u8,
    row_bytes_max: usize,
    /// The columns, once [`RowEvent::Columns`] was seen.
    pub columns: Vec<ResultColumn>,
}

impl RowReader {
    /// At the start of an answer. A row longer than `row_bytes_max` is an error.
    pub fn new(deprecate_eof: bool, row_bytes_max: usize) -> Self {
        Self {
            state: State::Head,
            deprecate_eof,
            seq: 1,
            row_bytes_max,
            columns: Vec::new(),
        }
    }

    /// The same for an answer whose first packet has another number than 1.
    pub fn numbered_from(self, seq: u8) -> Self {
        Self { seq, ..self }
    }

    /// True once the end, OK or ERR was seen.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads the next item and says how many bytes of the buffer it took.
    pub fn step(&mut self, buf: &[u8]) -> Result<(RowEvent, usize), Malformed> {
        let mut at = 0;
        loop {
            let rest = buf.get(at..).unwrap_or_default();
            let (bytes, consumed, seq) = match front(rest, self.seq, self.row_bytes_max) {
                Ok(Front::Need(n)) => return Ok((RowEvent::Need(at + n), at)),
                Ok(Front::Whole {
                    payload,
                    consumed,
                    seq,
                }) => {
                    let range = at + payload.start..at + payload.end;
                    (RowBytes::At(range), consumed, seq)
                }
                Ok(Front::Joined {
                    payload,
                    consumed,
                    seq,
                }) => (RowBytes::Joined(payload), consumed, seq),
                Err(FrontError::OutOfOrder { .. }) => {
                    return Err(Malformed("packets of an answer out of order"));
                }
                Err(FrontError::TooLarge { .. }) => {
                    return Err(Malformed("a row longer than rows may be"));
                }
            };
            self.seq = seq.wrapping_add(1);
            at += consumed;
            let item = {
                let payload = match &bytes {
                    RowBytes::At(range) => buf.get(range.clone()).unwrap_or_default(),
                    RowBytes::Joined(payload) => payload,
                };
                self.packet(payload)?
            };
            match item {
                Packet::Quiet => {}
                Packet::Row => return Ok((RowEvent::Row(bytes), at)),
                Packet::RowEvent(item) => return Ok((item, at)),
            }
        }
    }

    fn packet(&mut self, payload: &[u8]) -> Result<Packet, Malformed> {
        let first = *payload
            .first()
            .ok_or(Malformed("empty packet in an answer"))?;
        if first == 0xff {
            self.state = State::Done;
            return Ok(Packet::RowEvent(RowEvent::Err(ErrPacket::decode(payload)?)));
        }
        match self.state {
            State::Head => self.head(first, payload),
            State::Columns { left } => {
                self.columns.push(ResultColumn::decode(payload)?);
                self.state = match left {
                    0 | 1 if self.deprecate_eof => State::Rows,
                    0 | 1 => State::ColumnsEof,
                    n => State::Columns { left: n - 1 },
                };
                Ok(match self.state {
                    State::Rows => Packet::RowEvent(RowEvent::Columns),
                    _ => Packet::Quiet,
                })
            }
            State::ColumnsEof => {
                decode_eof(payload)?;
                self.state = State::Rows;
                Ok(Packet::RowEvent(RowEvent::Columns))
            }
            State::Rows => self.row(first, payload),
            State::Done => Err(Malformed("packet behind the answer")),
        }
    }

    fn head(&mut self, first: u8, payload: &[u8]) -> Result<Packet, Malformed> {
        match first {
            0x00 => {
                self.state = State::Done;
                Ok(Packet::RowEvent(RowEvent::Ok(OkPacket::decode(
                    payload, true,
                )?)))
            }
            0xfb => Err(Malformed("a request for a file")),
            _ => {
                let left = Reader::new(payload).lenenc("column count")?;
                if left == 0 {
                    return Err(Malformed("column count of 0"));
                }
                self.state = State::Columns { left };
                Ok(Packet::Quiet)
            }
        }
    }

    fn row(&mut self, first: u8, payload: &[u8]) -> Result<Packet, Malformed> {
        let short = payload.len() < 9;
        let ends =
            first == 0xfe && (short || self.deprecate_eof && payload.len() < crate::MAX_PAYLOAD);
        if !ends {
            return Ok(Packet::Row);
        }
        self.state = State::Done;
        let (warnings, status) = match payload.len() {
            5 => decode_eof(payload)?,
            _ => {
                let ok = OkPacket::decode(payload, true)?;
                (ok.warnings, ok.status)
            }
        };
        Ok(Packet::RowEvent(RowEvent::End(RowsEnd {
            warnings,
            status,
        })))
    }
}

enum Packet {
    Quiet,
    Row,
    RowEvent(RowEvent),
}

#[cfg(test)]
mod tests;
