//! A statement that is not run: error code, SQLSTATE, and a text that teaches.

/// Why a statement is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// MySQL error code.
    pub code: u16,
    /// SQLSTATE.
    pub sqlstate: &'static str,
    /// What happened, to what, and what to do instead.
    pub message: String,
}

impl Refusal {
    /// ER_NOT_SUPPORTED_YET (1235).
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self {
            code: 1235,
            sqlstate: "42000",
            message: message.into(),
        }
    }

    /// ER_NO_SUCH_TABLE (1146).
    pub fn no_such_table(database: &str, table: &str) -> Self {
        Self {
            code: 1146,
            sqlstate: "42S02",
            message: format!("Table '{database}.{table}' doesn't exist"),
        }
    }

    /// ER_BAD_DB_ERROR (1049).
    pub fn unknown_database(database: &str) -> Self {
        Self {
            code: 1049,
            sqlstate: "42000",
            message: format!("Unknown database '{database}'"),
        }
    }

    /// ER_EMPTY_QUERY (1065).
    pub fn empty() -> Self {
        Self {
            code: 1065,
            sqlstate: "42000",
            message: "Query was empty".to_string(),
        }
    }

    /// ER_TABLE_NOT_LOCKED (1100).
    pub fn not_locked() -> Self {
        Self {
            code: 1100,
            sqlstate: "HY000",
            message:
                "A table on several shards was not locked with LOCK TABLES; UNLOCK TABLES first"
                    .to_string(),
        }
    }

    /// ER_NO_DB_ERROR (1046).
    pub fn no_database() -> Self {
        Self {
            code: 1046,
            sqlstate: "3D000",
            message: "No database selected".to_string(),
        }
    }

    /// ER_PARSE_ERROR (1064).
    pub fn syntax(message: impl std::fmt::Display) -> Self {
        Self {
            code: 1064,
            sqlstate: "42000",
            message: format!("You have an error in your SQL syntax: {message}"),
        }
    }

    /// ER_NO_PARTITION_FOR_GIVEN_VALUE (1526).
    pub fn no_partition(table: &str, value: &str) -> Self {
        Self {
            code: 1526,
            sqlstate: "HY000",
            message: format!(
                "Table {table} has no partition for value {value}; \
                 add one to its sharding rule or give the list a DEFAULT partition"
            ),
        }
    }
}
