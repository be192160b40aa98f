//! What proxies ask each other: one call a file. Calls and answers are values; an older proxy answers a
//! call that it does not know with [`CallRefused::UnknownCall`](crate::CallRefused).

mod counters;
pub mod epochs;
mod kill;
mod sessions;

pub use counters::{Counters, CountersAsked};
pub use kill::{KillAsked, Killed};
pub use sessions::{SessionView, SessionsAsked};

use epochs::{Behind, EpochAsked};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For whom a call is made. The asking proxy has checked it: it knows its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// Somebody who may see and end every session.
    Anybodys,
    /// A user of the cluster, who may see and end sessions of that name alone.
    User(String),
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerCall {
    /// The sessions.
    Sessions(SessionsAsked),
    /// End a session or its statement.
    Kill(KillAsked),
    /// The counters.
    Counters(CountersAsked),
    /// Statements that use an older catalog.
    Epoch(EpochAsked),
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerAnswer {
    /// To [`PeerCall::Sessions`].
    Sessions(Vec<SessionView>),
    /// To [`PeerCall::Kill`].
    Kill(Killed),
    /// To [`PeerCall::Counters`].
    Counters(Counters),
    /// To [`PeerCall::Epoch`].
    Epoch(Behind),
}

/// A call together with the type of its answer.
pub trait Ask: Clone + Into<PeerCall> + Send + Sync + 'static {
    /// What it gives.
    type Answer: Send + 'static;

    /// True if a call that was sent twice does what one does: it may go over a connection that the other
    /// side may just be closing, and is sent again then.
    const REPEATABLE: bool;

    /// How long the other side may take on purpose, on top of `peers.call_timeout_ms`.
    fn wait(&self) -> Duration {
        Duration::ZERO
    }

    /// The answer, if it is one to this call.
    fn answer(answer: PeerAnswer) -> Option<Self::Answer>;
}

macro_rules! ask {
    ($call:ident ($asked:ty) -> $answer:ty, repeatable: $repeatable:literal) => {
        impl From<$asked> for PeerCall {
            fn from(asked: $asked) -> PeerCall {
                PeerCall::$call(asked)
            }
        }

        impl Ask for $asked {
            type Answer = $answer;
            const REPEATABLE: bool = $repeatable;

            fn answer(answer: PeerAnswer) -> Option<$answer> {
                match answer {
                    PeerAnswer::$call(answer) => Some(answer),
                    _ => None,
                }
            }
        }
    };
}

ask!(Sessions(SessionsAsked) -> Vec<SessionView>, repeatable: true);
// A second KILL QUERY could end the statement after the one that was meant.
ask!(Kill(KillAsked) -> Killed, repeatable: false);
ask!(Counters(CountersAsked) -> Counters, repeatable: true);
