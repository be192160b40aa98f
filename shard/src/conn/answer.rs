//! Whole answers, to what the proxy asks for itself.

use super::ServerConn;
use super::waiting::for_answer;
use crate::error::ShardError;
use crate::timeouts::Limit;
use std::future::poll_fn;
use wire::column::{ResultColumn, decode_text_row};
use wire::command::prepare::{PrepareOk, Prepared};
use wire::framer::{Control, Expect, Framer, Step};
use wire::packet::{HEADER_LEN, split_packet};
use wire::reply::{ErrPacket, OkPacket};

/// Bytes of an answer that the proxy reads for itself.
const OWN_ANSWER_BYTES_MAX: usize = 16 << 20;

/// A row of text values; `None` is NULL.
pub type TextRow = Vec<Option<Vec<u8>>>;

/// An answer that the proxy read for itself.
#[derive(Debug, Default)]
pub struct ServerAnswer {
    /// The OK packet, if it was one.
    pub ok: Option<OkPacket>,
    /// The ERR packet, if it was one.
    pub err: Option<ErrPacket>,
    /// Status flags at the end.
    pub status: u16,
    head: Vec<u8>,
    packets: Vec<u8>,
}

impl ServerConn {
    /// Sends the queue and reads a whole answer for the proxy itself, to a statement that may take as long as
    /// it likes; the wait ends when the instance counts as down.
    pub async fn own_answer(&mut self, expect: Expect) -> Result<ServerAnswer, ShardError> {
        self.answer_within(expect, None).await
    }

    /// The same with a limit.
    pub(crate) async fn answer_within(
        &mut self,
        expect: Expect,
        limit: Option<Limit>,
    ) -> Result<ServerAnswer, ShardError> {
        let health = self.health.clone();
        let answer = for_answer(health, limit, self.whole_answer(expect)).await;
        answer.unwrap_or_else(|why| Err(self.given_up(why)))
    }

    async fn whole_answer(&mut self, expect: Expect) -> Result<ServerAnswer, ShardError> {
        let mut framer = Framer::new(expect, self.class.deprecate_eof);
        let mut answer = ServerAnswer::default();
        poll_fn(|cx| self.poll_flush(cx)).await?;
        while !framer.is_done() {
            let step = framer.step(&mut self.carry);
            match step.map_err(|e| self.broken(e))? {
                Step::Pass(n) => {
                    answer.packets.extend(self.carry.drain(..n));
                    if answer.packets.len() > OWN_ANSWER_BYTES_MAX {
                        return Err(self.broken("an answer to the proxy itself is above 16 MiB"));
                    }
                }
                Step::Control(control, n) => {
                    let packet: Vec<u8> = self.carry.drain(..n).collect();
                    self.note_control(&mut answer, control, &packet[HEADER_LEN..])?;
                }
                // What comes stays in the carry: the loop steps through it.
                Step::Need => poll_fn(|cx| self.poll_read_with(cx, |_| (0, ()))).await?,
            }
        }
        self.dirty = !self.carry.is_empty();
        answer.status = framer.status;
        if answer.err.is_none() {
            self.note_status(expect, framer.status);
            let ok = answer.ok.as_ref();
            let state = ok.map_or(&[][..], |ok| &ok.session_state);
            self.note_changes(framer.status, state);
        }
        Ok(answer)
    }

    fn note_control(
        &mut self,
        answer: &mut ServerAnswer,
        control: Control,
        payload: &[u8],
    ) -> Result<(), ShardError> {
        match control {
            Control::Ok => {
                let ok = OkPacket::decode(payload, true);
                answer.ok = Some(ok.map_err(|e| self.broken(e))?);
            }
            Control::Err => {
                let mut err = ErrPacket::decode(payload).map_err(|e| self.broken(e))?;
                crate::account::hide(&mut err);
                answer.err = Some(err);
            }
            Control::PrepareOk => answer.head = payload.to_vec(),
            Control::Infile => return Err(self.broken("it asks for a file")),
            Control::ColumnsEnd | Control::RowsEnd => {}
        }
        Ok(())
    }

    /// Runs a statement that may take as long as it likes; an ERR packet is an error.
    pub async fn run(&mut self, text: &str) -> Result<ServerAnswer, ShardError> {
        self.put_query(text.as_bytes()).await?;
        let answer = self.own_answer(Expect::Result).await?;
        self.unless_refused(answer)
    }

    /// Runs a statement of the proxy's own, which takes no time where the server is well.
    pub(crate) async fn run_own(&mut self, text: &str) -> Result<ServerAnswer, ShardError> {
        let limit = self.timeouts.own();
        self.run_within(text, limit).await
    }

    /// The same with another limit.
    pub(crate) async fn run_within(
        &mut self,
        text: &str,
        limit: Limit,
    ) -> Result<ServerAnswer, ShardError> {
        self.put_query(text.as_bytes()).await?;
        let answer = self.answer_within(Expect::Result, Some(limit)).await?;
        self.unless_refused(answer)
    }

    /// An answer that must not be an ERR packet.
    pub(crate) fn unless_refused(&self, answer: ServerAnswer) -> Result<ServerAnswer, ShardError> {
        match answer.err {
            Some(err) => Err(ShardError::Server {
                shard: self.shard.to_string(),
                err,
            }),
            None => Ok(answer),
        }
    }
}

impl ServerAnswer {
    /// Column definitions and rows of the (first) result set.
    pub fn rows(&self) -> Result<(Vec<ResultColumn>, Vec<TextRow>), wire::Malformed> {
        let mut rest = &self.packets[..];
        if rest.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (_, first, tail) = split_packet(rest)?;
        rest = tail;
        let n = wire::Reader::new(first).lenenc("column count")? as usize;
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        while !rest.is_empty() {
            let (_, payload, tail) = split_packet(rest)?;
            rest = tail;
            if columns.len() < n {
                columns.push(ResultColumn::decode(payload)?);
            } else {
                rows.push(decode_text_row(payload, n)?);
            }
        }
        Ok((columns, rows))
    }

    /// Rows as text; NULL as an empty string.
    pub fn text_rows(&self) -> Result<Vec<Vec<String>>, wire::Malformed> {
        let (_, rows) = self.rows()?;
        let text = |v: Option<Vec<u8>>| {
            v.map(|b| String::from_utf8_lossy(&b).into_owned())
                .unwrap_or_default()
        };
        Ok(rows
            .into_iter()
            .map(|r| r.into_iter().map(text).collect())
            .collect())
    }

    /// The first cell of the first row as a number.
    pub fn number(&self) -> Option<u64> {
        let rows = self.text_rows().ok()?;
        rows.first()?.first()?.parse().ok()
    }

    pub(super) fn prepared(&self) -> Result<Prepared, wire::Malformed> {
        let head = PrepareOk::decode(&self.head)?;
        let mut out = Prepared {
            id: head.id,
            warnings: head.warnings,
            ..Default::default()
        };
        let mut rest = &self.packets[..];
        while !rest.is_empty() {
            let (_, payload, tail) = split_packet(rest)?;
            rest = tail;
            let eof = payload.first() == Some(&0xfe) && payload.len() < 9;
            if eof {
                continue;
            }
            if out.params.len() < usize::from(head.params) {
                out.params.push(payload.to_vec());
            } else {
                out.columns.push(payload.to_vec());
            }
        }
        Ok(out)
    }
}
