//! Changes of structure.

use crate::NameList;

area! {
    "Changes of structure": DdlError

    /// The table's keys, columns or types do not allow the rule, or the rule is not one.
    RuleRefused { table: String, why: String } = ER_NOT_SUPPORTED_YET, Mistake, No:
        "the sharding rule of {table} is refused: {why}";

    /// The new table's rows would not be where the old one's were.
    ReplaceSharded { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "CREATE OR REPLACE of {table}, which is on several shards, is not supported; DROP it first";

    /// Rows of the SELECT would have to be split by the sharding key.
    SelectIntoSharded { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "CREATE TABLE ... SELECT cannot fill {table} on several shards yet; create it, then INSERT the \
         rows with VALUES";

    /// The table's shard would have to read the rows of others.
    SelectFromOthers = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "CREATE TABLE ... SELECT from tables on other shards is not supported yet; create the table, \
         then INSERT the rows with VALUES";

    /// InnoDB looks for the referred row on its own server.
    ForeignKey { table: String, other: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "the foreign key of {table} to {other} would cross shards: both tables must be sharded alike \
         and the foreign key must contain the sharding key, or {other} must be a reference table";

    /// What a foreign key cascades into the sharding key happens inside one server: the row would stay where
    /// its old key placed it, and a read by the new one would miss it.
    ServerChangesKey { table: String, why: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "the foreign key of {table} is refused: {why}; use RESTRICT";

    /// Rows are where the key says, in its old type.
    KeyColumn { table: String, column: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "ALTER TABLE {table}: {column} belongs to the sharding key, and where rows are depends on it; \
         make another table and copy the rows";

    /// What equals what decides where rows are.
    KeyCollation { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "ALTER TABLE {table}: the collation of the sharding key would change, and with it where rows \
         belong; make another table and copy the rows";

    /// The table has a unique key of it that does not contain the sharding key.
    IdColumn { table: String, column: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{column} of {table} is unique over the shards because the proxies give its AUTO_INCREMENT values; \
         it can be changed to another AUTO_INCREMENT column of its name only";

    /// A shard knows its own rows only.
    UniqueWithoutKey { table: String, column: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "ALTER TABLE {table}: the unique key would not contain the sharding key column {column}, so no \
         shard could know whether a value is unique; add the column to it";

    /// A comment makes a rule when the table is made.
    RuleComment { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "ALTER TABLE {table}: a sharding rule is not changed by a comment; make another table and copy \
         the rows";

    /// Rows would change their table on one shard only.
    ExchangePartition { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "ALTER TABLE {table}: EXCHANGE and CONVERT PARTITION move rows between tables; copy the rows";

    /// Both are one step in the catalog.
    RenameWithChanges = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "RENAME together with other changes is not supported; use two ALTER TABLE";

    /// Each shard renames by itself.
    RenameApart = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "RENAME of tables that are on different shards would not be atomic; use one statement each";

    /// Each shard evaluates the definition with the proxy's account.
    SessionDefault { function: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{function} in the definition of a table would be the proxy's own account on the shard, not the \
         client's; give the value in the INSERT";

    /// Rows of a reference table are the same on every shard.
    ReferenceDefault { function: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{function} in the definition of a reference table would give every shard another value; give \
         the value in the INSERT";

    /// Views, routines, triggers and events run inside one server, and were made when the name meant
    /// something else there, or nothing. A column of that name in them counts too.
    UsedInside { table: String, objects: NameList } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{table} cannot have rows on several shards while these use it inside one server, where they would \
         see or change a part: {objects}; drop them first";

    /// A change of structure inside a routine would pass the catalog by, and change one shard only.
    DdlInRoutine { word: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{word} in a routine, trigger, event or compound statement is not supported: it would change the \
         structure of one shard, unknown to the catalog; send it from the client (temporary tables may \
         be made there)";

    /// It lives on one connection to one shard.
    TemporaryApart = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a temporary table lives on its database's default shard and can neither take the name nor the \
         rows of a table that has rows elsewhere; give it another name, and INSERT the rows with VALUES";

    /// A permanent object is made on a connection that does not know the session's temporary tables.
    FromTemporary { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{table} is a temporary table, from which no permanent table or view can be made; CREATE TABLE ... \
         LIKE it, and INSERT ... SELECT the rows";

    /// It runs inside of its shard's server.
    RoutineApart { routine: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{routine} uses a table that has rows on other shards; a routine, trigger or event runs inside \
         one server and would see or change only a part; send its statements from the client";

    /// The statement's text is not known before it runs.
    DynamicRoutine = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "PREPARE and EXECUTE IMMEDIATE in a routine, trigger or event are not supported: which tables \
         they use is not known, and of a sharded table they would see a part; send the statements from \
         the client";

    /// Sessions exclude each other only if all of them ask the same server.
    LockInRoutine = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "GET_LOCK and the like in a routine, trigger or event are not supported: the lock would be one \
         of that shard alone, and stay with a connection that others use; ask for it by SELECT";

    /// information_schema of a shard knows that shard's objects.
    OwnSchema { what: &'static str } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "{what} from information_schema would know the tables of one shard only; read from \
         information_schema directly";

    /// The view's server would read its own rows.
    ViewOfSeveral { table: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a view over {table}, which has rows on several shards, is not supported yet, as it would show \
         the rows of one shard only; write its query in the statement";

    /// ANALYZE TABLE and the like answer with a row for each table and shard.
    MaintainApart = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "these tables are on different shards; name one at a time";

    /// Sums of parts are no sum of the whole.
    ChecksumOfSeveral = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "CHECKSUM TABLE of a table on several shards would give one sum for each; ask the shards \
         themselves (SHOW SHARDS shows their addresses)";

    /// The shards that are done have the new structure, the others the old one. `SHOW DDL JOBS` shows it
    /// too.
    JobHalfDone { job: u64, progress: String } = ER_UNKNOWN_ERROR, Unavailable, Statement:
        "DDL job {job} is done on some shards only ({progress}). Repeat the same statement to go on with \
         it, or CANCEL DDL JOB {job} to give it up";

    /// Whoever does not know of a change may plan against the old structure while it is made.
    /// `why` names the proxy.
    ProxyBehind { why: String } = ER_UNKNOWN_ERROR, Unavailable, Later:
        "{why}; nothing was changed. Repeat the statement once it follows the catalog, or once it is \
         fenced (fence_after_ms; shardctl proxy fence)";

    /// A statement or an open cursor was planned by the structure that is to be changed, and did not end
    /// within lock_wait_timeout. KILL ends it, at whichever proxy.
    StillUsed { objects: NameList, proxy: String, session: u32, seconds: u64 }
        = ER_LOCK_WAIT_TIMEOUT, Unavailable, Later:
        "Lock wait timeout exceeded: session {session} of proxy {proxy} has used {objects} for {seconds} \
         s; nothing was changed. Repeat the statement once it ends, or KILL {session}";

    /// CANCEL DDL JOB came in between.
    JobCancelled = ER_UNKNOWN_ERROR, Aborted, Statement:
        "the DDL job was cancelled by somebody else; repeat the statement if it is still wanted";

    /// A server changes structure on the connection that holds the locks; the proxy does it with another
    /// account, which would wait for them. DISABLE KEYS and ENABLE KEYS are done.
    UnderLocks = ER_LOCK_OR_ACTIVE_TRANSACTION, Unsupported, No:
        "Can't execute the given command because you have active locked tables; UNLOCK TABLES first";
}
