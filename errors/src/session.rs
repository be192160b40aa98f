//! Sessions and statements that somebody ended.

area! {
    "Sessions": SessionError

    /// KILL QUERY. In a transaction over several shards everything is rolled back.
    Interrupted = ER_QUERY_INTERRUPTED, Aborted, Statement: "Query execution was interrupted";

    /// KILL of the whole session.
    Killed = ER_CONNECTION_KILLED, Aborted, AfterCheck: "Connection was killed";

    /// The client sent nothing for too long.
    IdleTimeout = ER_CLIENT_INTERACTION_TIMEOUT, Aborted, Transaction:
        "The client was disconnected because of inactivity (wait_timeout, or proxy.idle_timeout_s)";

    /// The proxy ends or is drained; other proxies go on.
    Shutdown = ER_SERVER_SHUTDOWN, Unavailable, Transaction: "Server shutdown in progress";

    /// KILL of a session of a proxy whose address is not known (any more).
    ProxyUnknown { id: u64, why: String } = ER_UNKNOWN_ERROR, Unavailable, Later:
        "cannot find session {id}: {why}";

    /// KILL of a session of a proxy that could not be asked, or did not answer.
    ProxySilent { id: u64, proxy: String, why: String } = ER_UNKNOWN_ERROR, Unavailable, AfterCheck:
        "session {id} is one of proxy {proxy}, which {why}; check whether it was ended, or connect to \
         that proxy";

    /// KILL of a number that no session has. `SHOW PROCESSLIST` has the numbers.
    UnknownThread { id: u64 } = ER_NO_SUCH_THREAD, Mistake, No: "Unknown thread id: {id}";
}
