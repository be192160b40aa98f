//! Waiting until no proxy uses a catalog older than some epoch for some tables.
//!
//! Why that is enough: the list of proxies is read after the change that made the epoch. Who registers later
//! learns from the registration an epoch at least as new, and plans by it before it serves
//! (`meta::Service::register`). Who is fenced while it is waited for is not waited for any more: its
//! accounts on the shards are ended. And a worker that plans by the epoch begins nothing older.

use crate::call::epochs::{Behind, EpochAsked, SessionOf, StatementBehind};
use crate::peers::{Asked, Heard, Peers};
use crate::silent::{CallRefused, Silent};
use catalog::TableName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait of one call, so that a proxy that freezes is noticed.
const SLICE: Duration = Duration::from_millis(500);
/// Pause before a proxy that did not answer is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// What is waited for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Every worker of every proxy plans by this epoch.
    pub epoch: u64,
    /// And no statement that may use one of these was planned by an older one; a name without a table means
    /// the whole database.
    pub tables: Vec<TableName>,
    /// CONNECTION_ID() of a session here that is not waited for.
    pub except: Option<u32>,
}

/// How long.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For statements that run (lock_wait_timeout).
    pub statements: Duration,
    /// For proxies that do not answer or whose workers do not follow (peers.follow_timeout_ms).
    pub silence: Duration,
}

/// What was waited for in vain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReached {
    /// A statement still runs, or its cursor is open.
    #[error(
        "session {} of proxy {proxy} has used it for {} s", statement.session, statement.for_ms / 1_000
    )]
    InUse {
        /// The proxy.
        proxy: String,
        /// The statement.
        statement: StatementBehind,
    },
    /// A worker does not take the new catalog over.
    #[error(
        "worker {worker} of proxy {proxy} does not follow: it plans by epoch {epoch} of the catalog"
    )]
    WorkerBehind {
        /// The proxy.
        proxy: String,
        /// The worker.
        worker: usize,
        /// Its epoch.
        epoch: u64,
    },
    /// A proxy gave no answer.
    #[error("proxy {proxy} {why}")]
    Silent {
        /// The proxy.
        proxy: String,
        /// Why not.
        why: Silent,
    },
    /// Which proxies there are is not known.
    #[error("{0}")]
    Unlisted(String),
}

impl Peers {
    /// The patience of the settings with proxies, and this one with statements.
    pub fn patience(&self, statements: Duration) -> Patience {
        Patience {
            statements,
            silence: self.config().follow_timeout(),
        }
    }

    /// Waits until nobody is behind, or says whom it waited for in vain.
    pub async fn wait_for_epoch(
        &self,
        wanted: &Wanted,
        patience: Patience,
    ) -> Result<(), NotReached> {
        let incarnation = self.me().registered().incarnation;
        let except = wanted.except.map(|id| SessionOf { incarnation, id });
        let mut barrier = Barrier::new(wanted.epoch, patience, Instant::now());
        loop {
            let wait = barrier.slice(Instant::now());
            let asked = self.ask_all(EpochAsked {
                epoch: wanted.epoch,
                tables: wanted.tables.clone(),
                except,
                wait_ms: wait.as_millis() as u64,
            });
            match barrier.round(asked.await, Instant::now()) {
                Round::Reached => return Ok(()),
                Round::Failed(why) => return Err(why),
                Round::Again { pause: false } => {}
                Round::Again { pause: true } => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// What a round of answers means.
#[derive(Debug, PartialEq, Eq)]
enum Round {
    Reached,
    Again { pause: bool },
    Failed(NotReached),
}

/// The wait, as a function of answers and times.
struct Barrier {
    epoch: u64,
    patience: Patience,
    started: Instant,
    /// Proxies that are not behind; none falls back.
    reached: BTreeSet<u64>,
    /// Since when a proxy has given no answer, or its workers have not followed; 0 stands for the list.
    held_up: BTreeMap<u64, Instant>,
}

impl Barrier {
    fn new(epoch: u64, patience: Patience, now: Instant) -> Self {
        Self {
            epoch,
            patience,
            started: now,
            reached: BTreeSet::new(),
            held_up: BTreeMap::new(),
        }
    }

    /// How long the next calls may wait.
    fn slice(&self, now: Instant) -> Duration {
        let spent = now.saturating_duration_since(self.started);
        self.patience.statements.saturating_sub(spent).min(SLICE)
    }

    fn round(&mut self, asked: Asked<Behind>, now: Instant) -> Round {
        let mut failed = None;
        let mut pause = false;
        let mut waiting = false;
        if let Some(why) = asked.stale {
            (waiting, pause) = (true, true);
            if self.is_held_up(0, now) {
                failed = Some(NotReached::Unlisted(why));
            }
        } else {
            self.held_up.remove(&0);
        }
        for heard in asked.heard {
            let incarnation = heard.proxy.incarnation;
            if self.reached.contains(&incarnation) {
                continue;
            }
            let Some(why) = self.behind(heard, now, &mut pause) else {
                self.reached.insert(incarnation);
                continue;
            };
            waiting = true;
            let is_over = match &why {
                NotReached::InUse { .. } => now >= self.started + self.patience.statements,
                _ => self.is_held_up(incarnation, now),
            };
            if is_over {
                failed.get_or_insert(why);
            }
        }
        match (failed, waiting) {
            (Some(why), _) => Round::Failed(why),
            (None, true) => Round::Again { pause },
            (None, false) => Round::Reached,
        }
    }

    /// Why a proxy is to be waited for; `None` if it is not.
    fn behind(
        &mut self,
        heard: Heard<Behind>,
        now: Instant,
        pause: &mut bool,
    ) -> Option<NotReached> {
        let (incarnation, proxy) = (heard.proxy.incarnation, heard.proxy.name);
        match heard.answer {
            Ok(behind) => {
                if let Some(w) = behind.workers.first() {
                    *pause = true;
                    let (worker, epoch) = (w.worker, w.epoch);
                    return Some(NotReached::WorkerBehind {
                        proxy,
                        worker,
                        epoch,
                    });
                }
                self.held_up.remove(&incarnation);
                let statement = behind.statements.first().copied()?;
                Some(NotReached::InUse { proxy, statement })
            }
            // A version without this call: all that it says is what its workers plan by.
            Err(Silent::NoPort(_) | Silent::Refused(CallRefused::UnknownCall { .. }))
                if heard.proxy.epoch.is_some_and(|e| e >= self.epoch) =>
            {
                None
            }
            Err(why) => {
                *pause = true;
                self.held_up.entry(incarnation).or_insert(now);
                Some(NotReached::Silent { proxy, why })
            }
        }
    }

    /// True once it has been so for too long.
    fn is_held_up(&mut self, incarnation: u64, now: Instant) -> bool {
        let since = *self.held_up.entry(incarnation).or_insert(now);
        now.saturating_duration_since(since) >= self.patience.silence
    }
}

#[cfg(test)]
mod tests;
