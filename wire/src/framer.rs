//! Follows a server's answer through its packets without decoding rows.
//!
//! The relay hands it whatever bytes came; it says how many of them are plain content to pass on, and
//! where a packet stands that decides something (OK, ERR, end of columns or rows). Sequence numbers
//! can be rewritten on the way, for answers that are stitched together. It keeps no bytes: what it
//! could not finish, the caller offers again with more behind it.

use crate::caps::*;
use crate::packet::{HEADER_LEN, Header, MAX_PAYLOAD};
use crate::read::{Malformed, Reader};
use crate::reply::{OkPacket, decode_eof};

/// What kind of answer a command has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// OK, ERR, LOCAL INFILE request or result sets (COM_QUERY, COM_STMT_EXECUTE, COM_PING, ...).
    Result,
    /// The same of a COM_STMT_EXECUTE that asks for a cursor. (Others may have the flag of one too, if a
    /// procedure has its own open while it sends rows.)
    Cursor,
    /// The answer to COM_STMT_PREPARE.
    Prepare,
    /// Rows without columns in front (COM_STMT_FETCH).
    Rows,
    /// Column definitions up to EOF (COM_FIELD_LIST).
    Columns,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Columns { left: u64 },
    ColumnsEof,
    Rows,
    FieldList,
    PrepareFirst,
    PrepareDefs(Definitions),
    Infile,
    Done,
}

/// Definitions that are still to come in the answer to COM_STMT_PREPARE. Either count may be any number
/// that two bytes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Definitions {
    params: u16,
    columns: u16,
    /// A list just ran out, and its EOF is next.
    eof_due: bool,
}

impl Definitions {
    fn is_none(self) -> bool {
        self.params == 0 && self.columns == 0 && !self.eof_due
    }

    /// What is left behind the next packet.
    fn without_one(mut self, eof: bool, deprecate_eof: bool) -> Result<Self, Malformed> {
        if self.eof_due {
            self.eof_due = false;
            return match eof {
                true => Ok(self),
                false => Err(Malformed("no EOF behind the definitions")),
            };
        }
        let list = match self.params {
            0 => &mut self.columns,
            _ => &mut self.params,
        };
        *list = list.saturating_sub(1);
        self.eof_due = *list == 0 && !deprecate_eof;
        Ok(self)
    }
}

/// A packet that decides something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// OK instead of a result set.
    Ok,
    /// ERR; the answer is over.
    Err,
    /// EOF between columns and rows.
    ColumnsEnd,
    /// The end of a result set's rows.
    RowsEnd,
    /// The server asks for a local file.
    Infile,
    /// COM_STMT_PREPARE_OK.
    PrepareOk,
}

/// What to do with the front of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Pass this many bytes on.
    Pass(usize),
    /// A complete packet of this many bytes (header included).
    Control(Control, usize),
    /// More bytes are needed.
    Need,
}

/// Follows one answer.
#[derive(Debug, Clone)]
pub struct Framer {
    state: State,
    deprecate_eof: bool,
    /// A result may be a cursor, without rows.
    cursor: bool,
    /// Payload bytes still to come of the packet that is being passed on.
    skip: usize,
    /// The packet being passed on is continued by the next one.
    continued: bool,
    renumber: Option<u8>,
    next_seq: u8,
    /// Stop once between the columns and the rows.
    pause_at_rows: bool,
    /// Flags of the last OK or EOF packet.
    pub status: u16,
    /// Warnings of the last OK or EOF packet.
    pub warnings: u16,
    /// Rows of the result set that is being read, or of the last one.
    pub rows: u64,
    /// True once any result set's columns were seen.
    pub has_columns: bool,
}

impl Framer {
    /// A framer at the start of an answer.
    pub fn new(expect: Expect, deprecate_eof: bool) -> Self {
        let state = match expect {
            Expect::Result | Expect::Cursor => State::First,
            Expect::Prepare => State::PrepareFirst,
            Expect::Rows => State::Rows,
            Expect::Columns => State::FieldList,
        };
        Self {
            state,
            deprecate_eof,
            cursor: expect == Expect::Cursor,
            skip: 0,
            continued: false,
            renumber: None,
            next_seq: 1,
            pause_at_rows: false,
            status: 0,
            warnings: 0,
            rows: 0,
            has_columns: false,
        }
    }

    /// From now on packets get numbers counting from `seq`.
    pub fn renumber_from(&mut self, seq: u8) {
        self.renumber = Some(seq);
    }

    /// Never pass the last column and the first row in one step, so that either can be left out.
    pub fn pause_at_rows(&mut self) {
        self.pause_at_rows = true;
    }

    /// True once the columns are through (with [`Self::pause_at_rows`]: exactly from there on).
    pub fn is_in_rows(&self) -> bool {
        matches!(self.state, State::Rows | State::Done) && !self.pause_at_rows
    }

    /// True if the last bytes passed end inside a packet.
    pub fn is_inside_packet(&self) -> bool {
        self.skip > 0 || self.continued
    }

    /// The number that the next packet has to have.
    pub fn next_seq(&self) -> u8 {
        self.renumber.unwrap_or(self.next_seq)
    }

    /// True when the whole answer, with all its result sets, was seen.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// True while the server waits for the client's file.
    pub fn wants_file(&self) -> bool {
        self.state == State::Infile
    }

    /// The client's file was sent; an OK or ERR follows.
    pub fn file_sent(&mut self) {
        self.state = State::First;
    }

    fn number(&mut self, head: &mut [u8]) {
        if let Some(seq) = self.renumber {
            head[3] = seq;
            self.renumber = Some(seq.wrapping_add(1));
        }
        self.next_seq = head[3].wrapping_add(1);
    }

    /// Looks at the front of `buf`, which starts where the last step ended.
    pub fn step(&mut self, buf: &mut [u8]) -> Result<Step, Malformed> {
        let mut at = 0;
        loop {
            let take = self.skip.min(buf.len() - at);
            self.skip -= take;
            at += take;
            let stop = if at > 0 { Step::Pass(at) } else { Step::Need };
            if self.skip > 0 || self.state == State::Done && !self.continued {
                return Ok(stop);
            }
            if self.pause_at_rows && self.state == State::Rows && !self.continued {
                self.pause_at_rows = false;
                return Ok(Step::Pass(at));
            }
            let Some(head) = Header::parse(&buf[at..]) else {
                return Ok(stop);
            };
            if self.continued {
                self.number(&mut buf[at..]);
                self.begin(head.len);
                at += HEADER_LEN;
                continue;
            }
            // The byte behind an empty packet belongs to the next one.
            let first = match head.len {
                0 => None,
                _ => match buf.get(at + HEADER_LEN) {
                    Some(first) => Some(*first),
                    None => return Ok(stop),
                },
            };
            let Some(control) = self.classify(head, first)? else {
                if self.state == State::First && !self.open_result(&buf[at..], head)? {
                    return Ok(stop);
                }
                self.number(&mut buf[at..]);
                self.begin(head.len);
                at += HEADER_LEN;
                continue;
            };
            if at > 0 {
                return Ok(Step::Pass(at));
            }
            let end = HEADER_LEN + head.len;
            if buf.len() < end {
                return Ok(Step::Need);
            }
            self.number(buf);
            self.apply(control, &buf[HEADER_LEN..end])?;
            return Ok(Step::Control(control, end));
        }
    }

    fn begin(&mut self, len: usize) {
        self.skip = len;
        self.continued = len == MAX_PAYLOAD;
    }

    /// Which deciding packet this is, or `None` for content (whose place in the answer is noted).
    fn classify(&mut self, head: Header, first: Option<u8>) -> Result<Option<Control>, Malformed> {
        let first = first.ok_or(Malformed("empty packet in an answer"))?;
        if first == 0xff && self.state != State::Done {
            return Ok(Some(Control::Err));
        }
        let eof = first == 0xfe && head.len < 9;
        Ok(match self.state {
            State::First => match first {
                0x00 => Some(Control::Ok),
                0xfb => Some(Control::Infile),
                0xfe if head.len < 9 => Some(Control::RowsEnd),
                _ => None,
            },
            State::Columns { left } => {
                self.state = match left {
                    0 | 1 if self.deprecate_eof => State::Rows,
                    0 | 1 => State::ColumnsEof,
                    n => State::Columns { left: n - 1 },
                };
                None
            }
            State::ColumnsEof if eof => Some(Control::ColumnsEnd),
            State::ColumnsEof => return Err(Malformed("no EOF behind the columns")),
            State::Rows if eof || first == 0xfe && self.deprecate_eof && head.len < MAX_PAYLOAD => {
                Some(Control::RowsEnd)
            }
            State::Rows => {
                self.rows += 1;
                None
            }
            State::FieldList if eof => Some(Control::RowsEnd),
            State::FieldList => None,
            State::PrepareFirst => Some(Control::PrepareOk),
            State::PrepareDefs(left) => {
                self.state = match left.without_one(eof, self.deprecate_eof)? {
                    left if left.is_none() => State::Done,
                    left => State::PrepareDefs(left),
                };
                None
            }
            State::Infile | State::Done => return Err(Malformed("packet behind the answer")),
        })
    }

    /// Reads the column count; false if its packet is not complete.
    fn open_result(&mut self, buf: &[u8], head: Header) -> Result<bool, Malformed> {
        let Some(payload) = buf.get(HEADER_LEN..HEADER_LEN + head.len) else {
            return Ok(false);
        };
        let left = Reader::new(payload).lenenc("column count")?;
        if left == 0 {
            return Err(Malformed("column count of 0"));
        }
        self.rows = 0;
        self.has_columns = true;
        self.state = State::Columns { left };
        Ok(true)
    }

    fn apply(&mut self, control: Control, payload: &[u8]) -> Result<(), Malformed> {
        match control {
            Control::Err => self.state = State::Done,
            Control::Infile => self.state = State::Infile,
            Control::PrepareOk => {
                let ok = crate::command::prepare::PrepareOk::decode(payload)?;
                let left = Definitions {
                    params: ok.params,
                    columns: ok.columns,
                    eof_due: false,
                };
                self.state = match left.is_none() {
                    true => State::Done,
                    false => State::PrepareDefs(left),
                };
            }
            Control::ColumnsEnd => {
                let (_, status) = decode_eof(payload)?;
                self.pause_at_rows = false;
                let cursor = self.cursor && status & SERVER_STATUS_CURSOR_EXISTS != 0;
                self.state = if cursor {
                    self.after(status)
                } else {
                    State::Rows
                };
                self.status = status;
            }
            Control::RowsEnd if payload.len() == 5 => {
                (self.warnings, self.status) = decode_eof(payload)?;
                self.state = self.after(self.status);
            }
            Control::Ok | Control::RowsEnd => {
                let ok = OkPacket::decode(payload, true)?;
                (self.warnings, self.status) = (ok.warnings, ok.status);
                self.state = self.after(ok.status);
            }
        }
        Ok(())
    }

    fn after(&self, status: u16) -> State {
        match status & SERVER_MORE_RESULTS_EXISTS {
            0 => State::Done,
            _ => State::First,
        }
    }
}

#[cfg(test)]
mod tests;
