//! Waiting for a server, but not for ever: every wait ends when the instance counts as down, and those for
//! what the proxy asks for itself after their limit.

use super::ServerConn;
use crate::error::ShardError;
use crate::health::InstanceHealth;
use crate::timeouts::Limit;
use errors::AvailabilityError;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How often a wait looks at the health of its instance.
const LOOK: Duration = Duration::from_millis(500);

/// Why a wait was given up.
pub(super) enum GivenUp {
    /// The instance counts as down; what its checks say.
    Down(String),
    /// The limit is over.
    Late(Limit),
}

/// Waits for `work`.
pub(super) async fn for_answer<T>(
    health: Option<Arc<InstanceHealth>>,
    limit: Option<Limit>,
    work: impl Future<Output = T>,
) -> Result<T, GivenUp> {
    let mut work = pin!(work);
    // Most of the time it is done within a look, and a limit needs no timer of its own.
    let began = Instant::now();
    loop {
        let left = limit.map_or(LOOK, |l| l.time.saturating_sub(began.elapsed()).min(LOOK));
        if let Ok(done) = tokio::time::timeout(left, work.as_mut()).await {
            return Ok(done);
        }
        if let Some(limit) = limit.filter(|l| began.elapsed() >= l.time) {
            return Err(GivenUp::Late(limit));
        }
        if let Some(health) = health.as_ref().filter(|h| h.is_down()) {
            return Err(GivenUp::Down(health.detail().error));
        }
    }
}

impl ServerConn {
    /// The connection is to an instance that is checked: waits for it end when it counts as down.
    pub(crate) fn watch(&mut self, health: Arc<InstanceHealth>) {
        self.health = Some(health);
    }

    /// Why nothing is waited for here any more, if the instance counts as down.
    pub fn down(&mut self) -> Option<ShardError> {
        let health = self.health.as_ref().filter(|h| h.is_down())?;
        let why = health.detail().error;
        Some(self.given_up(GivenUp::Down(why)))
    }

    /// The error of an answer that is not waited for any longer.
    pub(super) fn given_up(&mut self, why: GivenUp) -> ShardError {
        self.dirty = true;
        let shard = self.shard.to_string();
        ShardError::from(match why {
            GivenUp::Down(why) => AvailabilityError::WentDown { shard, why },
            GivenUp::Late(limit) => AvailabilityError::AnswerOverdue {
                shard,
                waited_ms: limit.time.as_millis() as u64,
                setting: limit.setting,
            },
        })
    }

    /// Sends what is queued, and gives up when the instance counts as down.
    pub async fn flush(&mut self) -> Result<(), ShardError> {
        self.patiently(|cx, conn| conn.poll_flush(cx)).await
    }

    /// Waits for something on the connection, and gives up when the instance counts as down.
    pub(crate) async fn patiently<T>(
        &mut self,
        mut poll: impl FnMut(&mut Context<'_>, &mut ServerConn) -> Poll<Result<T, ShardError>>,
    ) -> Result<T, ShardError> {
        // Nearly always there is nothing to wait for: no timer is made then.
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(poll(cx, self))).await {
            return done;
        }
        let health = self.health.clone();
        let done = for_answer(health, None, poll_fn(|cx| poll(cx, self))).await;
        done.unwrap_or_else(|why| Err(self.given_up(why)))
    }
}
