//! Why a proxy gave no answer, in words that follow its name.

use serde::{Deserialize, Serialize};

/// There is no answer of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Silent {
    /// It takes no part in the channel.
    #[error("has no port for other proxies (version {0}); upgrade it")]
    NoPort(String),
    /// No connection.
    #[error("cannot be reached at {at}: {why}")]
    Unreachable {
        /// Host and port.
        at: String,
        /// What the system said.
        why: String,
    },
    /// Somebody else answers at its address.
    #[error("is not who answers at {0}: the certificate there is another than the registered one")]
    NotItself(String),
    /// No answer in time.
    #[error("does not answer within {0} ms (peers.call_timeout_ms)")]
    Late(u64),
    /// The connection broke before the answer was complete.
    #[error("closed the connection at {at}: {why}")]
    Lost {
        /// Host and port.
        at: String,
        /// What the system said.
        why: String,
    },
    /// It answered that it does not answer.
    #[error(transparent)]
    Refused(#[from] CallRefused),
    /// The answer makes no sense here.
    #[error("sent an answer that this version does not know: {0}")]
    Garbled(String),
}

/// A proxy's refusal of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum CallRefused {
    /// Who asks is not registered, or no more.
    #[error("takes no calls from this proxy, which is not registered there any more")]
    NotRegistered,
    /// The call was for an earlier start of the proxy, or for before a fence.
    #[error("is incarnation {now} by now")]
    AnotherIncarnation {
        /// What it is.
        now: u64,
    },
    /// A call of a newer version.
    #[error("does not know this call (version {version}); upgrade it")]
    UnknownCall {
        /// Its version.
        version: String,
    },
    /// Too many at once.
    #[error("answers {limit} calls already (peers.calls_max); try again")]
    Busy {
        /// How many.
        limit: usize,
    },
    /// The answer would be larger than asked for.
    #[error(
        "has an answer of {bytes} bytes, where at most {limit} are taken (peers.answer_bytes_max)"
    )]
    TooLarge {
        /// Bytes of the answer.
        bytes: usize,
        /// Bytes that are taken.
        limit: usize,
    },
    /// The proxy has not started yet.
    #[error("is still starting")]
    Starting,
}
