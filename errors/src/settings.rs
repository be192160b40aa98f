//! SET: variables that a session cannot have as it asks.

area! {
    "SET": SettingError

    /// Variables that belong to a server or to its replication.
    FixedVariable { variable: String, why: &'static str } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{variable} cannot be set: {why}; leave it out";

    /// A shard does not know which row the session inserted last.
    AutoIsNull = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "sql_auto_is_null cannot be set: a shard does not know the session's last inserted row; use \
         LAST_INSERT_ID()";

    /// SET LAST_INSERT_ID and SET IDENTITY take a whole number.
    WrongType { variable: String } = ER_WRONG_TYPE_FOR_VAR, Mistake, No:
        "Incorrect argument type to variable '{variable}'";

    /// SET TRANSACTION is for the next transaction.
    InTransaction = ER_CANT_CHANGE_TX_CHARACTERISTICS, Mistake, No:
        "Transaction characteristics can't be changed while a transaction is in progress";

    /// All of them are set again on every connection that the session uses.
    SettingsTooLarge { max_bytes: usize } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "the settings and user variables of a session may take {max_bytes} bytes; keep large values in \
         a table";

    /// gbk, big5, sjis, cp932 and gb18030: where a statement's quotes are could not be seen.
    CharacterSet { name: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "The character set {name} is not supported for statements, because a byte of one of its \
         characters can look like a quote; use utf8mb4";

    /// ucs2, utf16 and utf32, in which no server takes statements.
    NotForClients { name: String } = ER_WRONG_VALUE_FOR_VAR, Mistake, No:
        "Variable 'character_set_client' can't be set to the value of '{name}'";

    /// Names in brackets are read by no part of the proxy, so rights on them could not be checked.
    BracketQuotes = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "sql_mode MSSQL is not supported, because it makes [name] a quoted name; use ANSI_QUOTES and quote \
         with \"name\"";

    /// The query would have to be merged from several shards.
    SetFromSeveral = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "SET from a query on a table with rows on several shards is not supported yet; read the value \
         first";
}
