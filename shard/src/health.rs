//! Whether a shard answers: asked in turn by one task a shard, read by every worker.

use crate::conn::{ConnClass, ServerConn};
use crate::login::Login;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A shard's state as the last check found it.
#[derive(Debug, Default)]
pub struct ShardHealth {
    down: AtomicBool,
    check_us: AtomicU64,
    detail: Mutex<Detail>,
}

/// What a check found.
#[derive(Debug, Default, Clone)]
pub struct Detail {
    /// The server's version.
    pub version: String,
    /// The version as it greets clients with (MariaDB 10 puts "5.5.5-" in front).
    pub greeting: String,
    /// Its sql_mode, as new sessions get it.
    pub sql_mode: String,
    /// Why the last check failed; empty if it did not.
    pub error: String,
}

impl ShardHealth {
    /// True if the last check failed.
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
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

    /// The last check's findings.
    pub fn detail(&self) -> Detail {
        self.detail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks the shard over `conn`, which is made anew if it broke.
    pub async fn check(&self, login: &Login, conn: &mut Option<ServerConn>) {
        let (started, connected) = (Instant::now(), conn.is_some());
        let result = match tokio::time::timeout(login.timeout, ask(login, conn)).await {
            Ok(result) => result.map_err(|e| e.to_string()),
            Err(_) => Err(format!("no answer within {} ms", login.timeout.as_millis())),
        };
        let mut detail = self.detail.lock().unwrap_or_else(PoisonError::into_inner);
        let was_down = self.down.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Ok((version, sql_mode)) => {
                // Without the login.
                if connected {
                    self.note_check(started.elapsed());
                }
                let greeting = conn
                    .as_ref()
                    .map_or(String::new(), |c| c.version.to_string());
                if was_down {
                    tracing::info!(shard = %login.shard, "the shard answers again");
                }
                *detail = Detail {
                    version,
                    greeting,
                    sql_mode,
                    error: String::new(),
                };
            }
            Err(error) => {
                *conn = None;
                if !was_down {
                    tracing::warn!(shard = %login.shard, %error, "the shard does not answer");
                }
                detail.error = error;
            }
        }
    }
}

async fn ask(
    login: &Login,
    slot: &mut Option<ServerConn>,
) -> Result<(String, String), crate::ShardError> {
    if slot.is_none() {
        let class = ConnClass::default();
        *slot = Some(ServerConn::connect(login, class, Rc::default(), 1).await?);
    }
    let Some(conn) = slot else {
        return Ok(Default::default());
    };
    let answer = conn.run("SELECT VERSION(), @@GLOBAL.sql_mode").await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let mut row = rows.into_iter().next().unwrap_or_default().into_iter();
    Ok((
        row.next().unwrap_or_default(),
        row.next().unwrap_or_default(),
    ))
}
