//! Reads that need more than one shard, and statements of which Shardwright does not know what they need.

use crate::{NameList, Obstacle};

area! {
    "Reads over several shards": ReadError

    /// The conditions do not name one shard, and several cannot each do their part: the obstacles are
    /// listed below. `EXPLAIN SHARD` shows what a statement needs.
    NeedsSeveral { shards: NameList, obstacle: Obstacle, keys: NameList }
        = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "This statement needs shards {shards} and cannot be spread over them yet: {obstacle}. Give \
         the sharding key as a constant: {keys}";

    /// Such a statement runs on copies of the rows, which come together on one shard. What reads rows in
    /// another way than by the statement's own tables, or must leave something behind where they are,
    /// cannot.
    CannotGather { why: String, block: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "this statement needs rows of several shards together ({why}), and they cannot be copied to one \
         of them: {block}; give the sharding key as a constant, or read the parts one after the other";

    /// Copying rows between shards is bounded, so that one statement cannot fill a server.
    GatherLimit { max: u64, what: &'static str, setting: &'static str }
        = ER_CAPACITY_EXCEEDED, Unsupported, No:
        "this statement would copy more than {max} {what} between shards ([pool] {setting}); give the \
         sharding key or conditions that leave fewer rows, or raise the limit";

    /// Temporary tables would be written to the binary log in the other formats.
    GatherLogged { shard: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "this statement needs rows of several shards copied to shard {shard}, whose binlog_format is not \
         ROW, so that the copies would be written to its binary log; SET GLOBAL binlog_format = 'ROW' \
         there";

    /// The copies are temporary tables of the same definition, which some definitions do not allow.
    GatherDefinition { table: String, why: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{table} cannot be copied to another shard, which this statement needs: {why}; give the sharding \
         key as a constant";

    /// Both tables would have to be on one shard, or be sharded by the same key.
    DifferentShards { left: String, right: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{left} and {right} live on different shards and cannot be combined yet; read one after the \
         other";

    /// Statements that are passed on unread go to one shard.
    NotOnOneShard { what: &'static str, table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{what} is not supported on {table}, which has rows on several shards; use SELECT, INSERT, \
         UPDATE or DELETE, or a single table";

    /// A server's EXPLAIN speaks of its own rows only.
    ExplainSeveral { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "EXPLAIN of a statement on {table}, which has rows on several shards, would show one shard \
         only; use EXPLAIN SHARD";

    /// Every shard would add the value of its own account or last statement. In a statement on one shard
    /// these functions are replaced by the session's values.
    SessionFunction = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "session functions such as USER() in a statement on a table with rows on several shards are not \
         supported yet; read the value first";

    /// Each shard would set it to its last row.
    LastInsertId = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "LAST_INSERT_ID(expression) in a statement on several shards would have a value of each; give \
         the sharding key as a constant, or assign the value by itself";

    /// The names of such functions are replaced in the text where they stand plainly; in quotes they may
    /// be names of columns.
    QuotedFunction = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "FOUND_ROWS(), CONNECTION_ID() and the like are given by the proxy where their names stand \
         without quotes; take the quotes away";

    /// Each shard would stop at that many rows.
    SelectLimit = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "sql_select_limit would count the rows of each shard by itself: SET sql_select_limit = DEFAULT \
         before a read of several shards";

    /// A cursor lives on one server. Drivers open one when a fetch size is set.
    Cursor = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a cursor over rows of several shards is not supported yet; read the result without a cursor \
         (no fetch size)";

    /// The file would be on a machine that the client does not know.
    IntoFile = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "INTO OUTFILE and INTO DUMPFILE write a file on a shard's machine; select the rows and write \
         the file where the client runs";

    /// Sessions exclude each other only if all of them ask the same server.
    NamedLock = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "GET_LOCK and the like are kept by one shard and cannot stand in a statement on tables of \
         others; SELECT GET_LOCK(...) by itself";

    /// information_schema of a shard knows that shard's objects.
    SchemaApart { one: String, other: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "no shard's information_schema knows all that this statement may ask about: {one} and {other} \
         live on different shards. Name one database or table as a constant (WHERE TABLE_SCHEMA = '...' \
         AND TABLE_NAME = '...'), or use SHOW";

    /// Each shard would answer for itself.
    SchemaBesideShards = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a statement on several shards cannot ask information_schema; read from it before";

    /// mysql, performance_schema and sys describe one server.
    SystemSchema = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a sharded table cannot be combined with the server's own schemas; read one after the other";

    /// Statements on sharded tables are parsed, others are passed on unread.
    UnknownSyntax { table: String, detail: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "Shardwright's parser does not know this syntax, which it must to route a statement on {table} \
         ({detail}); write it in another way";

    /// Relevance counts the rows that have a word and those that have not, of one shard only. It also decides
    /// which rows a search in natural language finds.
    Relevance = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "MATCH ... AGAINST over a table with rows on several shards would weigh words by the rows of one \
         shard; use it IN BOOLEAN MODE, as a condition of WHERE alone";

    /// Temporary tables live on one connection to one shard. A name that the catalog does not know may be one
    /// of them, or of nothing at all.
    BesideTemporary { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "the catalog does not know {table}: if it is a temporary table, it cannot be used beside rows of \
         other shards; read its rows first, or make it a table SHARD BY REFERENCE";

    /// The parser's depth and the number of its operators are bounded.
    TooComplex { what: &'static str, max: usize } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "the statement has more than {max} {what}; split it";

    /// A table that were overlooked could lead to a wrong answer.
    UnclearTables = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "Shardwright does not understand every table reference of this statement, and it uses a sharded \
         table; simplify its FROM clause";

    /// FULL JOIN, LATERAL, table functions and the like.
    UnsupportedConstruct { what: &'static str } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "Shardwright does not support {what} together with sharded tables; write it in another way";

    /// Servers differ in which of the two the first query sees.
    RecursiveName { name: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "WITH RECURSIVE {name} has the name of a table; give it another one";

    /// SHOW TABLES and the like sort by name, which takes one character set.
    ListingNotUtf8 = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "names or comments are not UTF-8 here; SET NAMES utf8mb4 before listing tables of several shards";

    /// What a statement left is kept by the proxy, not by a server connection.
    GetDiagnostics = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "GET DIAGNOSTICS is not supported outside of routines; use SHOW WARNINGS, @@warning_count and \
         ROW_COUNT()";

    /// SHOW ... WHERE with a query inside: it would read one shard's rows.
    ShowQuery = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a query inside SHOW ... WHERE is not supported; read information_schema with SELECT instead";

    /// SHOW ... WHERE with a stored or loaded function inside.
    ShowCall { function: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "SHOW ... WHERE cannot call {function}, which is no built-in function; read information_schema with \
         SELECT instead";

    /// A prepared read that shared a connection with other sessions' left its warnings there.
    WarningsGone = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "The last execution ran on a shared connection and its warnings are gone; run it once more, \
         then SHOW WARNINGS has them";

    /// A statement needs a shard, and the catalog has none.
    NoShard = ER_NOT_SUPPORTED_YET, Unavailable, Later:
        "there is no shard yet: add one to the configuration and restart";
}
