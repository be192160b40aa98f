//! What is named is not there, or there already. The texts are the servers' own.

use crate::NameList;

area! {
    "Names of databases, tables and shards": NameError

    /// The catalog has no such table. A table that a server has without the catalog's knowledge is not
    /// known through the proxy: `shardctl table import` takes it over. While a table is being made or
    /// dropped, it is not there for anybody.
    NoSuchTable { database: String, table: String } = ER_NO_SUCH_TABLE, Mistake, No:
        "Table '{database}.{table}' doesn't exist";

    /// The catalog has no such database. Databases are made by CREATE DATABASE through the proxy; one
    /// that only a shard has is not known.
    UnknownDatabase { database: String } = ER_BAD_DB_ERROR, Mistake, No: "Unknown database '{database}'";

    /// The name of a database in COM_INIT_DB is not UTF-8; names are, whatever the session's character
    /// set is.
    DatabaseNotUtf8 = ER_BAD_DB_ERROR, Mistake, No: "Unknown database: the name is not UTF-8";

    /// A table is named without its database, and the session has no current one: USE a database, or
    /// write `database.table`.
    NoDatabase = ER_NO_DB_ERROR, Mistake, No: "No database selected";

    /// CREATE DATABASE of a name that the catalog has.
    DatabaseExists { database: String } = ER_DB_CREATE_EXISTS, Mistake, No:
        "Can't create database '{database}'; database exists";

    /// DROP DATABASE of a name that the catalog does not have.
    DatabaseMissing { database: String } = ER_DB_DROP_EXISTS, Mistake, No:
        "Can't drop database '{database}'; database doesn't exist";

    /// CREATE TABLE, CREATE VIEW or RENAME to a name that the catalog has.
    TableExists { table: String } = ER_TABLE_EXISTS_ERROR, Mistake, No: "Table '{table}' already exists";

    /// DROP TABLE (over MySQL DROP VIEW too) of names that the catalog does not have. Those that it has
    /// are dropped.
    UnknownTables { tables: String } = ER_BAD_TABLE_ERROR, Mistake, No: "Unknown table '{tables}'";

    /// DROP VIEW of names that the catalog does not have, over MariaDB. MySQL says it as of tables.
    UnknownViews { views: String } = ER_UNKNOWN_VIEW, Mistake, No: "Unknown VIEW: '{views}'";

    /// DROP TABLE of a view.
    IsView { view: String } = ER_IT_IS_A_VIEW, Mistake, No: "'{view}' is a view; use DROP VIEW";

    /// A sharding rule or CREATE DATABASE ... ON names a shard that the catalog does not have. `SHOW
    /// SHARDS` lists them.
    UnknownShard { shard: String, shards: NameList } = ER_NOT_SUPPORTED_YET, Mistake, No:
        "there is no shard {shard}; the shards are {shards}";
}
