//! Capability and status flags, with MySQL's own names.
//!
//! Source: MySQL "Capabilities Flags" and "Status Flags" pages; MariaDB "Connection" page.

/// CLIENT_LONG_PASSWORD; MariaDB reuses the bit as CLIENT_MYSQL ("I speak no MariaDB extensions").
pub const CLIENT_MYSQL: u64 = 1;
/// Affected-rows means matched rows.
pub const CLIENT_FOUND_ROWS: u64 = 1 << 1;
/// Longer column flags.
pub const CLIENT_LONG_FLAG: u64 = 1 << 2;
/// The handshake response names a database.
pub const CLIENT_CONNECT_WITH_DB: u64 = 1 << 3;
/// zlib compression.
pub const CLIENT_COMPRESS: u64 = 1 << 5;
/// LOAD DATA LOCAL is possible.
pub const CLIENT_LOCAL_FILES: u64 = 1 << 7;
/// The 4.1 protocol; required.
pub const CLIENT_PROTOCOL_41: u64 = 1 << 9;
/// interactive_timeout instead of wait_timeout.
pub const CLIENT_INTERACTIVE: u64 = 1 << 10;
/// TLS follows.
pub const CLIENT_SSL: u64 = 1 << 11;
/// Status flags are understood.
pub const CLIENT_TRANSACTIONS: u64 = 1 << 13;
/// 20-byte scrambles; required.
pub const CLIENT_SECURE_CONNECTION: u64 = 1 << 15;
/// Several statements in one COM_QUERY.
pub const CLIENT_MULTI_STATEMENTS: u64 = 1 << 16;
/// Several results for COM_QUERY.
pub const CLIENT_MULTI_RESULTS: u64 = 1 << 17;
/// Several results for COM_STMT_EXECUTE.
pub const CLIENT_PS_MULTI_RESULTS: u64 = 1 << 18;
/// The plugin is named in the handshake.
pub const CLIENT_PLUGIN_AUTH: u64 = 1 << 19;
/// Connection attributes follow.
pub const CLIENT_CONNECT_ATTRS: u64 = 1 << 20;
/// The auth response has a length-encoded length.
pub const CLIENT_PLUGIN_AUTH_LENENC: u64 = 1 << 21;
/// OK packets carry session state changes.
pub const CLIENT_SESSION_TRACK: u64 = 1 << 23;
/// Result sets end with an OK packet and have no EOF after the columns.
pub const CLIENT_DEPRECATE_EOF: u64 = 1 << 24;
/// COM_STMT_BULK_EXECUTE. MariaDB's own flags stand above the 32 bits that MySQL has.
pub const MARIADB_CLIENT_STMT_BULK_OPERATIONS: u64 = 1 << 34;
/// Column definitions say types that have no number of their own: JSON, UUID, INET6, kinds of geometry.
pub const MARIADB_CLIENT_EXTENDED_METADATA: u64 = 1 << 35;

/// A transaction is open.
pub const SERVER_STATUS_IN_TRANS: u16 = 1;
/// autocommit=1.
pub const SERVER_STATUS_AUTOCOMMIT: u16 = 2;
/// Another result follows.
pub const SERVER_MORE_RESULTS_EXISTS: u16 = 8;
/// A cursor was opened; no rows follow, fetch them.
pub const SERVER_STATUS_CURSOR_EXISTS: u16 = 0x40;
/// The cursor gave its last row.
pub const SERVER_STATUS_LAST_ROW_SENT: u16 = 0x80;
/// A database was dropped.
pub const SERVER_STATUS_DB_DROPPED: u16 = 0x100;
/// sql_mode has NO_BACKSLASH_ESCAPES.
pub const SERVER_STATUS_NO_BACKSLASH_ESCAPES: u16 = 0x200;
/// A query above long_query_time.
pub const SERVER_QUERY_WAS_SLOW: u16 = 0x800;
/// The result holds OUT parameters.
pub const SERVER_PS_OUT_PARAMS: u16 = 0x1000;
/// A read-only transaction is open.
pub const SERVER_STATUS_IN_TRANS_READONLY: u16 = 0x2000;
/// The OK packet has session state information.
pub const SERVER_SESSION_STATE_CHANGED: u16 = 0x4000;
