//! A session: its state, and the loop that reads commands.

use crate::client::{ClientIo, ReadEnd};
use crate::diagnostics::Diagnostics;
use crate::handshake::LoggedIn;
use crate::metrics::count;
use crate::prepared::Statements;
use crate::registry::{Kill, SessionInfo};
use crate::transaction::{Held, Transaction};
use crate::users::User;
use crate::worker::Worker;
use router::Refusal;
use shard::{ConnClass, ReplySlot, Settings, ShardError};
use smallvec::SmallVec;
use sql::LexMode;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use wire::caps::*;
use wire::reply::{ErrPacket, OkPacket};

/// Why a command ended without its usual answer.
#[derive(Debug)]
pub enum Stop {
    /// The client gets this error and may go on.
    Error(ErrPacket),
    /// The session ends.
    Gone,
}

impl From<ErrPacket> for Stop {
    fn from(e: ErrPacket) -> Self {
        Stop::Error(e)
    }
}

impl From<Refusal> for Stop {
    fn from(r: Refusal) -> Self {
        Stop::Error(ErrPacket::new(r.code, r.sqlstate, r.message))
    }
}

impl From<ShardError> for Stop {
    fn from(e: ShardError) -> Self {
        Stop::Error(e.to_packet())
    }
}

/// What a command gives.
pub type Done = Result<(), Stop>;

/// An error of the proxy's own.
pub fn error(code: u16, sqlstate: &str, message: impl Into<String>) -> Stop {
    Stop::Error(ErrPacket::new(code, sqlstate, message))
}

/// A client's session.
pub struct Session {
    /// Its worker.
    pub worker: Rc<Worker>,
    /// The client.
    pub io: ClientIo,
    /// What others see of it.
    pub info: Arc<SessionInfo>,
    /// Who it is.
    pub user: Arc<User>,
    /// What its connections to shards must have agreed on.
    pub class: ConnClass,
    /// Its settings.
    pub settings: Rc<Settings>,
    /// The same without user variables.
    pub plain_settings: Rc<Settings>,
    /// Its current database.
    pub database: Option<Rc<str>>,
    /// How its statements are read.
    pub mode: LexMode,
    /// NO_AUTO_VALUE_ON_ZERO.
    pub zero_is_value: bool,
    /// Strings are UTF-8.
    pub utf8: bool,
    /// autocommit=1.
    pub autocommit: bool,
    /// Several statements in one COM_QUERY are allowed.
    pub multi_statements: bool,
    /// Its transaction.
    pub transaction: Transaction,
    /// Connections that stay with it.
    pub held: SmallVec<[Held; 2]>,
    /// LAST_INSERT_ID().
    pub last_insert_id: u64,
    /// ROW_COUNT().
    pub row_count: i64,
    /// FOUND_ROWS().
    pub found_rows: u64,
    /// What SHOW WARNINGS tells.
    pub diagnostics: Diagnostics,
    /// Where answers of shared connections arrive.
    pub slot: Rc<ReplySlot>,
    /// Prepared statements.
    pub statements: Statements,
    /// What the shards said of the DDL statement that runs.
    pub ddl_ok: OkPacket,
    /// COMMIT RELEASE and the like: end after the answer.
    pub release: bool,
    command: Vec<u8>,
}

impl Session {
    /// A session that just logged in.
    pub fn new(worker: Rc<Worker>, io: ClientIo, info: Arc<SessionInfo>, who: LoggedIn) -> Self {
        let fresh = worker.fresh.clone();
        let (mode, zero_is_value) = worker.default_mode();
        let capabilities = io.capabilities;
        let max = worker.shared.config.prepared_per_session_max;
        let mut s = Self {
            worker,
            info,
            user: who.user,
            class: ConnClass::of(capabilities),
            settings: fresh.clone(),
            plain_settings: fresh,
            database: None,
            mode,
            zero_is_value,
            utf8: true,
            autocommit: true,
            multi_statements: capabilities & CLIENT_MULTI_STATEMENTS != 0,
            transaction: Transaction::default(),
            held: SmallVec::new(),
            last_insert_id: 0,
            row_count: 0,
            found_rows: 0,
            diagnostics: Diagnostics::default(),
            slot: Rc::default(),
            statements: Statements::new(max),
            ddl_ok: OkPacket::default(),
            release: false,
            command: Vec::new(),
            io,
        };
        s.set_collation(who.collation);
        s.info.set_identity(&s.user.name.clone(), None);
        if let Some(db) = who.database
            && s.use_database(&db).is_err()
        {
            // Dropped since the login looked.
            s.database = None;
        }
        s
    }

    /// Takes over what COM_CHANGE_USER or a new login says.
    pub fn reset(&mut self) {
        self.held.clear();
        self.transaction = Transaction::default();
        self.settings = self.worker.fresh.clone();
        self.plain_settings = self.worker.fresh.clone();
        (self.mode, self.zero_is_value) = self.worker.default_mode();
        (self.utf8, self.autocommit) = (true, true);
        (self.last_insert_id, self.row_count, self.found_rows) = (0, 0, 0);
        self.diagnostics = Diagnostics::default();
        self.statements.clear();
        self.note_state();
    }

    /// The collation of the handshake sets all character sets.
    pub fn set_collation(&mut self, collation: u16) {
        let Some(charset) = wire::charset::charset_of(collation) else {
            return;
        };
        if !wire::charset::is_ascii_safe(charset) {
            return;
        }
        let mut s = (*self.settings).clone();
        // MySQL 8's own collations: MariaDB takes its default of the character set for them.
        let flavor = self.worker.flavor.get();
        let unknown = flavor.mariadb && (255..=323).contains(&collation);
        match wire::charset::collation_name(collation) {
            _ if unknown => s.set_names(charset, None),
            _ if collation == 45 && !flavor.utf8mb4_is_general_ci() => {
                s.set_names(charset, Some("utf8mb4_general_ci"));
            }
            Some(name) => s.set_names(charset, Some(name)),
            None => s.set_names(charset, None),
        }
        self.set_settings(s);
    }

    /// Takes new settings and what follows from them.
    pub fn set_settings(&mut self, settings: Settings) {
        self.utf8 = settings.client_charset().starts_with("utf8");
        if let Some(mode) = settings.get("sql_mode") {
            self.mode = LexMode::from_sql_mode(mode.trim_matches('\''));
            self.zero_is_value = mode.to_ascii_uppercase().contains("NO_AUTO_VALUE_ON_ZERO");
        } else {
            (self.mode, self.zero_is_value) = self.worker.default_mode();
        }
        self.autocommit = settings.get("autocommit").is_none_or(crate::set::is_true);
        let plain = settings.without_user_variables();
        self.settings = self.worker.intern(settings);
        self.plain_settings = self.worker.intern(plain);
    }

    /// Makes a database current.
    pub fn use_database(&mut self, name: &str) -> Done {
        self.authorize_entry(name)?;
        let catalog = self.worker.catalog();
        if !catalog.databases.contains_key(name) && !router::scope::is_system_schema(name) {
            return Err(error(1049, "42000", format!("Unknown database '{name}'")));
        }
        self.database = Some(self.worker.database_name(name));
        self.info.set_identity(&self.user.name, Some(name));
        Ok(())
    }

    /// Status flags of an answer that the proxy makes.
    pub fn status(&self) -> u16 {
        let mut s = 0;
        if self.autocommit {
            s |= SERVER_STATUS_AUTOCOMMIT;
        }
        if self.in_transaction() {
            s |= SERVER_STATUS_IN_TRANS;
        }
        if self.mode.no_backslash_escapes {
            s |= SERVER_STATUS_NO_BACKSLASH_ESCAPES;
        }
        s
    }

    /// Answers OK.
    pub fn ok(&mut self, more: u16) {
        let status = self.status() | more;
        self.io.put_ok(&OkPacket {
            status,
            ..Default::default()
        });
    }

    /// Tells others about transaction and pins.
    pub fn note_state(&self) {
        let pins: Vec<_> = self.held.iter().flat_map(|h| h.pins.reasons()).collect();
        self.info.set_state(self.in_transaction(), &pins.join(", "));
    }

    /// Reads and answers commands until the client goes.
    pub async fn run(mut self) {
        loop {
            let command = match self.read_command().await {
                Ok(command) => command,
                Err(()) => return,
            };
            let done = self.serve(&command).await;
            self.command = command;
            if done.is_err() || self.release {
                return;
            }
        }
    }

    /// Serves one command; an error ends the session.
    async fn serve(&mut self, command: &[u8]) -> Result<(), ()> {
        let Some((&byte, body)) = command.split_first() else {
            self.io.put_err(&ErrPacket::new(
                1835,
                "HY000",
                "Malformed communication packet.",
            ));
            let _ = self.io.flush().await;
            return Err(());
        };
        count(&self.worker.shared.metrics.commands);
        match self.command(byte, body).await {
            Ok(()) => {}
            Err(Stop::Error(err)) => {
                self.diagnostics.set_error(&err);
                self.row_count = -1;
                self.io.put_err(&err);
            }
            Err(Stop::Gone) => return Err(()),
        }
        self.info.forget_kill_query();
        self.info.end(self.worker.shared.registry.now_ms());
        if self.io.queued() > 0 {
            self.io.flush().await.map_err(|_| ())?;
        }
        Ok(())
    }

    async fn read_command(&mut self) -> Result<Vec<u8>, ()> {
        let mut command = std::mem::take(&mut self.command);
        if command.capacity() > 4096 {
            command = Vec::new();
        }
        self.io.shrink();
        if self.slot.bytes.borrow().capacity() > 4096 {
            self.slot = Rc::default();
        }
        let max = self.worker.shared.config.max_allowed_packet_bytes;
        let (io, info) = (&mut self.io, &self.info);
        // Idle sessions are found by the worker's housekeeping, so that no timer is armed here.
        let first = poll_fn(|cx| {
            if !matches!(info.kill_state(), Kill::No | Kill::Query) {
                return Poll::Ready(Err(ReadEnd::Gone));
            }
            info.register(cx.waker());
            io.poll_payload(cx, 0, max, &mut command)
        })
        .await;
        match first {
            Ok(()) => Ok(command),
            Err(ReadEnd::Gone) => self.say_goodbye().await,
            Err(ReadEnd::Bad(e)) => {
                let code = match e {
                    wire::packet::FrontError::OutOfOrder { .. } => (1156, "08S01"),
                    wire::packet::FrontError::TooLarge { .. } => (1153, "08S01"),
                };
                self.io.seq = 1;
                self.last_words(ErrPacket::new(code.0, code.1, e.to_string()))
                    .await
            }
            Err(ReadEnd::BadFrame(e)) => {
                self.last_words(ErrPacket::new(1157, "08S01", e.to_string()))
                    .await
            }
        }
    }

    async fn say_goodbye<T>(&mut self) -> Result<T, ()> {
        let kill = self.info.kill_state();
        if kill == Kill::Idle {
            let text = "The client was disconnected because of inactivity (proxy.idle_timeout_s)";
            self.io.seq = 0;
            return self.last_words(ErrPacket::new(4031, "HY000", text)).await;
        }
        if kill == Kill::Connection {
            let registry = &self.worker.shared.registry;
            let closing = registry.closing.load(std::sync::atomic::Ordering::Acquire);
            let err = if closing || registry.is_draining() {
                ErrPacket::new(1053, "08S01", "Server shutdown in progress")
            } else {
                ErrPacket::new(1927, "70100", "Connection was killed")
            };
            self.io.seq = 0;
            return self.last_words(err).await;
        }
        Err(())
    }

    async fn last_words<T>(&mut self, err: ErrPacket) -> Result<T, ()> {
        self.io.put_err(&err);
        let _ = self.io.flush().await;
        Err(())
    }
}
