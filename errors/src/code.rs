//! MySQL's error numbers, each with the SQLSTATE and the symbol that MySQL and MariaDB have for it.

/// A number with its SQLSTATE; drivers decide by both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The number.
    pub number: u16,
    /// Five characters.
    pub sqlstate: &'static str,
    /// The name in the servers' manuals.
    pub symbol: &'static str,
}

macro_rules! codes {
    ($($symbol:ident $number:literal $sqlstate:literal)+) => {
        $(
            pub(crate) const $symbol: Code = Code {
                number: $number,
                sqlstate: $sqlstate,
                symbol: stringify!($symbol),
            };
        )+

        #[cfg(test)]
        const ALL: &[Code] = &[$($symbol),+];
    };
}

// From MariaDB's sql/share/errmsg-utf8.txt; the middle block from MySQL's manual, MariaDB has no such errors
// or, as of the client library's CR_ numbers, no text for them.
codes! {
    ER_DB_CREATE_EXISTS 1007 "HY000"
    ER_DB_DROP_EXISTS 1008 "HY000"
    ER_CON_COUNT_ERROR 1040 "08004"
    ER_OUT_OF_RESOURCES 1041 "HY000"
    ER_HANDSHAKE_ERROR 1043 "08S01"
    ER_DBACCESS_DENIED_ERROR 1044 "42000"
    ER_ACCESS_DENIED_ERROR 1045 "28000"
    ER_NO_DB_ERROR 1046 "3D000"
    ER_UNKNOWN_COM_ERROR 1047 "08S01"
    ER_BAD_DB_ERROR 1049 "42000"
    ER_TABLE_EXISTS_ERROR 1050 "42S01"
    ER_BAD_TABLE_ERROR 1051 "42S02"
    ER_SERVER_SHUTDOWN 1053 "08S01"
    ER_PARSE_ERROR 1064 "42000"
    ER_EMPTY_QUERY 1065 "42000"
    ER_NO_SUCH_THREAD 1094 "HY000"
    ER_KILL_DENIED_ERROR 1095 "HY000"
    ER_TABLE_NOT_LOCKED 1100 "HY000"
    ER_UNKNOWN_ERROR 1105 "HY000"
    ER_PASSWORD_NO_MATCH 1133 "28000"
    ER_WRONG_VALUE_COUNT_ON_ROW 1136 "21S01"
    ER_NONEXISTING_GRANT 1141 "42000"
    ER_TABLEACCESS_DENIED_ERROR 1142 "42000"
    ER_NO_SUCH_TABLE 1146 "42S02"
    ER_NET_PACKET_TOO_LARGE 1153 "08S01"
    ER_NET_PACKETS_OUT_OF_ORDER 1156 "08S01"
    ER_NET_UNCOMPRESS_ERROR 1157 "08S01"
    ER_ERROR_DURING_COMMIT 1180 "HY000"
    ER_LOCK_OR_ACTIVE_TRANSACTION 1192 "HY000"
    ER_TOO_MANY_USER_CONNECTIONS 1203 "42000"
    ER_LOCK_WAIT_TIMEOUT 1205 "HY000"
    ER_WRONG_ARGUMENTS 1210 "HY000"
    ER_LOCK_DEADLOCK 1213 "40001"
    ER_SPECIFIC_ACCESS_DENIED_ERROR 1227 "42000"
    ER_WRONG_VALUE_FOR_VAR 1231 "42000"
    ER_WRONG_TYPE_FOR_VAR 1232 "42000"
    ER_NOT_SUPPORTED_YET 1235 "42000"
    ER_UNKNOWN_STMT_HANDLER 1243 "HY000"
    ER_UNSUPPORTED_PS 1295 "HY000"
    ER_SP_DOES_NOT_EXIST 1305 "42000"
    ER_QUERY_INTERRUPTED 1317 "70100"
    ER_NO_DEFAULT_FOR_FIELD 1364 "HY000"
    ER_CANNOT_USER 1396 "HY000"
    ER_STMT_HAS_NO_OPEN_CURSOR 1421 "HY000"
    ER_CONNECT_TO_FOREIGN_DATA_SOURCE 1429 "HY000"
    ER_MAX_PREPARED_STMT_COUNT_REACHED 1461 "42000"
    ER_AUTOINC_READ_FAILED 1467 "HY000"
    ER_NO_PARTITION_FOR_GIVEN_VALUE 1526 "HY000"
    ER_CANT_CHANGE_TX_CHARACTERISTICS 1568 "25001"
    ER_NEED_REPREPARE 1615 "HY000"
    ER_MALFORMED_PACKET 1835 "HY000"
    ER_CONNECTION_KILLED 1927 "70100"
    ER_IT_IS_A_VIEW 1965 "42S02"
    ER_USER_CREATE_EXISTS 1973 "HY000"
    ER_USER_DROP_EXISTS 1974 "HY000"

    CR_SERVER_LOST 2013 "HY000"
    CR_AUTH_PLUGIN_ERR 2061 "HY000"
    ER_SECURE_TRANSPORT_REQUIRED 3159 "HY000"
    ER_CAPACITY_EXCEEDED 3170 "HY000"
    ER_CLIENT_LOCAL_FILES_DISABLED 3948 "42000"
    ER_CLIENT_INTERACTION_TIMEOUT 4031 "HY000"

    ER_UNKNOWN_VIEW 4092 "42S02"
    ER_LOAD_INFILE_CAPABILITY_DISABLED 4166 "HY000"
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn numbers_ascend_and_states_are_states() {
        assert!(ALL.windows(2).all(|w| w[0].number < w[1].number));
        for code in ALL {
            let plain = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
            let fine = code.sqlstate.len() == 5 && code.sqlstate.bytes().all(plain);
            assert!(fine, "{} {}", code.symbol, code.sqlstate);
        }
    }
}
