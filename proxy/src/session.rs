//! A session: its parts, and the loop that reads commands.
//!
//! Commands (`command/`) and operators (`exec/`) are functions over the parts that they need; each statement
//! ends in [`Session::end_statement`].

pub(crate) mod branch;
pub(crate) mod branches;
pub(crate) mod client_io;
pub(crate) mod client_state;
pub(crate) mod diagnostics;
pub(crate) mod outcome;
pub(crate) mod settings;
pub(crate) mod statements;
mod stop;
pub(crate) mod transaction;
pub(crate) mod waiting;

use crate::auth::handshake::LoggedIn;
use crate::metrics::count;
use crate::registry::{Kill, SessionInfo};
use crate::worker::Worker;
use branches::Branches;
use client_io::{ClientIo, ReadEnd};
use client_state::ClientState;
use errors::{ClientError, ProtocolError, SessionError};
use outcome::Last;
use settings::SessionSettings;
use shard::account::AccountId;
use shard::{ConnClass, ReplySlot};
use statements::Statements;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use wire::caps::*;
use wire::reply::OkPacket;

pub(crate) use outcome::Outcome;
pub(crate) use stop::{Done, Stop, err_packet};

/// Buffers of a session that are larger than this are given back while it is idle.
const IDLE_BUFFER_BYTES: usize = 4096;

/// A client's session.
pub(crate) struct Session {
    /// Its worker.
    pub worker: Rc<Worker>,
    /// The client's stream.
    pub io: ClientIo,
    /// What it knows of its client.
    pub client: ClientState,
    /// Its server connections and transaction.
    pub branches: Branches,
    /// Where answers of pipelined connections arrive.
    pub slot: Rc<ReplySlot>,
    command: Vec<u8>,
    /// Others were last shown a transaction or pins.
    shown_busy: bool,
}

impl Session {
    /// A session that just logged in.
    pub(crate) fn new(
        worker: Rc<Worker>,
        mut io: ClientIo,
        info: Arc<SessionInfo>,
        who: LoggedIn,
    ) -> Self {
        io.user = who.user.clone();
        let mut settings = SessionSettings::fresh(&worker);
        settings.set_collation(&worker, who.collation);
        let max = worker.shared.config.prepared_per_session_max;
        let mut client = ClientState {
            info,
            user: who.user,
            class: ConnClass::of(io.capabilities, AccountId::OWN),
            rights_of: None,
            settings,
            database: None,
            multi_statements: io.capabilities & CLIENT_MULTI_STATEMENTS != 0,
            last: Last::default(),
            statements: Statements::new(max),
            release: false,
        };
        client.info.set_identity(&client.user.name, None);
        if let Some(db) = who.database
            && client.use_database(&worker, &db).is_err()
        {
            // Dropped since the login looked.
            client.database = None;
        }
        Self {
            worker,
            io,
            client,
            branches: Branches::default(),
            slot: Rc::default(),
            command: Vec::new(),
            shown_busy: false,
        }
    }

    /// Takes over what COM_RESET_CONNECTION or a new login says.
    pub(crate) async fn reset(&mut self) {
        self.branches.rollback_all().await;
        self.branches = Branches::default();
        self.client.reset(&self.worker);
        self.publish();
    }

    /// Status flags of an answer that the proxy makes.
    pub(crate) fn status(&self) -> u16 {
        let settings = &self.client.settings;
        let flags = [
            (settings.autocommit, SERVER_STATUS_AUTOCOMMIT),
            (self.branches.in_transaction(), SERVER_STATUS_IN_TRANS),
            (
                settings.mode.no_backslash_escapes,
                SERVER_STATUS_NO_BACKSLASH_ESCAPES,
            ),
        ];
        let set = flags.iter().filter(|(on, _)| *on);
        set.fold(0, |all, (_, flag)| all | flag)
    }

    /// Queues an OK packet with the session's status.
    pub(crate) fn put_ok(&mut self, ok: OkPacket, more: u16) {
        let status = self.status() | more;
        self.io.put_ok(&OkPacket { status, ..ok });
    }

    /// OK that gives clients with session tracking the current database.
    pub(crate) fn put_ok_with_database(&mut self, more: u16) {
        let mut ok = OkPacket::default();
        if self.io.capabilities & CLIENT_SESSION_TRACK != 0
            && let Some(db) = &self.client.database
        {
            wire::session_state::put_database(&mut ok.session_state, db.as_bytes());
        }
        self.put_ok(ok, more);
    }

    /// Shows others the session's transaction and pins, if there are or were any.
    pub(crate) fn publish(&mut self) {
        let open = self.branches.in_transaction();
        let busy = open || self.branches.pin_reasons().next().is_some();
        if busy || self.shown_busy {
            let pins: Vec<&str> = self.branches.pin_reasons().collect();
            self.client.info.set_state(open, &pins.join(", "));
            self.shown_busy = busy;
        }
    }

    /// Reads and answers commands until the client goes.
    pub(crate) async fn run(mut self) {
        loop {
            let command = match self.read_command().await {
                Ok(command) => command,
                Err(()) => return,
            };
            let done = self.serve(&command).await;
            self.command = command;
            if done.is_err() || self.client.release {
                return;
            }
        }
    }

    /// Serves one command; an error ends the session.
    async fn serve(&mut self, command: &[u8]) -> Result<(), ()> {
        let Some((&byte, body)) = command.split_first() else {
            return self.last_words(ProtocolError::Malformed.into()).await;
        };
        count(&self.worker.shared.metrics.commands);
        if self.client.rights_of != Some(self.worker.epoch()) {
            self.client.follow_rights(&self.worker).await;
        }
        self.command(byte, body).await.map_err(|_| ())?;
        self.client.info.forget_kill_query();
        self.client.info.end(self.worker.shared.registry.now_ms());
        if self.io.queued() > 0 {
            self.io.flush().await.map_err(|_| ())?;
        }
        Ok(())
    }

    async fn read_command(&mut self) -> Result<Vec<u8>, ()> {
        let mut command = std::mem::take(&mut self.command);
        if command.capacity() > IDLE_BUFFER_BYTES {
            command = Vec::new();
        }
        self.io.shrink();
        if self.slot.bytes.borrow().capacity() > IDLE_BUFFER_BYTES {
            self.slot = Rc::default();
        }
        let max = self.worker.shared.config.max_allowed_packet_bytes;
        let (io, info) = (&mut self.io, &self.client.info);
        let own_limit = self.client.settings.wait_timeout;
        info.set_idle_limit(own_limit);
        // Idle sessions are found by the worker's housekeeping, so that no timer is armed here.
        let first = poll_fn(|cx| {
            if !matches!(info.kill_state(), Kill::No | Kill::Query) {
                return Poll::Ready(Err(ReadEnd::Gone));
            }
            info.register(cx.waker());
            io.poll_payload(cx, 0, max, &mut command)
        });
        let first = match own_limit {
            None => first.await,
            // To the second, as it is asked for.
            Some(limit) => tokio::time::timeout(limit, first)
                .await
                .unwrap_or_else(|_| {
                    info.kill(Kill::Idle);
                    Err(ReadEnd::Gone)
                }),
        };
        match first {
            Ok(()) => Ok(command),
            Err(ReadEnd::Gone) => self.say_goodbye().await,
            Err(ReadEnd::Bad(e)) => {
                self.io.seq = 1;
                self.last_words(e.into()).await
            }
            Err(ReadEnd::BadFrame(e)) => self.last_words(e.into()).await,
        }
    }

    async fn say_goodbye<T>(&mut self) -> Result<T, ()> {
        let kill = self.client.info.kill_state();
        if kill == Kill::Idle {
            self.io.seq = 0;
            return self.last_words(SessionError::IdleTimeout.into()).await;
        }
        if kill == Kill::Connection {
            let registry = &self.worker.shared.registry;
            let closing = registry.closing.load(std::sync::atomic::Ordering::Acquire);
            let error = match closing || registry.is_draining() {
                true => SessionError::Shutdown,
                false => SessionError::Killed,
            };
            self.io.seq = 0;
            return self.last_words(error.into()).await;
        }
        Err(())
    }

    async fn last_words<T>(&mut self, error: ClientError) -> Result<T, ()> {
        self.io.put_err(&err_packet(&error));
        let _ = self.io.flush().await;
        Err(())
    }
}
