//! What can go wrong between the proxy and a shard.

use wire::reply::ErrPacket;

/// An error of a shard connection.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ShardError {
    /// No connection can be made.
    #[error("shard {shard} cannot be reached: {why}")]
    Unreachable {
        /// The shard's name.
        shard: String,
        /// What the system said.
        why: String,
    },
    /// The shard refused the proxy's account.
    #[error("shard {shard} refuses the proxy's account: {why}")]
    Login {
        /// The shard's name.
        shard: String,
        /// What the server said.
        why: String,
    },
    /// The connection broke while an answer was due.
    #[error("lost the connection to shard {shard} during the statement")]
    Lost {
        /// The shard's name.
        shard: String,
    },
    /// Every connection is taken and the wait was too long.
    #[error(
        "all {max} connections of this worker to shard {shard} are in use, and none became free \
         within {waited_ms} ms (pool.wait_ms); {waiting} statements are waiting"
    )]
    Exhausted {
        /// The shard's name.
        shard: String,
        /// The limit.
        max: usize,
        /// How long this one waited.
        waited_ms: u64,
        /// How many wait.
        waiting: usize,
    },
    /// The shard sent bytes that are not its protocol.
    #[error("shard {shard} broke the protocol: {what}")]
    Protocol {
        /// The shard's name.
        shard: String,
        /// What was wrong.
        what: String,
    },
    /// An ERR packet where the proxy's own statement should have worked.
    #[error("shard {shard} answered error {}: {}", err.code, err.message)]
    Server {
        /// The shard's name.
        shard: String,
        /// The packet.
        err: ErrPacket,
    },
}

impl ShardError {
    /// The ERR packet for the client.
    pub fn to_packet(&self) -> ErrPacket {
        match self {
            ShardError::Unreachable { .. } | ShardError::Login { .. } => {
                ErrPacket::new(1429, "HY000", self.to_string())
            }
            ShardError::Exhausted { .. } => ErrPacket::new(1040, "08004", self.to_string()),
            ShardError::Lost { .. } => ErrPacket::new(2013, "HY000", self.to_string()),
            ShardError::Protocol { .. } => ErrPacket::new(1105, "HY000", self.to_string()),
            ShardError::Server { err, .. } => err.clone(),
        }
    }
}
