//! What clients of a connection must have in common, because it is agreed on at login.

use crate::account::AccountId;
use wire::caps::*;

/// The class of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ConnClass {
    /// CLIENT_DEPRECATE_EOF.
    pub deprecate_eof: bool,
    /// CLIENT_FOUND_ROWS.
    pub found_rows: bool,
    /// MARIADB_CLIENT_EXTENDED_METADATA: definitions of columns are longer.
    pub extended_metadata: bool,
    /// Whose rights its statements have.
    pub account: AccountId,
}

impl ConnClass {
    /// The class of a client with these capabilities, whose statements have the rights of an account.
    pub fn of(capabilities: u64, account: AccountId) -> Self {
        Self {
            deprecate_eof: capabilities & CLIENT_DEPRECATE_EOF != 0,
            found_rows: capabilities & CLIENT_FOUND_ROWS != 0,
            extended_metadata: capabilities & MARIADB_CLIENT_EXTENDED_METADATA != 0,
            account,
        }
    }

    /// Flags to ask a server for. Several statements in a packet are for what goes ahead of a client's
    /// statement; a text with a semicolon in it is never sent while they are on.
    pub fn capabilities(self, tls: bool) -> u64 {
        let mut caps = CLIENT_MYSQL
            | CLIENT_LONG_FLAG
            | CLIENT_LOCAL_FILES
            | CLIENT_PROTOCOL_41
            | CLIENT_TRANSACTIONS
            | CLIENT_SECURE_CONNECTION
            | CLIENT_MULTI_STATEMENTS
            | CLIENT_MULTI_RESULTS
            | CLIENT_PS_MULTI_RESULTS
            | CLIENT_PLUGIN_AUTH
            | CLIENT_CONNECT_ATTRS
            | CLIENT_PLUGIN_AUTH_LENENC
            | CLIENT_SESSION_TRACK
            | MARIADB_CLIENT_STMT_BULK_OPERATIONS;
        if self.deprecate_eof {
            caps |= CLIENT_DEPRECATE_EOF;
        }
        if self.found_rows {
            caps |= CLIENT_FOUND_ROWS;
        }
        if self.extended_metadata {
            caps |= MARIADB_CLIENT_EXTENDED_METADATA;
        }
        if tls {
            caps |= CLIENT_SSL;
        }
        caps
    }
}
