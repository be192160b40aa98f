//! INSERT and REPLACE: rows, their keys and their ids.

use crate::NameList;

area! {
    "INSERT and REPLACE": InsertError

    /// As on one server.
    ColumnCount { row: usize } = ER_WRONG_VALUE_COUNT_ON_ROW, Mistake, No:
        "Column count doesn't match value count at row {row}";

    /// Without a value for it nobody knows where the row belongs.
    KeyMissing { column: String, table: String } = ER_NO_DEFAULT_FOR_FIELD, Mistake, No:
        "Field '{column}' is the sharding key of {table} and has no value in this INSERT; name it and \
         give its value";

    /// The default is the server's affair, the place of the row is decided before.
    KeyDefault { column: String, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "the sharding key column {column} of {table} must be given a value, not its default";

    /// The value must be known before a shard is asked.
    KeyExpression { column: String, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "the sharding key column {column} of {table} must be a literal or a parameter in an INSERT, not \
         an expression";

    /// The server would store another value than the statement says (a date from a number, a text that is
    /// cut, NULL in a NOT NULL column under IGNORE), so that the row would be looked for elsewhere. Give
    /// the value in the column's own type.
    KeyNotPlaced { value: String, column: String, table: String, why: &'static str }
        = ER_NOT_SUPPORTED_YET, Mistake, No:
        "the value {value} of the sharding key column {column} of {table} cannot be placed: {why}";

    /// A sharding function by range or list has no partition for the value.
    NoPartition { table: String, values: NameList } = ER_NO_PARTITION_FOR_GIVEN_VALUE, Mistake, No:
        "Table {table} has no partition for value {values}; add one to its sharding rule or give the \
         list a DEFAULT partition";

    /// The row would have to move to another shard.
    DuplicateKeyUpdated { column: String, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "ON DUPLICATE KEY UPDATE of the sharding key column {column} of {table} is not supported; \
         delete the row and insert it again";

    /// Ids of tables on several shards are drawn by the proxy, which must know which rows need one.
    OddId { column: String, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "the AUTO_INCREMENT column {column} of {table} has a value that is not read before it runs; \
         give a whole number, NULL, DEFAULT or nothing";

    /// No shard knows which ids the others have: they are unique because all come from one sequence. Rows
    /// that are restored had ids from it before.
    GivenId { column: String, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{column} of {table} is unique over the shards because the proxies give its values, so a \
         statement cannot give one: leave the column out, or give NULL. To restore rows with their ids, use \
         a proxy with explicit_ids = true in [proxy]";

    /// The same, where a row is there already.
    GivenIdUpdated { column: String, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "ON DUPLICATE KEY UPDATE of {column} of {table} is not supported other than {column} = \
         LAST_INSERT_ID({column}): its values are unique over the shards because the proxies give them";

    /// The column's type has no larger number.
    IdsExhausted { max: u64 } = ER_AUTOINC_READ_FAILED, Mistake, No:
        "Failed to read auto-increment value from storage engine: the column is full at {max}; give it \
         a larger type";

    /// Ids come in blocks from the metadata service, and none came.
    NoIds { why: String } = ER_AUTOINC_READ_FAILED, Unavailable, Later:
        "no AUTO_INCREMENT value was given: {why}";

    /// Rows of a SELECT would have to be split by the sharding key.
    InsertSelect { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "INSERT ... SELECT into {table}, which has rows on several shards, is not supported yet; read \
         the rows and insert them with VALUES";

    /// Each shard would read its own part.
    InsertSubquery { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a subquery in an INSERT into {table}, which has rows on several shards, is not supported; read \
         its value first";

    /// Rows would come back from several shards.
    Returning { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "RETURNING is not supported for {table}, which has rows on several shards; SELECT the rows \
         after the INSERT";

    /// One server would have to read the rows of another.
    CopyApart { table: String, source: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{table} and {source} are not on one shard, so rows cannot be copied between them yet; read the \
         rows and insert them with VALUES";

    /// Every shard would store another value.
    ReferenceInsertDiffers = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "an INSERT into a reference table runs on every shard and must do the same everywhere: no RAND \
         or UUID";

    /// The shards would give their own account's value, and a prepared text is not rewritten.
    PreparedSessionFunction = ER_UNSUPPORTED_PS, Unsupported, No:
        "USER(), ROW_COUNT() and other session functions are not supported in a prepared INSERT into a \
         table with rows on several shards; pass the value as a parameter";

    /// Its value is not one that the proxy knows.
    InsertSessionFunction = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "this session function is not supported in an INSERT into a table with rows on several shards; \
         read its value first";
}
