//! What others may know of a session, and how they end it. The mutexes are the session's own: only a
//! reader of all sessions ever waits for one, or makes it wait.

use super::secrets::without_secrets;
use peers::call::SessionView;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// Bytes of a statement that are kept for people.
const STATEMENT_BYTES_MAX: usize = 1024;

/// What somebody wants to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// Nothing.
    No,
    /// The running statement.
    Query,
    /// The session, because nothing came for too long.
    Idle,
    /// The session.
    Connection,
}

/// What others may know of a session.
#[derive(Debug)]
pub struct SessionInfo {
    /// Its number, CONNECTION_ID().
    pub id: u32,
    /// Peer address.
    pub host: String,
    /// The worker that serves it.
    pub worker: usize,
    text: Mutex<Text>,
    running: AtomicBool,
    since_ms: AtomicU64,
    in_transaction: AtomicBool,
    /// Its own wait_timeout; 0 is the configured one.
    idle_limit_ms: AtomicU64,
    kill: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

#[derive(Debug, Default, Clone)]
struct Text {
    user: String,
    database: String,
    command: &'static str,
    statement: Vec<u8>,
    pins: String,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SessionInfo {
    pub(super) fn new(id: u32, host: String, worker: usize, now_ms: u64) -> Self {
        Self {
            id,
            host,
            worker,
            text: Mutex::default(),
            running: AtomicBool::new(false),
            since_ms: AtomicU64::new(now_ms),
            in_transaction: AtomicBool::new(false),
            idle_limit_ms: AtomicU64::new(0),
            kill: AtomicU8::new(0),
            waker: Mutex::default(),
        }
    }

    /// When the command began that runs, or the last one ended, by the registry's clock.
    pub fn since_ms(&self) -> u64 {
        self.since_ms.load(Ordering::Relaxed)
    }

    /// True while a command runs or a transaction is open.
    pub(super) fn is_busy(&self) -> bool {
        self.running.load(Ordering::Acquire) || self.in_transaction.load(Ordering::Acquire)
    }

    /// Milliseconds since the last command ended; `None` while one runs.
    pub(super) fn idle_ms(&self, now_ms: u64) -> Option<u64> {
        let since = self.since_ms.load(Ordering::Relaxed);
        (!self.running.load(Ordering::Relaxed)).then(|| now_ms.saturating_sub(since))
    }

    /// How long it may send nothing, if it has said so itself.
    pub(super) fn idle_limit_ms(&self) -> Option<u64> {
        let limit = self.idle_limit_ms.load(Ordering::Relaxed);
        (limit > 0).then_some(limit)
    }

    /// Notes its own wait_timeout.
    pub fn set_idle_limit(&self, limit: Option<Duration>) {
        let limit = limit.map_or(0, |l| l.as_millis() as u64);
        self.idle_limit_ms.store(limit, Ordering::Relaxed);
    }

    /// Notes who and where.
    pub fn set_identity(&self, user: &str, database: Option<&str>) {
        let mut t = lock(&self.text);
        t.user = user.to_string();
        t.database = database.unwrap_or_default().to_string();
    }

    /// Who it is.
    pub fn user(&self) -> String {
        lock(&self.text).user.clone()
    }

    /// Notes that a command starts.
    pub fn begin(&self, command: &'static str, statement: &[u8], now_ms: u64) {
        let mut t = lock(&self.text);
        t.command = command;
        t.statement.clear();
        let n = statement.len().min(STATEMENT_BYTES_MAX);
        t.statement.extend_from_slice(&statement[..n]);
        drop(t);
        self.since_ms.store(now_ms, Ordering::Relaxed);
        if !self.running.swap(true, Ordering::Relaxed) {
            // It came while nothing ran.
            self.forget_kill_query();
        }
    }

    /// Notes that a command ended.
    pub fn end(&self, now_ms: u64) {
        self.since_ms.store(now_ms, Ordering::Relaxed);
        self.running.store(false, Ordering::Relaxed);
    }

    /// Notes transaction and pins.
    pub fn set_state(&self, in_transaction: bool, pins: &str) {
        self.in_transaction.store(in_transaction, Ordering::Relaxed);
        let mut t = lock(&self.text);
        if t.pins != pins {
            t.pins = pins.to_string();
        }
    }

    /// Asks the session to end its statement or itself.
    pub fn kill(&self, what: Kill) {
        let new = match what {
            Kill::No => 0,
            Kill::Query => 1,
            Kill::Idle => 2,
            Kill::Connection => 3,
        };
        self.kill.fetch_max(new, Ordering::AcqRel);
        self.wake();
    }

    /// Lets the session look again at what it waits for.
    pub(super) fn wake(&self) {
        if let Some(w) = lock(&self.waker).take() {
            w.wake();
        }
    }

    /// What somebody asked for.
    pub fn kill_state(&self) -> Kill {
        match self.kill.load(Ordering::Acquire) {
            0 => Kill::No,
            1 => Kill::Query,
            2 => Kill::Idle,
            _ => Kill::Connection,
        }
    }

    /// The statement is over: a KILL QUERY that came too late is forgotten.
    pub fn forget_kill_query(&self) {
        let _ = self
            .kill
            .compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Calls `waker` at the next kill, and at once if the session is to end.
    pub fn register(&self, waker: &Waker) {
        let mut w = lock(&self.waker);
        match w.as_ref() {
            Some(old) if old.will_wake(waker) => {}
            _ => *w = Some(waker.clone()),
        }
        drop(w);
        // Who looked for a KILL before it registered would sleep through one that came in between.
        if matches!(self.kill_state(), Kill::Idle | Kill::Connection) {
            waker.wake_by_ref();
        }
    }
}

impl SessionInfo {
    /// The session for people.
    pub(super) fn view(&self, now_ms: u64) -> SessionView {
        let t = lock(&self.text).clone();
        let running = self.running.load(Ordering::Relaxed);
        let since = self.since_ms.load(Ordering::Relaxed);
        let command = if running { t.command } else { "Sleep" };
        SessionView {
            id: self.id,
            user: t.user,
            host: self.host.clone(),
            database: t.database,
            command: command.to_string(),
            seconds: now_ms.saturating_sub(since) / 1000,
            statement: running.then(|| without_secrets(&t.statement)),
            pins: t.pins,
            in_transaction: self.in_transaction.load(Ordering::Relaxed),
            worker: self.worker,
        }
    }
}
