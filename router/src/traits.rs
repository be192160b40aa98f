//! What a statement asks of its session and its connection, read off its tokens.

use sql::lexer::{Op, Token, TokenKind};

/// Properties that decide which connection may run a statement, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits {
    /// LAST_INSERT_ID() or @@last_insert_id: the connection must be told the session's value.
    pub last_insert_id: bool,
    /// LAST_INSERT_ID(expression): sets the session's value.
    pub sets_last_insert_id: bool,
    /// FOUND_ROWS(), ROW_COUNT(), CONNECTION_ID(), USER() and the like: values of the session that a
    /// shard does not know.
    pub session_values: bool,
    /// SQL_CALC_FOUND_ROWS.
    pub calc_found_rows: bool,
    /// User variables are read.
    pub reads_user_variables: bool,
    /// User variables are assigned inside the statement.
    pub writes_user_variables: bool,
    /// GET_LOCK and its relatives: the connection stays with the session.
    pub named_locks: bool,
    /// SLEEP, BENCHMARK: never on a shared connection.
    pub may_block: bool,
    /// FOR UPDATE, LOCK IN SHARE MODE.
    pub locking: bool,
    /// INTO OUTFILE, INTO DUMPFILE: a file on the shard's machine.
    pub into_file: bool,
    /// @@warning_count, @@error_count.
    pub diagnostics: bool,
    /// RAND, UUID, NOW and the like: differs from shard to shard.
    pub non_deterministic: bool,
    /// An aggregate function or a window.
    pub aggregates: bool,
}

/// Functions whose value is the session's; a shard would take those of the proxy's account.
pub const SESSION_VALUES: [&str; 7] = [
    "FOUND_ROWS",
    "ROW_COUNT",
    "CONNECTION_ID",
    "USER",
    "SESSION_USER",
    "SYSTEM_USER",
    "CURRENT_USER",
];
const NAMED_LOCKS: [&str; 5] = [
    "GET_LOCK",
    "RELEASE_LOCK",
    "RELEASE_ALL_LOCKS",
    "IS_FREE_LOCK",
    "IS_USED_LOCK",
];
const BLOCKING: [&str; 5] = [
    "SLEEP",
    "BENCHMARK",
    "MASTER_POS_WAIT",
    "MASTER_GTID_WAIT",
    "LOAD_FILE",
];
/// Functions that give every shard another value.
pub const RANDOM: [&str; 7] = [
    // Not bound to SET timestamp, as NOW() is.
    "SYSDATE",
    "RAND",
    "UUID",
    "UUID_SHORT",
    "SYS_GUID",
    "RANDOM_BYTES",
    "NEXTVAL",
];
const AGGREGATES: [&str; 22] = [
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "GROUP_CONCAT",
    "BIT_AND",
    "BIT_OR",
    "BIT_XOR",
    "STD",
    "STDDEV",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "VAR_POP",
    "VAR_SAMP",
    "VARIANCE",
    "JSON_ARRAYAGG",
    "JSON_OBJECTAGG",
    "ANY_VALUE",
    "MEDIAN",
    "PERCENTILE_CONT",
    "PERCENTILE_DISC",
];

fn any(word: &[u8], list: &[&str]) -> bool {
    list.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes()))
}

impl Traits {
    /// Reads them off a statement.
    pub fn of(text: &[u8], tokens: &[Token]) -> Self {
        let mut out = Self::default();
        for (i, t) in tokens.iter().enumerate() {
            let next = tokens.get(i + 1).map(|n| n.kind);
            match t.kind {
                TokenKind::Word => {
                    let word = &text[t.range()];
                    if next == Some(TokenKind::Op(Op::LParen)) {
                        out.function(word);
                        let empty =
                            tokens.get(i + 2).map(|t| t.kind) == Some(TokenKind::Op(Op::RParen));
                        let id = word.eq_ignore_ascii_case(b"LAST_INSERT_ID");
                        out.sets_last_insert_id |= id && !empty;
                    } else {
                        out.word(word, text, &tokens[i + 1..]);
                    }
                }
                TokenKind::UserVar => {
                    let assigned = next == Some(TokenKind::Op(Op::Assign));
                    let into = i > 0 && is_word(text, tokens[i - 1], b"INTO");
                    let listed = out.writes_user_variables
                        && i > 0
                        && tokens[i - 1].kind == TokenKind::Op(Op::Comma);
                    if assigned || into || listed {
                        out.writes_user_variables = true;
                    }
                    out.reads_user_variables = true;
                }
                TokenKind::SysVar => out.system_variable(&text[t.range()]),
                _ => {}
            }
        }
        out
    }

    fn function(&mut self, word: &[u8]) {
        self.last_insert_id |= word.eq_ignore_ascii_case(b"LAST_INSERT_ID");
        self.session_values |= any(word, &SESSION_VALUES);
        self.named_locks |= any(word, &NAMED_LOCKS);
        self.may_block |= any(word, &BLOCKING);
        self.non_deterministic |= any(word, &RANDOM);
        self.aggregates |= any(word, &AGGREGATES) || word.eq_ignore_ascii_case(b"OVER");
    }

    fn word(&mut self, word: &[u8], text: &[u8], rest: &[Token]) {
        let next_is = |w: &[u8]| rest.first().is_some_and(|t| is_word(text, *t, w));
        if word.eq_ignore_ascii_case(b"FOR") {
            self.locking |= next_is(b"UPDATE") || next_is(b"SHARE");
        } else if word.eq_ignore_ascii_case(b"LOCK") {
            self.locking |= next_is(b"IN");
        } else if word.eq_ignore_ascii_case(b"INTO") {
            self.into_file |= next_is(b"OUTFILE") || next_is(b"DUMPFILE");
        } else if word.eq_ignore_ascii_case(b"SQL_CALC_FOUND_ROWS") {
            self.calc_found_rows = true;
        } else if word.eq_ignore_ascii_case(b"CURRENT_USER") {
            self.session_values = true;
        } else if word.eq_ignore_ascii_case(b"OVER") {
            self.aggregates = true;
        }
    }

    fn system_variable(&mut self, raw: &[u8]) {
        let name = String::from_utf8_lossy(raw).to_ascii_lowercase();
        match name.rsplit(['.', '@']).next().unwrap_or_default() {
            "last_insert_id" | "identity" => self.last_insert_id = true,
            "warning_count" | "error_count" => self.diagnostics = true,
            "pseudo_thread_id" => self.session_values = true,
            _ => {}
        }
    }

    /// True if it has functions or variables whose values only the session knows.
    pub fn of_session(self) -> bool {
        self.session_values || self.diagnostics
    }

    /// True if the statement may share a connection with statements of other sessions.
    pub fn is_shareable(self) -> bool {
        !(self.last_insert_id
            || self.session_values
            || self.calc_found_rows
            || self.reads_user_variables
            || self.writes_user_variables
            || self.named_locks
            || self.may_block
            || self.locking
            || self.into_file
            || self.diagnostics)
    }
}

/// True if the token is this word (upper case), in any case.
pub fn is_word(text: &[u8], t: Token, upper: &[u8]) -> bool {
    t.kind == TokenKind::Word && text[t.range()].eq_ignore_ascii_case(upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql::{Flavor, LexMode, Lexed};

    fn of(s: &str) -> Traits {
        let l = Lexed::new(s.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        Traits::of(s.as_bytes(), &l.tokens)
    }

    #[test]
    fn seen_and_not_seen() {
        assert!(of("select last_insert_id()").last_insert_id);
        assert!(!of("select last_insert_id()").sets_last_insert_id);
        assert!(of("update t set a = last_insert_id(a + 1)").sets_last_insert_id);
        assert!(
            of("select @a := 1").writes_user_variables && !of("select @a").writes_user_variables
        );
        assert!(of("select a into @x from t").writes_user_variables);
        assert!(of("select a from t for update").locking);
        assert!(of("select a from t lock in share mode").locking);
        assert!(of("select count(*) from t").aggregates && !of("select `count` from t").aggregates);
        assert!(of("select sleep(1)").may_block);
        assert!(of("select c from t where id=1").is_shareable());
        assert!(of("select @@session.warning_count").diagnostics);
    }
}
