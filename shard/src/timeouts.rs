//! How long the proxy waits for a server, by what it waits for. A client's statement as such has no limit: it
//! ends with its client, with KILL, or when its instance counts as down.

use std::time::Duration;

/// The limits.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For connecting and logging in, and for one health check.
    pub connect: Duration,
    /// For KILL to be done.
    pub kill: Duration,
    /// For a branch to say that it is there before a COMMIT on several shards.
    pub ping: Duration,
    /// For the answer to COMMIT.
    pub commit: Duration,
    /// For what the proxy asks for itself: settings, ROLLBACK, savepoints, warnings and the like.
    pub own: Duration,
    /// A silent connection is probed after this time (SO_KEEPALIVE), and three times more.
    pub keepalive: Duration,
    /// A connection whose sent bytes nobody has acknowledged for this long is broken (TCP_USER_TIMEOUT).
    pub unacknowledged: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            kill: Duration::from_secs(3),
            ping: Duration::from_secs(3),
            commit: Duration::from_secs(60),
            own: Duration::from_secs(10),
            keepalive: Duration::from_secs(30),
            unacknowledged: Duration::from_secs(30),
        }
    }
}

impl Timeouts {
    /// The usual ones, but this one for connecting.
    pub fn connecting_within(connect: Duration) -> Self {
        Self {
            connect,
            ..Self::default()
        }
    }
}

/// A named limit of a wait, for the message when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    pub time: Duration,
    /// The setting.
    pub setting: &'static str,
}

impl Timeouts {
    pub(crate) fn kill(&self) -> Limit {
        Limit {
            time: self.kill,
            setting: "pool.kill_timeout_ms",
        }
    }

    pub(crate) fn ping(&self) -> Limit {
        Limit {
            time: self.ping,
            setting: "pool.ping_timeout_ms",
        }
    }

    pub(crate) fn commit(&self) -> Limit {
        Limit {
            time: self.commit,
            setting: "pool.commit_timeout_ms",
        }
    }

    pub(crate) fn own(&self) -> Limit {
        Limit {
            time: self.own,
            setting: "pool.own_statement_timeout_ms",
        }
    }
}
