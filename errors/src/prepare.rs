//! Prepared statements of both kinds, EXECUTE IMMEDIATE, SET STATEMENT, cursors.

area! {
    "Prepared statements and cursors": PrepareError

    /// A handle that was closed, or is another session's.
    UnknownHandler { handler: String, command: &'static str } = ER_UNKNOWN_STMT_HANDLER, Mistake, No:
        "Unknown prepared statement handler ({handler}) given to {command}";

    /// PREPARE has a text for one shard, and its tables are elsewhere by now: PREPARE it again.
    NeedsPrepare = ER_NEED_REPREPARE, Aborted, Statement:
        "Prepared statement needs to be re-prepared";

    /// Each takes memory in the proxy until it is closed.
    TooManyPrepared { max: usize } = ER_MAX_PREPARED_STMT_COUNT_REACHED, Mistake, No:
        "Can't create more than {max} prepared statements (proxy.prepared_per_session_max); close some";

    /// COM_STMT_FETCH without a cursor, or after its end.
    NoCursor { id: u32 } = ER_STMT_HAS_NO_OPEN_CURSOR, Mistake, No:
        "The statement ({id}) has no open cursor";

    /// Parameters of a COM_STMT_EXECUTE that do not fit the statement.
    WrongArguments { detail: String } = ER_WRONG_ARGUMENTS, Mistake, No:
        "Incorrect arguments to mysqld_stmt_execute: {detail}";

    /// Dynamic SQL inside of dynamic SQL, several statements in one text, or EXECUTE IMMEDIATE over
    /// MySQL.
    NestedDynamic = ER_UNSUPPORTED_PS, Unsupported, No:
        "This command is not supported in the prepared statement protocol yet";

    /// PREPARE of DDL, SET, transaction control and SHOW of the proxy's own.
    PrepareOfProxy = ER_UNSUPPORTED_PS, Unsupported, No:
        "PREPARE as an SQL statement is not supported for what the proxy itself does; use EXECUTE \
         IMMEDIATE, or send the statement";

    /// The name would be known on one connection to one shard.
    PrepareSeveral = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "PREPARE as an SQL statement is not supported on tables with rows on several shards; use the \
         driver's prepared statements";

    /// Bulk executions are for INSERT, REPLACE, UPDATE and DELETE.
    NotInBulk = ER_UNSUPPORTED_PS, Mistake, No:
        "This command is not supported in bulk executions, which are for INSERT, REPLACE, UPDATE and DELETE";

    /// COM_STMT_BULK_EXECUTE on tables with rows on several shards is for INSERT, UPDATE and DELETE without
    /// RETURNING, and its values must be values.
    BulkOfSeveral = ER_UNSUPPORTED_PS, Unsupported, No:
        "A bulk execution on tables with rows on several shards is supported for INSERT, UPDATE and DELETE \
         without RETURNING, with a value or NULL for each parameter; execute the statement row by row";

    /// Expressions as texts, and EXECUTE IMMEDIATE ... USING.
    PreparedText = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a prepared text is given as a string or in a user variable, and EXECUTE IMMEDIATE takes no \
         USING; SET a user variable first";

    /// The whole text goes to one shard as it is.
    SetStatement { only: &'static str } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "SET STATEMENT ... FOR is supported for {only}; SET the variable, run the statement, and SET it \
         back";
}
