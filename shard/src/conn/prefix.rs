//! What goes ahead of a request travels with it instead of being waited for.
//!
//! A prefix whose failure would change what the request does never lets it run: it stands in one COM_QUERY
//! with the request's text, in which a server stops at the first error; where they cannot share a packet,
//! the prefix is confirmed first.
//!
//! Several statements in one packet must not open a door: texts share a packet only if none has a
//! semicolon, so that no server can read more statements in it than were put there, whatever its sql_mode.
//! A text that has one is sent while the server reads one statement a packet.

use super::ServerConn;
use super::planned::Effect;
use super::waiting::for_answer;
use crate::error::ShardError;
use crate::settings::Settings;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use wire::caps::{SERVER_MORE_RESULTS_EXISTS, SERVER_STATUS_IN_TRANS};
use wire::command::{query, set_option};
use wire::packet::{HEADER_LEN, Header};
use wire::reply::{ErrPacket, OkPacket, decode_eof};

/// Longer texts do not share a packet: a server's max_allowed_packet may leave no room for more.
const SHARED_BYTES_MAX: usize = 1 << 20;

/// An answer that comes ahead of the request's: one packet.
#[derive(Debug)]
struct Expected {
    effect: Effect,
    /// More of the same COM_QUERY follows.
    more: bool,
}

/// What was sent ahead of a request and is not answered yet, in order.
#[derive(Debug, Default)]
pub(super) struct Due(VecDeque<Expected>);

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// True if a server may read more than one statement in the text: it has a semicolon with more behind it
/// than white space.
fn may_be_several(text: &[u8]) -> bool {
    let at = text.iter().position(|b| *b == b';');
    at.is_some_and(|at| !text[at + 1..].iter().all(u8::is_ascii_whitespace))
}

impl ServerConn {
    /// Queues a COM_QUERY behind what is planned.
    pub(crate) async fn put_query(&mut self, text: &[u8]) -> Result<(), ShardError> {
        let several = may_be_several(text);
        if !self.planned.is_empty() {
            if !several && text.len() <= SHARED_BYTES_MAX && !self.planned.has_semicolon() {
                self.put_shared(text);
                return Ok(());
            }
            self.confirm().await?;
        }
        if several {
            self.allow_several(false);
        }
        query::put(&mut self.out, &[text]);
        self.begins_answer();
        Ok(())
    }

    /// One packet for what is planned and the request.
    fn put_shared(&mut self, text: &[u8]) {
        self.allow_several(true);
        let [session, transaction, request] = self.planned.texts();
        query::put(&mut self.out, &[session, transaction, request, text]);
        self.begins_answer();
        let effects = self.planned.take_effects();
        // Numbers begin again after 255.
        self.answer_seq = (effects.len() as u8).wrapping_add(1);
        let expected = effects.into_iter();
        let expected = expected.map(|effect| Expected { effect, more: true });
        self.due.0.extend(expected);
    }

    /// Whether the server reads several statements in the next COM_QUERY.
    fn allow_several(&mut self, on: bool) {
        if self.multi_statements == on {
            return;
        }
        set_option::put(&mut self.out, on);
        self.multi_statements = on;
        self.dirty = true;
        self.due.0.push_back(Expected {
            effect: Effect::Done,
            more: false,
        });
    }

    /// Queues what is planned in packets of its own, for a request that is no text.
    pub(super) fn put_planned(&mut self) {
        let count = self.planned.count();
        if count == 0 {
            return;
        }
        let one_by_one = self.planned.has_semicolon();
        if one_by_one || count > 1 {
            self.allow_several(!one_by_one);
        }
        match one_by_one {
            true => {
                let texts = self.planned.statements();
                texts.for_each(|(text, _)| query::put(&mut self.out, &[text]));
            }
            false => query::put(&mut self.out, &[&self.planned.text_alone()]),
        }
        self.dirty = true;
        for (i, effect) in self.planned.take_effects().into_iter().enumerate() {
            let more = !one_by_one && i + 1 < count;
            self.due.0.push_back(Expected { effect, more });
        }
    }

    /// Sends what is planned, so that several servers work on it at once; [`Self::confirm`] waits.
    pub async fn send_planned(&mut self) -> Result<(), ShardError> {
        self.put_planned();
        self.flush().await
    }

    /// Sends what is planned and waits for its answers: a request behind it must not run without it.
    pub async fn confirm(&mut self) -> Result<(), ShardError> {
        self.put_planned();
        self.answers_of_prefixes().await
    }

    /// The same, unless the request does the same without it: then it is sent with the request.
    pub(super) async fn confirm_what_matters(&mut self) -> Result<(), ShardError> {
        match self.planned.is_harmless() {
            true => {
                self.put_planned();
                Ok(())
            }
            false => self.confirm().await,
        }
    }

    /// Brings the connection to what the sessions of a pipeline want. Their texts are sent as they are, so
    /// the server never reads more than one statement in a packet.
    pub(crate) async fn become_pipeline(
        &mut self,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
    ) -> Result<(), ShardError> {
        self.plan_session(settings, database);
        self.put_planned();
        self.allow_several(false);
        self.answers_of_prefixes().await
    }

    async fn answers_of_prefixes(&mut self) -> Result<(), ShardError> {
        if self.due.is_empty() {
            return Ok(());
        }
        let (health, limit) = (self.health.clone(), self.timeouts.own());
        let answers = async {
            poll_fn(|cx| self.poll_flush(cx)).await?;
            poll_fn(|cx| self.poll_due(cx)).await
        };
        let answered = for_answer(health, Some(limit), answers).await;
        answered.unwrap_or_else(|why| Err(self.given_up(why)))?;
        self.dirty = !self.carry.is_empty();
        Ok(())
    }

    /// Waits, at most as long as a KILL may take, until nothing that went ahead of the request can be hit by
    /// one.
    pub async fn prefixes_answered(&mut self) -> Result<(), ShardError> {
        let (health, limit) = (self.health.clone(), self.timeouts.kill());
        let answered = for_answer(health, Some(limit), poll_fn(|cx| self.poll_due(cx))).await;
        answered.unwrap_or_else(|why| Err(self.given_up(why)))?;
        self.carry_is_news = !self.carry.is_empty();
        Ok(())
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ShardError>> {
        let mut buf = [0; 1024];
        while !self.due.is_empty() {
            match self.stream.poll_read(cx, &mut buf) {
                Poll::Ready(Ok(n)) if n > 0 => self.carry.extend_from_slice(&buf[..n]),
                Poll::Ready(_) => return Poll::Ready(Err(self.lost())),
                Poll::Pending => return Poll::Pending,
            }
            self.take_due()?;
        }
        Poll::Ready(Ok(()))
    }

    /// Takes answers of prefixes off the front of what was read.
    pub(super) fn take_due(&mut self) -> Result<(), ShardError> {
        let mut at = 0;
        while let Some(expected) = self.due.0.front() {
            let more = expected.more;
            let rest = &self.carry[at..];
            let Some(end) = Header::parse(rest).map(|h| HEADER_LEN + h.len) else {
                break;
            };
            let Some(payload) = rest.get(HEADER_LEN..end) else {
                break;
            };
            let status = match status_of(payload) {
                Ok(Ok(status)) => status,
                Ok(Err(err)) => {
                    self.carry.drain(..at + end);
                    return Err(self.prefix_failed(err));
                }
                Err(e) => return Err(self.broken(e)),
            };
            if (status & SERVER_MORE_RESULTS_EXISTS != 0) != more {
                return Err(self.broken("another number of answers than statements"));
            }
            at += end;
            if let Some(expected) = self.due.0.pop_front() {
                self.take_effect(expected.effect, status);
            }
        }
        self.carry.drain(..at);
        Ok(())
    }

    fn take_effect(&mut self, effect: Effect, status: u16) {
        self.in_transaction = status & SERVER_STATUS_IN_TRANS != 0;
        match effect {
            Effect::Settings(settings) => self.settings = settings,
            Effect::Database(database) => self.database = Some(database),
            Effect::Clock(is_set) => self.clock_is_set = is_set,
            Effect::Harmless | Effect::Done => {}
        }
    }

    /// What is known of the connection is no longer sure. Nothing else of the packet is answered.
    fn prefix_failed(&mut self, mut err: ErrPacket) -> ShardError {
        self.dirty = true;
        while self.due.0.pop_front().is_some_and(|e| e.more) {}
        crate::account::hide(&mut err);
        let shard = self.shard.to_string();
        ShardError::Server { shard, err }
    }
}

/// The status of an OK or EOF packet, or the error.
fn status_of(payload: &[u8]) -> Result<Result<u16, ErrPacket>, wire::Malformed> {
    match payload.first() {
        Some(0x00) => OkPacket::decode(payload, true).map(|ok| Ok(ok.status)),
        Some(0xfe) if payload.len() == 5 => decode_eof(payload).map(|(_, status)| Ok(status)),
        Some(0xfe) => OkPacket::decode(payload, true).map(|ok| Ok(ok.status)),
        Some(0xff) => ErrPacket::decode(payload).map(Err),
        _ => Err(wire::Malformed("answer of a statement without rows")),
    }
}

#[cfg(test)]
mod tests;
