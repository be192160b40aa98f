//! Reads rows one after the other, however many there are, for the proxy's own checks.

use crate::conn::{ServerConn, TextRow};
use crate::error::ShardError;
use std::future::poll_fn;
use wire::column::decode_text_row;
use wire::framer::{Control, Expect, Framer, Step};
use wire::packet::{HEADER_LEN, split_packet};
use wire::reply::ErrPacket;

impl ServerConn {
    /// Runs a SELECT and hands each row to `row`. An error of `row` ends it; the connection is then of
    /// no more use.
    pub async fn scan<E: From<ShardError>>(
        &mut self,
        text: &str,
        mut row: impl FnMut(TextRow) -> Result<(), E>,
    ) -> Result<(), E> {
        self.put_query(text.as_bytes()).await?;
        let mut framer = Framer::new(Expect::Result, self.class.deprecate_eof);
        let (mut bytes, mut head) = (Vec::new(), Head::default());
        poll_fn(|cx| self.poll_flush(cx)).await?;
        while !framer.is_done() {
            let step = framer.step(&mut self.carry);
            match step.map_err(|e| self.broken(e))? {
                Step::Pass(n) => {
                    bytes.extend(self.carry.drain(..n));
                    let mut at = 0;
                    while let Ok((_, payload, rest)) = split_packet(&bytes[at..]) {
                        at = bytes.len() - rest.len();
                        if let Some(n) = head.columns_of(payload).map_err(|e| self.broken(e))? {
                            row(decode_text_row(payload, n).map_err(|e| self.broken(e))?)?;
                        }
                    }
                    bytes.drain(..at);
                }
                Step::Control(control, n) => {
                    let packet: Vec<u8> = self.carry.drain(..n).collect();
                    if control == Control::Err {
                        let err = ErrPacket::decode(&packet[HEADER_LEN..]);
                        let err = err.map_err(|e| self.broken(e))?;
                        let shard = self.shard.to_string();
                        return Err(ShardError::Server { shard, err }.into());
                    }
                }
                // What comes stays in the carry: the loop steps through it.
                Step::Need => poll_fn(|cx| self.poll_read_with(cx, |_| (0, ()))).await?,
            }
        }
        Ok(())
    }
}

/// The packets before the rows: how many columns there are, and then these.
#[derive(Default)]
struct Head {
    columns: Option<usize>,
    seen: usize,
}

impl Head {
    /// Takes a packet of the head; for a row, how many columns it has.
    fn columns_of(&mut self, payload: &[u8]) -> Result<Option<usize>, wire::Malformed> {
        let Some(columns) = self.columns else {
            self.columns = Some(wire::Reader::new(payload).lenenc("column count")? as usize);
            return Ok(None);
        };
        if self.seen < columns {
            self.seen += 1;
            return Ok(None);
        }
        Ok(Some(columns))
    }
}
