//! Clients that are not let in.

area! {
    "Login": LoginError

    /// The user is unknown or the password is wrong.
    AccessDenied { user: String, using_password: &'static str } = ER_ACCESS_DENIED_ERROR, Denied, No:
        "Access denied for user '{user}'@'%' (using password: {using_password})";

    /// A DBA dropped the user while it was connected.
    UserDropped { user: String } = ER_ACCESS_DENIED_ERROR, Denied, No:
        "Access denied for user '{user}'@'%': it was dropped";

    /// The password that came encrypted with the proxy's public key cannot be decrypted.
    UnreadablePassword = ER_ACCESS_DENIED_ERROR, Denied, No: "Access denied: the password is unreadable";

    /// The configuration wants TLS.
    InsecureTransport = ER_SECURE_TRANSPORT_REQUIRED, Denied, No:
        "Connections using insecure transport are prohibited (proxy.require_tls)";

    /// A client sends a caching_sha2 password in clear over TLS, or encrypted with the server's key.
    NeedsTlsOrKey = CR_AUTH_PLUGIN_ERR, Denied, No:
        "caching_sha2_password needs TLS or the server's public key: connect with TLS, or let the \
         client ask for the key";

    /// The client's first packets are not MySQL's.
    BadHandshake { detail: String } = ER_HANDSHAKE_ERROR, Mistake, No: "Bad handshake: {detail}";

    /// The limit of client connections of this proxy is reached.
    TooManyConnections { max: usize } = ER_CON_COUNT_ERROR, Unavailable, Later:
        "Too many connections: proxy.max_connections = {max}";

    /// `shardctl proxy drain` was called, or the proxy is about to end.
    Drained = ER_SERVER_SHUTDOWN, Unavailable, Later:
        "Server shutdown in progress: this proxy is drained; connect to another one";

    /// The operating system gave no random bytes for the greeting.
    NoRandomNumbers = ER_UNKNOWN_ERROR, Internal, Later: "the proxy's system has no random numbers";

    /// Others of the same user have to leave first.
    TooManyOfUser { user: String, max: usize } = ER_TOO_MANY_USER_CONNECTIONS, Unavailable, Later:
        "User {user} already has {max} connections, as many as it may have here \
         (proxy.connections_per_user_max)";
}
