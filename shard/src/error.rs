//! What can go wrong between the proxy and a shard.

use errors::AvailabilityError;
use wire::reply::ErrPacket;

/// An error of a shard connection.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ShardError {
    /// There is no connection, or no longer one that can be trusted.
    #[error(transparent)]
    Unusable(#[from] AvailabilityError),
    /// An ERR packet where the proxy's own statement should have worked.
    #[error("shard {shard} answered error {}: {}", err.code, err.message)]
    Server {
        /// The shard's name.
        shard: String,
        /// The packet.
        err: ErrPacket,
    },
}
