//! A server connection for one user at a time: send, follow the answer, know its state.

use crate::error::ShardError;
use crate::login::Login;
use crate::net::NetStream;
use crate::prepared::{PreparedStatements, StatementKey};
use crate::scratch::with_scratch;
use crate::settings::Settings;
use errors::AvailabilityError;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use wire::caps::*;
use wire::column::{Column, decode_text_row};
use wire::framer::{Control, Expect, Framer, Step};
use wire::packet::{HEADER_LEN, put_packet};
use wire::prepare::Prepared;
use wire::reply::{ErrPacket, OkPacket};

/// Bytes of an answer that the proxy reads for itself.
const OWN_ANSWER_BYTES_MAX: usize = 16 << 20;

/// What clients of a connection must have in common, because it is agreed on at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ConnClass {
    /// CLIENT_DEPRECATE_EOF.
    pub deprecate_eof: bool,
    /// CLIENT_FOUND_ROWS.
    pub found_rows: bool,
}

impl ConnClass {
    /// The class of a client with these capabilities.
    pub fn of(capabilities: u32) -> Self {
        Self {
            deprecate_eof: capabilities & CLIENT_DEPRECATE_EOF != 0,
            found_rows: capabilities & CLIENT_FOUND_ROWS != 0,
        }
    }

    /// Flags to ask a server for.
    pub fn capabilities(self, tls: bool) -> u32 {
        let mut caps = CLIENT_MYSQL
            | CLIENT_LONG_FLAG
            | CLIENT_LOCAL_FILES
            | CLIENT_PROTOCOL_41
            | CLIENT_TRANSACTIONS
            | CLIENT_SECURE_CONNECTION
            | CLIENT_MULTI_RESULTS
            | CLIENT_PS_MULTI_RESULTS
            | CLIENT_PLUGIN_AUTH
            | CLIENT_CONNECT_ATTRS
            | CLIENT_PLUGIN_AUTH_LENENC
            | CLIENT_SESSION_TRACK;
        if self.deprecate_eof {
            caps |= CLIENT_DEPRECATE_EOF;
        }
        if self.found_rows {
            caps |= CLIENT_FOUND_ROWS;
        }
        if tls {
            caps |= CLIENT_SSL;
        }
        caps
    }
}

/// A connection to a shard's server.
#[derive(Debug)]
pub struct ServerConn {
    /// The shard's name.
    pub shard: Arc<str>,
    /// The stream.
    pub stream: NetStream,
    /// Thread id on the server.
    pub thread_id: u32,
    /// The server's version.
    pub version: Arc<str>,
    /// Its class.
    pub class: ConnClass,
    /// Settings that it has now.
    pub settings: Rc<Settings>,
    /// Database that is current.
    pub database: Option<Rc<str>>,
    /// Statements prepared on it.
    pub prepared: PreparedStatements,
    /// Bytes read that no step took yet.
    pub carry: Vec<u8>,
    out: Vec<u8>,
    out_at: usize,
    /// An answer is due, or the connection is in a state that nobody else may have.
    pub dirty: bool,
    /// What the server last said: a transaction is open. An ERR packet says nothing about it.
    pub in_transaction: bool,
    /// When it was last given back.
    pub idle_since: Instant,
}

impl ServerConn {
    /// Connects and logs in.
    pub async fn connect(
        login: &Login,
        class: ConnClass,
        fresh: Rc<Settings>,
        prepared_max: usize,
    ) -> Result<Self, ShardError> {
        let l = login.connect(class).await?;
        if class.deprecate_eof && l.capabilities & CLIENT_DEPRECATE_EOF == 0 {
            let what = "it is too old: CLIENT_DEPRECATE_EOF is needed".to_string();
            let shard = login.shard.to_string();
            return Err(AvailabilityError::ProtocolBroken { shard, what }.into());
        }
        Ok(Self {
            shard: login.shard.clone(),
            stream: l.stream,
            thread_id: l.thread_id,
            version: l.version.into(),
            class,
            settings: fresh,
            database: None,
            prepared: PreparedStatements::new(prepared_max),
            carry: Vec::new(),
            out: Vec::new(),
            out_at: 0,
            dirty: false,
            in_transaction: false,
            idle_since: Instant::now(),
        })
    }

    /// The error of a broken connection.
    pub fn lost(&mut self) -> ShardError {
        self.dirty = true;
        let shard = self.shard.to_string();
        AvailabilityError::ConnectionLost { shard }.into()
    }

    /// The error of a server that breaks the protocol.
    pub fn broken(&mut self, what: impl std::fmt::Display) -> ShardError {
        self.dirty = true;
        let (shard, what) = (self.shard.to_string(), what.to_string());
        AvailabilityError::ProtocolBroken { shard, what }.into()
    }

    /// True if the server closed it while it was idle, or sent something nobody asked for.
    pub fn is_stale(&self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        !self.carry.is_empty()
            || self.stream.poll_news(&mut cx).is_ready() && self.stream.peek().is_some()
    }

    /// Queues a command; nothing is sent before [`Self::poll_flush`].
    pub fn queue(&mut self, payload: &[u8]) {
        let mut seq = 0;
        put_packet(&mut self.out, &mut seq, payload);
        self.dirty = true;
    }

    /// Queues bytes that are packets already.
    pub fn queue_raw(&mut self, packets: &[u8]) {
        self.out.extend_from_slice(packets);
        self.dirty = true;
    }

    /// Queues a COM_QUERY.
    pub fn queue_query(&mut self, text: &[u8]) {
        let mut seq = 0;
        if text.len() + 1 < wire::MAX_PAYLOAD {
            let len = text.len() + 1;
            self.out
                .extend_from_slice(&wire::packet::Header { len, seq: 0 }.bytes());
            self.out.push(3);
            self.out.extend_from_slice(text);
        } else {
            let mut payload = Vec::with_capacity(text.len() + 1);
            payload.push(3);
            payload.extend_from_slice(text);
            put_packet(&mut self.out, &mut seq, &payload);
        }
        self.dirty = true;
    }

    /// Sends what is queued.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ShardError>> {
        while self.out_at < self.out.len() {
            match self.stream.poll_write(cx, &self.out[self.out_at..]) {
                Poll::Ready(Ok(n)) if n > 0 => self.out_at += n,
                Poll::Ready(_) => return Poll::Ready(Err(self.lost())),
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.out_at > 0 {
            self.out.clear();
            self.out_at = 0;
            if self.out.capacity() > 64 * 1024 {
                self.out = Vec::new();
            }
        }
        match self.stream.poll_flush(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(Err(self.lost())),
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads what is there and hands it to `f` as one buffer, together with bytes left over from
    /// before; `f` says how many it took.
    pub fn poll_read_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        f: impl FnOnce(&mut [u8]) -> (usize, R),
    ) -> Poll<Result<R, ShardError>> {
        with_scratch(|buf| {
            let n = match self.stream.poll_read(cx, buf) {
                Poll::Ready(Ok(n)) if n > 0 => n,
                Poll::Ready(_) => return Poll::Ready(Err(self.lost())),
                Poll::Pending => return Poll::Pending,
            };
            if self.carry.is_empty() {
                let (taken, r) = f(&mut buf[..n]);
                self.carry.extend_from_slice(&buf[taken..n]);
                return Poll::Ready(Ok(r));
            }
            self.carry.extend_from_slice(&buf[..n]);
            let (taken, r) = f(&mut self.carry);
            self.carry.drain(..taken);
            Poll::Ready(Ok(r))
        })
    }

    /// Sends the queue and reads a whole answer for the proxy itself.
    pub async fn own_answer(&mut self, expect: Expect) -> Result<Answer, ShardError> {
        let mut framer = Framer::new(expect, self.class.deprecate_eof);
        let mut answer = Answer::default();
        let mut bytes = Vec::new();
        poll_fn(|cx| self.poll_flush(cx)).await?;
        loop {
            let step = framer.step(&mut self.carry);
            match step.map_err(|e| self.broken(e))? {
                Step::Pass(n) => {
                    bytes.extend(self.carry.drain(..n));
                    if bytes.len() > OWN_ANSWER_BYTES_MAX {
                        return Err(self.broken("an answer to the proxy itself is above 16 MiB"));
                    }
                }
                Step::Control(control, n) => {
                    let packet: Vec<u8> = self.carry.drain(..n).collect();
                    let payload = &packet[HEADER_LEN..];
                    match control {
                        Control::Ok => {
                            let ok = OkPacket::decode(payload, true);
                            answer.ok = Some(ok.map_err(|e| self.broken(e))?);
                        }
                        Control::Err => {
                            let mut err = ErrPacket::decode(payload);
                            if let Ok(err) = &mut err {
                                crate::account::hide(err);
                            }
                            answer.err = Some(err.map_err(|e| self.broken(e))?);
                        }
                        Control::PrepareOk => answer.head = payload.to_vec(),
                        Control::Infile => return Err(self.broken("it asks for a file")),
                        Control::ColumnsEnd | Control::RowsEnd => {}
                    }
                }
                Step::Need => {
                    if framer.is_done() {
                        break;
                    }
                    poll_fn(|cx| {
                        self.poll_read_with(cx, |buf| {
                            // Leave everything in the carry: the loop above steps through it.
                            let _ = buf;
                            (0, ())
                        })
                    })
                    .await?;
                }
            }
            if framer.is_done() {
                break;
            }
        }
        self.dirty = false;
        answer.status = framer.status;
        if answer.err.is_none() {
            self.note_status(expect, framer.status);
        }
        answer.packets = bytes;
        Ok(answer)
    }

    /// Notes the status flags of an answer that was no error; not every kind of answer has them.
    pub fn note_status(&mut self, expect: Expect, status: u16) {
        if matches!(expect, Expect::Result | Expect::Rows) {
            self.in_transaction = status & wire::caps::SERVER_STATUS_IN_TRANS != 0;
        }
    }

    /// Runs a statement of the proxy's own; an ERR packet is an error.
    pub async fn run(&mut self, text: &str) -> Result<Answer, ShardError> {
        self.queue_query(text.as_bytes());
        let answer = self.own_answer(Expect::Result).await?;
        match answer.err {
            Some(err) => Err(ShardError::Server {
                shard: self.shard.to_string(),
                err,
            }),
            None => Ok(answer),
        }
    }

    /// Brings settings and database to what a session wants. A current database cannot be taken away
    /// again, so a session without one must be given a connection without one.
    pub async fn prepare_for(
        &mut self,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
    ) -> Result<(), ShardError> {
        if !Rc::ptr_eq(&self.settings, settings) {
            if let Some(set) = self.settings.change_to(settings)
                && let Err(e) = self.run(&set).await
            {
                // Some of them may be set now.
                self.dirty = true;
                return Err(e);
            }
            self.settings = settings.clone();
        }
        if let Some(db) = database
            && self.database.as_ref() != Some(db)
        {
            let mut payload = vec![2];
            payload.extend_from_slice(db.as_bytes());
            self.queue(&payload);
            let answer = self.own_answer(Expect::Result).await?;
            if let Some(err) = answer.err {
                return Err(ShardError::Server {
                    shard: self.shard.to_string(),
                    err,
                });
            }
            self.database = Some(db.clone());
        }
        Ok(())
    }

    /// True if it is as the session wants it.
    pub fn is_ready_for(&self, settings: &Rc<Settings>, database: Option<&Rc<str>>) -> bool {
        self.database.as_ref() == database && Rc::ptr_eq(&self.settings, settings)
    }

    /// Prepares a statement, or finds it prepared; the server's id.
    pub async fn statement(
        &mut self,
        key: StatementKey,
        text: &[u8],
    ) -> Result<Result<u32, ErrPacket>, ShardError> {
        if let Some(id) = self.prepared.get(key) {
            return Ok(Ok(id));
        }
        match self.prepare(text).await? {
            Err(err) => Ok(Err(err)),
            Ok(p) => {
                self.remember(key, p.id);
                Ok(Ok(p.id))
            }
        }
    }

    /// Notes a prepared statement and closes the one that has to go.
    pub fn remember(&mut self, key: StatementKey, id: u32) {
        if let Some(old) = self.prepared.put(key, id) {
            self.queue_close(old);
        }
    }

    /// Closes all statements prepared here.
    pub fn forget_prepared(&mut self) {
        for id in self.prepared.take_all() {
            self.queue_close(id);
        }
    }

    /// COM_STMT_CLOSE has no answer; it goes out with the next command.
    pub fn queue_close(&mut self, id: u32) {
        let dirty = self.dirty;
        let mut payload = vec![0x19];
        payload.extend_from_slice(&id.to_le_bytes());
        self.queue(&payload);
        self.dirty = dirty;
    }

    /// COM_STMT_PREPARE, with all definitions.
    pub async fn prepare(
        &mut self,
        text: &[u8],
    ) -> Result<Result<Prepared, ErrPacket>, ShardError> {
        let mut payload = Vec::with_capacity(text.len() + 1);
        payload.push(0x16);
        payload.extend_from_slice(text);
        self.queue(&payload);
        let answer = self.own_answer(Expect::Prepare).await?;
        match answer.err {
            Some(err) => Ok(Err(err)),
            None => answer.prepared().map(Ok).map_err(|e| self.broken(e)),
        }
    }
}

/// A row of text values; `None` is NULL.
pub type TextRow = Vec<Option<Vec<u8>>>;

/// An answer that the proxy read for itself.
#[derive(Debug, Default)]
pub struct Answer {
    /// The OK packet, if it was one.
    pub ok: Option<OkPacket>,
    /// The ERR packet, if it was one.
    pub err: Option<ErrPacket>,
    /// Status flags at the end.
    pub status: u16,
    head: Vec<u8>,
    packets: Vec<u8>,
}

impl Answer {
    /// Column definitions and rows of the (first) result set.
    pub fn rows(&self) -> Result<(Vec<Column>, Vec<TextRow>), wire::Malformed> {
        let mut rest = &self.packets[..];
        if rest.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (_, first, tail) = wire::packet::split_packet(rest)?;
        rest = tail;
        let n = wire::Reader::new(first).lenenc("column count")? as usize;
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        while !rest.is_empty() {
            let (_, payload, tail) = wire::packet::split_packet(rest)?;
            rest = tail;
            if columns.len() < n {
                columns.push(Column::decode(payload)?);
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

    fn prepared(&self) -> Result<Prepared, wire::Malformed> {
        let head = wire::prepare::PrepareOk::decode(&self.head)?;
        let mut out = Prepared {
            id: head.id,
            warnings: head.warnings,
            ..Default::default()
        };
        let mut rest = &self.packets[..];
        while !rest.is_empty() {
            let (_, payload, tail) = wire::packet::split_packet(rest)?;
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
