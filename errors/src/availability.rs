//! Shards that cannot be used at the moment.

area! {
    "Shards that cannot be used": AvailabilityError

    /// No connection to the shard's server can be made. The statement did nothing.
    Unreachable { shard: String, why: String } = ER_CONNECT_TO_FOREIGN_DATA_SOURCE, Unavailable, Later:
        "shard {shard} cannot be reached: {why}";

    /// The account of the proxy in the configuration, or the one that it was given, is not let in.
    AccountRefused { shard: String, why: String } = ER_CONNECT_TO_FOREIGN_DATA_SOURCE, Unavailable, Later:
        "shard {shard} refuses the proxy's account: {why}";

    /// The server ended, or the network between. What the statement did outside of a transaction may have
    /// been done.
    ConnectionLost { shard: String } = CR_SERVER_LOST, Unavailable, AfterCheck:
        "lost the connection to shard {shard} during the statement";

    /// The same, where the shard's part of the statement was sent before.
    Disconnected = CR_SERVER_LOST, Unavailable, AfterCheck:
        "the connection to a shard was lost in the middle of the statement; check whether it was done \
         before repeating it";

    /// More sessions hold connections (by transactions, or by long statements) than there are.
    PoolExhausted { shard: String, max: usize, waited_ms: u64, waiting: usize }
        = ER_CON_COUNT_ERROR, Unavailable, Later:
        "all {max} connections of this worker to shard {shard} are in use, and none became free within \
         {waited_ms} ms (pool.wait_ms); {waiting} statements are waiting";

    /// Its server sent what no MySQL server sends. The connection is closed.
    ProtocolBroken { shard: String, what: String } = ER_UNKNOWN_ERROR, Internal, AfterCheck:
        "shard {shard} broke the protocol: {what}";
}
