//! Why a command ended without its usual answer.

use crate::session::outcome::Outcome;
use router::Refusal;
use shard::ShardError;
use wire::reply::ErrPacket;

/// Why a command ended without its usual answer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The proxy did not run it, or gave it up; the client gets this error and may go on.
    Error(ErrPacket),
    /// A shard answered the proxy with this error; the client gets it and may go on.
    Server(ErrPacket),
    /// The session ends.
    Gone,
}

impl From<ErrPacket> for Stop {
    fn from(e: ErrPacket) -> Self {
        Stop::Error(e)
    }
}

impl From<Refusal> for Stop {
    fn from(r: Refusal) -> Self {
        let code = r.code();
        Stop::Error(ErrPacket::new(code.number, code.sqlstate, r.to_string()))
    }
}

impl From<ShardError> for Stop {
    fn from(e: ShardError) -> Self {
        match e {
            ShardError::Server { err, .. } => Stop::Server(err),
            e => Stop::Error(e.to_packet()),
        }
    }
}

/// What a statement gives.
pub(crate) type Done = Result<Outcome, Stop>;

/// An error of the proxy's own.
pub(crate) fn error(code: u16, sqlstate: &str, message: impl Into<String>) -> Stop {
    Stop::Error(ErrPacket::new(code, sqlstate, message))
}

/// ER_NOT_SUPPORTED_YET.
pub(crate) fn unsupported(message: impl Into<String>) -> Stop {
    error(1235, "42000", message)
}
