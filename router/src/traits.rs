//! What a statement asks of its session and its connection, read off its tokens.

use crate::functions;
use crate::names::stands_for_table;
use sql::ident::name_of;
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
    /// LOAD_FILE: it reads a file on the shard's machine.
    pub reads_file: bool,
    /// @@warning_count, @@error_count.
    pub diagnostics: bool,
    /// RAND, UUID, VERSION, NEXTVAL and the like: differs from shard to shard. (NOW does not: all shards of a
    /// statement are told one time.)
    pub non_deterministic: bool,
    /// A procedure, a function or a trigger may run, and change more of the session than the text shows.
    pub stored_code: bool,
    /// It opens no table, and so leaves the conditions of the statement before it, unless it has its own.
    pub keeps_conditions: bool,
    /// @@port, VERSION() and the like: each server has its own.
    pub of_server: bool,
    /// A session value called by its name in quotes, where the proxy does not put it in.
    pub quoted_session_value: bool,
}

/// System variables that have the session's value on every shard. Any other may be a server's own: its port,
/// its name, the seed of its RAND.
const SAME_EVERYWHERE: [&str; 21] = [
    "auto_increment_increment",
    "auto_increment_offset",
    "autocommit",
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "collation_connection",
    "default_week_format",
    "div_precision_increment",
    "foreign_key_checks",
    "group_concat_max_len",
    "lc_time_names",
    "max_error_count",
    "sql_mode",
    "sql_select_limit",
    "time_zone",
    "timestamp",
    "transaction_isolation",
    "tx_isolation",
    "tx_read_only",
    "unique_checks",
];

/// True for a name before a parenthesis that is no built-in function: a table with its columns, or a stored
/// function of a database.
fn is_other_name(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let is = |i: usize, op| tokens.get(i).map(|t| t.kind) == Some(TokenKind::Op(op));
    let qualified = at > 0 && is(at - 1, Op::Dot);
    is(at + 1, Op::LParen) && (qualified || stands_for_table(text, tokens, at))
}

impl Traits {
    /// Reads them off a statement.
    pub fn of(text: &[u8], tokens: &[Token]) -> Self {
        let mut out = Self::default();
        for (i, t) in tokens.iter().enumerate() {
            let next = tokens.get(i + 1).map(|n| n.kind);
            match t.kind {
                TokenKind::Word | TokenKind::QuotedName if is_other_name(text, tokens, i) => {}
                TokenKind::Word if next == Some(TokenKind::Op(Op::LParen)) => {
                    out.function(&text[t.range()], &tokens[i + 2..], false);
                }
                TokenKind::Word => out.word(&text[t.range()], text, &tokens[i + 1..]),
                TokenKind::QuotedName if next == Some(TokenKind::Op(Op::LParen)) => {
                    if let Some(name) = name_of(text, *t) {
                        out.function(name.as_bytes(), &tokens[i + 2..], true);
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

    /// A call of `name`; `arguments` are the tokens behind the parenthesis.
    fn function(&mut self, name: &[u8], arguments: &[Token], quoted: bool) {
        let effects = functions::effects(name, quoted);
        let empty = arguments.first().map(|t| t.kind) == Some(TokenKind::Op(Op::RParen));
        self.last_insert_id |= effects.insert_id;
        self.sets_last_insert_id |= effects.insert_id && !empty;
        self.session_values |= effects.session;
        self.quoted_session_value |= effects.session && quoted;
        self.named_locks |= effects.lock;
        self.may_block |= effects.waits;
        self.reads_file |= effects.file;
        self.non_deterministic |= effects.differs_between_shards();
        self.of_server |= effects.server;
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
        } else if word.eq_ignore_ascii_case(b"NEXT") || word.eq_ignore_ascii_case(b"PREVIOUS") {
            self.non_deterministic |= next_is(b"VALUE");
        }
    }

    fn system_variable(&mut self, raw: &[u8]) {
        let name = String::from_utf8_lossy(raw).to_ascii_lowercase();
        match name.rsplit(['.', '@']).next().unwrap_or_default() {
            "last_insert_id" | "identity" => self.last_insert_id = true,
            "warning_count" | "error_count" => self.diagnostics = true,
            "pseudo_thread_id" => self.session_values = true,
            own if own.starts_with("session_track_") => self.session_values = true,
            other => {
                let own = !SAME_EVERYWHERE.contains(&other);
                self.non_deterministic |= own;
                self.of_server |= own;
            }
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
            || self.stored_code
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
        assert!(of("select next value for s").non_deterministic);
        for sql in [
            "insert into user (id) values (1)",
            "replace `sleep` (id) values (1)",
            "insert ignore uuid (id) values (1)",
            "select shop.sleep(1)",
        ] {
            assert_eq!(of(sql), Traits::default(), "{sql}");
        }
        assert!(of("insert into t (a) values (user())").session_values);
        assert!(of("update r set a = @@port").non_deterministic);
        assert!(of("update r set a = @@global.`hostname`").non_deterministic);
        assert!(!of("update r set a = @@session.sql_mode").non_deterministic);
        assert!(of("select sleep(1)").may_block);
        assert!(of("select c from t where id=1").is_shareable());
        assert!(of("select @@session.warning_count").diagnostics);
        assert!(of("select `sleep`(1)").may_block && !of("select `sleep` (1)").is_shareable());
        assert!(of("select `last_insert_id`(5)").sets_last_insert_id);
        assert!(of("select `found_rows`()").quoted_session_value);
        let user = of("select user(), `user`, `user`()");
        assert!(user.session_values && !user.quoted_session_value);
    }
}
