//! Every session of every worker: for SHOW PROCESSLIST, KILL and the connection limit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

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

/// A session as a row of a table for people.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Number.
    pub id: u32,
    /// User name.
    pub user: String,
    /// Peer address.
    pub host: String,
    /// Current database.
    pub database: String,
    /// Command.
    pub command: &'static str,
    /// Seconds since the command began, or since the last one ended.
    pub seconds: u64,
    /// Statement that runs.
    pub statement: Option<String>,
    /// Why shard connections stay with the session.
    pub pins: String,
    /// A transaction is open.
    pub in_transaction: bool,
    /// Worker.
    pub worker: usize,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SessionInfo {
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
        self.running.store(true, Ordering::Relaxed);
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

    /// Calls `waker` at the next kill.
    pub fn register(&self, waker: &Waker) {
        let mut w = lock(&self.waker);
        match w.as_ref() {
            Some(old) if old.will_wake(waker) => {}
            _ => *w = Some(waker.clone()),
        }
    }
}

/// All sessions.
#[derive(Debug)]
pub struct Registry {
    sessions: Mutex<BTreeMap<u32, Arc<SessionInfo>>>,
    next: AtomicU32,
    count: AtomicUsize,
    max: usize,
    started: Instant,
    /// Logins that failed.
    pub refused: AtomicU64,
    /// Sessions so far.
    pub accepted: AtomicU64,
    /// Set when the proxy shuts down.
    pub closing: AtomicBool,
    draining: AtomicBool,
}

impl Registry {
    /// At most `max` sessions.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            sessions: Mutex::default(),
            next: AtomicU32::new(1),
            count: AtomicUsize::new(0),
            max,
            started: Instant::now(),
            refused: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
        })
    }

    /// A new session, or `None` if there are too many.
    pub fn enter(self: &Arc<Self>, host: String, worker: usize) -> Option<Entered> {
        if self.count.fetch_add(1, Ordering::AcqRel) >= self.max {
            self.count.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let info = Arc::new(SessionInfo {
            id,
            host,
            worker,
            text: Mutex::default(),
            running: AtomicBool::new(false),
            since_ms: AtomicU64::new(self.now_ms()),
            in_transaction: AtomicBool::new(false),
            kill: AtomicU8::new(0),
            waker: Mutex::default(),
        });
        lock(&self.sessions).insert(id, info.clone());
        Some(Entered {
            registry: self.clone(),
            info,
        })
    }

    /// Milliseconds since the start.
    pub fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// A session by number.
    pub fn get(&self, id: u32) -> Option<Arc<SessionInfo>> {
        lock(&self.sessions).get(&id).cloned()
    }

    /// Sessions now.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Sessions allowed.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Ends all sessions.
    pub fn kill_all(&self) {
        self.closing.store(true, Ordering::Release);
        for s in lock(&self.sessions).values() {
            s.kill(Kill::Connection);
        }
    }

    /// True if no new session is let in.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Lets no new session in, and ends those that neither run a statement nor are in a transaction; or
    /// goes back to normal. Called again and again while it lasts.
    pub fn drain(&self, draining: bool) {
        self.draining.store(draining, Ordering::Release);
        if !draining {
            return;
        }
        for s in lock(&self.sessions).values() {
            let busy =
                s.running.load(Ordering::Acquire) || s.in_transaction.load(Ordering::Acquire);
            if !busy {
                s.kill(Kill::Connection);
            }
        }
    }

    /// Ends the sessions of a worker that sent nothing for `limit_ms`.
    pub fn end_idle(&self, worker: usize, limit_ms: u64) {
        let now = self.now_ms();
        for s in lock(&self.sessions).values().filter(|s| s.worker == worker) {
            let idle = now.saturating_sub(s.since_ms.load(Ordering::Relaxed));
            if !s.running.load(Ordering::Relaxed) && idle > limit_ms {
                s.kill(Kill::Idle);
            }
        }
    }

    /// All sessions, for people.
    pub fn rows(&self) -> Vec<SessionRow> {
        let all: Vec<_> = lock(&self.sessions).values().cloned().collect();
        let now = self.now_ms();
        all.iter().map(|s| s.row(now)).collect()
    }
}

impl SessionInfo {
    fn row(&self, now_ms: u64) -> SessionRow {
        let t = lock(&self.text).clone();
        let running = self.running.load(Ordering::Relaxed);
        let since = self.since_ms.load(Ordering::Relaxed);
        SessionRow {
            id: self.id,
            user: t.user,
            host: self.host.clone(),
            database: t.database,
            command: if running { t.command } else { "Sleep" },
            seconds: now_ms.saturating_sub(since) / 1000,
            statement: running.then(|| String::from_utf8_lossy(&t.statement).into_owned()),
            pins: t.pins,
            in_transaction: self.in_transaction.load(Ordering::Relaxed),
            worker: self.worker,
        }
    }
}

/// A session's place in the registry, given back when dropped.
pub struct Entered {
    registry: Arc<Registry>,
    /// The session.
    pub info: Arc<SessionInfo>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        lock(&self.registry.sessions).remove(&self.info.id);
        self.registry.count.fetch_sub(1, Ordering::AcqRel);
    }
}
