//! Whether an instance answers: asked in turn by one task, read by every worker.
//!
//! A check has a connection of its own, so it fails too where a process is frozen and TCP sees nothing
//! wrong. An instance whose checks have failed for long enough counts as down: what waits for it is given
//! up, and new statements fail at once with the reason, until a check gets an answer.

use crate::conn::{ConnClass, ServerConn};
use crate::error::ShardError;
use crate::kind::ServerKind;
use crate::login::Login;
use sql::Flavor;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// When an instance is checked, and what follows.
#[derive(Debug, Clone, Copy)]
pub struct HealthTiming {
    /// Pause between checks of an instance that answers; the longest one where it does not.
    pub interval: Duration,
    /// The first pause after a check that failed; it doubles.
    pub retry: Duration,
    /// For so long checks may fail before the instance counts as down.
    pub down_after: Duration,
}

impl Default for HealthTiming {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2),
            retry: Duration::from_millis(250),
            down_after: Duration::from_secs(10),
        }
    }
}

/// How an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// The last check got an answer, or there was none yet.
    Yes,
    /// The last check failed.
    NotNow,
    /// Checks have failed for long: nobody waits for it.
    Down,
}

/// An instance's state as the checks found it.
#[derive(Debug)]
pub struct InstanceHealth {
    answers: watch::Sender<Answers>,
    /// Of that what every wait asks for.
    down: AtomicBool,
    check_us: AtomicU64,
    detail: Mutex<Detail>,
}

/// What a check found.
#[derive(Debug, Default, Clone)]
pub struct Detail {
    /// The server's version; empty before the first answer.
    pub version: String,
    /// What that version can do.
    pub flavor: Flavor,
    /// The version as it greets clients with (MariaDB 10 puts "5.5.5-" in front).
    pub greeting: String,
    /// Its sql_mode, as new sessions get it.
    pub sql_mode: String,
    /// Why the last check failed; empty if it did not.
    pub error: String,
    /// When the first of the checks began that have failed since.
    failing_since: Option<Instant>,
}

impl Default for InstanceHealth {
    fn default() -> Self {
        Self {
            answers: watch::Sender::new(Answers::Yes),
            down: AtomicBool::new(false),
            check_us: AtomicU64::new(0),
            detail: Mutex::default(),
        }
    }
}

impl InstanceHealth {
    /// How the instance is.
    pub fn answers(&self) -> Answers {
        *self.answers.borrow()
    }

    /// True if nobody waits for it any more.
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Follows how it is.
    pub fn follow(&self) -> watch::Receiver<Answers> {
        self.answers.subscribe()
    }

    /// Microseconds that a trivial statement has taken of late; a slow one is remembered for some time, since
    /// a machine that was busy may be so again. 0 before the first check.
    pub fn check_us(&self) -> f64 {
        self.check_us.load(Ordering::Relaxed) as f64
    }

    fn note_check(&self, took: Duration) {
        let (took, before) = (
            took.as_micros() as u64,
            self.check_us.load(Ordering::Relaxed),
        );
        let faded = before - before / 4 + took / 4;
        self.check_us.store(faded.max(took), Ordering::Relaxed);
    }

    /// What the server is like, once it has answered.
    pub fn known(&self) -> Option<Detail> {
        Some(self.detail()).filter(|d| !d.version.is_empty())
    }

    /// The last check's findings.
    pub fn detail(&self) -> Detail {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Detail> {
        self.detail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the instance over `conn`, which is made anew if it broke. One of another `kind` than the shards
    /// before it counts as one that does not answer.
    pub async fn check(
        &self,
        login: &Login,
        conn: &mut Option<ServerConn>,
        kind: &ServerKind,
        down_after: Duration,
    ) {
        let (started, connected) = (Instant::now(), conn.is_some());
        let limit = login.timeouts.connect;
        let result = match tokio::time::timeout(limit, ask(login, conn)).await {
            Ok(result) => result.map_err(|e| e.to_string()).and_then(|found| {
                kind.admit(found.flavor)?;
                Ok(found)
            }),
            Err(_) => Err(format!("no answer within {} ms", limit.as_millis())),
        };
        match result {
            Ok(found) => {
                // Without the login.
                if connected {
                    self.note_check(started.elapsed());
                }
                self.answered(login, found);
            }
            Err(error) => {
                *conn = None;
                self.failed(login, error, started, down_after);
            }
        }
    }

    fn answered(&self, login: &Login, found: Detail) {
        *self.lock() = found;
        self.down.store(false, Ordering::Relaxed);
        if self.answers.send_replace(Answers::Yes) != Answers::Yes {
            tracing::info!(shard = %login.shard, "the shard answers again");
        }
    }

    fn failed(&self, login: &Login, error: String, started: Instant, down_after: Duration) {
        let since = {
            let mut detail = self.lock();
            detail.error = error.clone();
            *detail.failing_since.get_or_insert(started)
        };
        let now = match since.elapsed() >= down_after {
            true => Answers::Down,
            false => Answers::NotNow,
        };
        self.down.store(now == Answers::Down, Ordering::Relaxed);
        match (self.answers.send_replace(now), now) {
            (Answers::Yes, _) => {
                tracing::warn!(shard = %login.shard, %error, "the shard does not answer");
            }
            (Answers::NotNow, Answers::Down) => {
                tracing::error!(
                    shard = %login.shard, %error,
                    "the shard counts as down: what waits for it is given up"
                );
            }
            _ => {}
        }
    }
}

/// Checks an instance for as long as somebody else holds its health.
pub async fn keep_checking(
    health: Weak<InstanceHealth>,
    login: Login,
    kind: ServerKind,
    timing: HealthTiming,
) {
    let (mut conn, mut pause) = (None, timing.interval);
    loop {
        tokio::time::sleep(pause).await;
        let Some(health) = health.upgrade() else {
            return;
        };
        let before = health.answers();
        health
            .check(&login, &mut conn, &kind, timing.down_after)
            .await;
        pause = match (before, health.answers()) {
            (_, Answers::Yes) => timing.interval,
            (Answers::Yes, _) => timing.retry,
            _ => (pause * 2).min(timing.interval),
        };
    }
}

async fn ask(login: &Login, slot: &mut Option<ServerConn>) -> Result<Detail, ShardError> {
    let conn = match slot {
        Some(conn) => conn,
        None => {
            let class = ConnClass::default();
            slot.insert(ServerConn::connect(login, class, Rc::default(), 1).await?)
        }
    };
    let answer = conn.run("SELECT VERSION(), @@GLOBAL.sql_mode").await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let mut row = rows.into_iter().next().unwrap_or_default().into_iter();
    let version = row.next().unwrap_or_default();
    Ok(Detail {
        flavor: Flavor::from_version(&version),
        version,
        sql_mode: row.next().unwrap_or_default(),
        greeting: conn.version.to_string(),
        ..Detail::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeouts::Timeouts;

    fn login() -> Login {
        Login {
            shard: "s1".into(),
            host: "127.0.0.1".into(),
            port: 1,
            user: "x".into(),
            password: "".into(),
            account: Default::default(),
            accounts: None,
            tls: None,
            timeouts: Timeouts::default(),
        }
    }

    #[tokio::test]
    async fn an_instance_counts_as_down_after_a_while() {
        let (health, login, kind) = (InstanceHealth::default(), login(), ServerKind::default());
        let mut followed = health.follow();
        let long = Duration::from_secs(60);
        // Nobody listens on that port.
        health.check(&login, &mut None, &kind, long).await;
        assert_eq!(health.answers(), Answers::NotNow);
        assert!(!health.detail().error.is_empty());
        tokio::time::sleep(Duration::from_millis(20)).await;
        health
            .check(&login, &mut None, &kind, Duration::from_millis(10))
            .await;
        assert!(health.is_down());
        followed.changed().await.unwrap();
        assert_eq!(*followed.borrow_and_update(), Answers::Down);
        health.answered(&login, Detail::default());
        assert_eq!(health.answers(), Answers::Yes);
        // The time counts anew.
        health.check(&login, &mut None, &kind, long).await;
        assert_eq!(health.answers(), Answers::NotNow);
    }
}
