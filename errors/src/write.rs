//! UPDATE, DELETE and other changes of rows on several shards.

area! {
    "Writes over several shards": WriteError

    /// Rows live where their key says. Moving one is a deletion and an insertion.
    KeyUpdated { column: String, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "UPDATE of the sharding key column {column} of {table} would move rows between shards, which is \
         not supported yet; delete the row and insert it again";

    /// No shard knows which ids the others have.
    IdUpdated { column: String, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "UPDATE of {column} of {table} is not supported: its values are unique over the shards because the \
         proxies give them; delete the row and insert it again without the column";

    /// `SET (a, b) = (1, 2)` is no MySQL.
    TupleAssignment = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "tuple assignments are not supported; assign each column by itself";

    /// Each shard would have its own value at the end.
    UserVariables = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a statement that assigns user variables cannot change rows on several shards; assign them with \
         SET before";

    /// Under LOCK TABLES a server refuses tables that were not named. Reads for which rows are
    /// copied between shards are refused too: they would wait for the session's own locks.
    NotLocked = ER_TABLE_NOT_LOCKED, Mistake, No:
        "A table on several shards was not locked with LOCK TABLES, or is read over connections that do not \
         have the locks; UNLOCK TABLES first";

    /// Every shard applies the write by itself and must come to the same rows.
    ReferenceSources = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a write to a reference table may only use reference tables, because every shard must see the \
         same rows; read the other values first";

    /// A stored function may give each shard another value.
    ReferenceFunction { function: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a write to a reference table runs on every shard and must do the same everywhere; {function} \
         is no function that is known to do so: read its value first";

    /// Which rows a LIMIT takes, or a value that a shard makes, may differ between shards.
    ReferenceDiffers = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a write to a reference table runs on every shard and must do the same everywhere: no RAND, \
         UUID, LIMIT, RETURNING, join or subquery";

    /// The login did not offer CLIENT_LOCAL_FILES, or `proxy.local_infile` is off. Nothing is asked of the
    /// client. MariaDB's words.
    LocalInfile = ER_LOAD_INFILE_CAPABILITY_DISABLED, Mistake, No:
        "The used command is not allowed because the MariaDB server or client has disabled the local infile \
         capability";

    /// The same in MySQL's words.
    LocalData = ER_CLIENT_LOCAL_FILES_DISABLED, Mistake, No:
        "Loading local data is disabled; this must be enabled on both the client and server sides";

    /// The file would have to be split by the sharding key.
    LoadData { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "LOAD DATA into {table}, which has rows on several shards, is not supported yet; use INSERT, or \
         a single table";
}
