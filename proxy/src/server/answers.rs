//! This proxy's answers: to other proxies, and to itself when all are asked.

mod epochs;

use super::Shared;
use crate::registry::Kill as Ending;
use meta_client::BoxFuture;
use peers::call::epochs::Behind;
use peers::call::{Counters, KillAsked, Killed, SessionView, SessionsAsked};
use peers::{Answering, PeerAnswer, PeerCall, Whose};
use std::sync::{Arc, Weak};

/// Answers from what the workers share, or asks them.
pub(super) struct Answers(Weak<Shared>);

impl Answers {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Self(Arc::downgrade(shared))
    }
}

impl Answering for Answers {
    fn answer(&self, call: PeerCall) -> BoxFuture<PeerAnswer> {
        let shared = self.0.upgrade();
        Box::pin(async move {
            match (call, shared) {
                (PeerCall::Sessions(asked), Some(s)) => PeerAnswer::Sessions(s.sessions(&asked)),
                (PeerCall::Kill(kill), Some(s)) => PeerAnswer::Kill(s.kill(&kill)),
                (PeerCall::Counters(_), Some(s)) => PeerAnswer::Counters(s.counters()),
                (PeerCall::Epoch(asked), Some(s)) => PeerAnswer::Epoch(s.behind(asked).await),
                // The proxy has ended, and with it every session.
                (PeerCall::Sessions(_), None) => PeerAnswer::Sessions(Vec::new()),
                (PeerCall::Kill(_), None) => PeerAnswer::Kill(Killed::Unknown),
                (PeerCall::Counters(_), None) => PeerAnswer::Counters(Counters::default()),
                (PeerCall::Epoch(_), None) => PeerAnswer::Epoch(Behind::default()),
            }
        })
    }
}

impl Shared {
    /// True if a session is one of those. A user of this proxy's configuration file is another than one
    /// of the cluster with the same name.
    fn is_among(&self, whose: &Whose, user: &str) -> bool {
        match whose {
            Whose::Anybodys => true,
            Whose::User(name) => name == user && !self.users.is_of_file(name),
        }
    }

    /// The sessions here.
    fn sessions(&self, asked: &SessionsAsked) -> Vec<SessionView> {
        let mut views = self.registry.views();
        views.retain(|v| self.is_among(&asked.visible_to, &v.user));
        views
    }

    /// Ends a session here, or its statement.
    pub(crate) fn kill(&self, kill: &KillAsked) -> Killed {
        let Some(target) = self.registry.get(kill.id) else {
            return Killed::Unknown;
        };
        if !self.is_among(&kill.by, &target.user()) {
            return Killed::NotOwner;
        }
        target.kill(match kill.query {
            true => Ending::Query,
            false => Ending::Connection,
        });
        Killed::Done
    }

    fn counters(&self) -> Counters {
        let counts = self.metrics.all();
        Counters {
            uptime_s: self.registry.now_ms() / 1_000,
            sessions: self.registry.count() as u64,
            epoch: self.epoch_of_all(),
            counts: counts.map(|(name, _, n)| (name.to_string(), n)).collect(),
        }
    }
}
