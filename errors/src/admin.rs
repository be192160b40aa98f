//! What is the administration of one server, and statements of kinds that the proxy does not take.

area! {
    "Administration of servers": AdminError

    /// FLUSH, RESET, CHANGE MASTER, INSTALL PLUGIN, SHUTDOWN and the like.
    OneServer { what: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{what} is administration of one server; connect to the shard itself (SHOW SHARDS shows its \
         address)";

    /// SHOW MASTER STATUS, SHOW ENGINE ... STATUS and the like.
    StateOfOne { what: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "SHOW {what} shows the state of one server; connect to the shard itself (SHOW SHARDS shows its \
         address)";

    /// CREATE USER, GRANT and the like, with what the catalog's users do not have. See docs/shardctl.md.
    Accounts { what: &'static str } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "users here do not have {what}; they have a password, and the rights read, write, ddl and admin on \
         databases (docs/shardctl.md)";

    /// Settings of a server belong to whoever runs it.
    SetGlobal = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "SET GLOBAL would change one shard only; set it on every shard's server, in its configuration \
         file";

    /// XA START and the other XA statements.
    Xa = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "XA statements are not supported: Shardwright coordinates transactions over shards itself; use \
         BEGIN and COMMIT";

    /// A kind of statement that is recognised, and that nothing in the proxy runs.
    UnknownStatement = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "this kind of statement is not supported; connect to the shard itself (SHOW SHARDS shows its \
         address)";

    /// COM_SHUTDOWN, COM_BINLOG_DUMP and other commands to one server.
    OneServerCommand { command: &'static str } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{command} is not supported through the proxy; connect to the shard itself (SHOW SHARDS shows \
         its address)";
}
