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

    /// Its checks have failed for longer than `pool.down_after_ms`. They go on, and with the first that
    /// gets an answer the shard is used again. The statement did nothing.
    Down { shard: String, why: String } = ER_CONNECT_TO_FOREIGN_DATA_SOURCE, Unavailable, Later:
        "shard {shard} is down: {why}";

    /// It happened while the statement waited for the shard. What the statement did outside of a
    /// transaction may have been done, or be done when the shard goes on.
    WentDown { shard: String, why: String } = CR_SERVER_LOST, Unavailable, AfterCheck:
        "shard {shard} went down during the statement: {why}";

    /// The proxy asked for something that takes no time where a server is well. The connection is closed.
    AnswerOverdue { shard: String, waited_ms: u64, setting: &'static str }
        = CR_SERVER_LOST, Unavailable, AfterCheck:
        "shard {shard} did not answer within {waited_ms} ms ({setting})";

    /// A KILL did not reach the shard: the client is let go, and the connection is closed. What the
    /// statement did outside of a transaction may have been done, or be done when the shard goes on.
    KillUnanswered { shard: String } = ER_QUERY_INTERRUPTED, Unavailable, AfterCheck:
        "Query execution was interrupted, but shard {shard} does not answer: the statement may go on there";

    /// More sessions hold connections (by transactions, or by long statements) than there are.
    PoolExhausted { shard: String, max: usize, waited_ms: u64, waiting: usize }
        = ER_CON_COUNT_ERROR, Unavailable, Later:
        "all {max} connections of this worker to shard {shard} are in use, and none became free within \
         {waited_ms} ms (pool.wait_ms); {waiting} statements are waiting";

    /// Its server sent what no MySQL server sends. The connection is closed.
    ProtocolBroken { shard: String, what: String } = ER_UNKNOWN_ERROR, Internal, AfterCheck:
        "shard {shard} broke the protocol: {what}";
}
