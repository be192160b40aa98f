//! Options of tables, and kinds of functions, that reach files or other servers.

use super::{FILES, Reader};
use crate::plan::PlanContext;
use crate::traits::is_word;
use sql::cursor::Cursor;
use sql::lexer::{Op, Token, TokenKind};

const ENGINES: &str = "a storage engine that reaches files or other servers";
const OTHER_SERVERS: &str = "connections to other servers and libraries on a server's machine";

/// Storage engines whose tables are files that somebody names, or tables of other servers.
const OUTSIDE_ENGINES: [&str; 6] = [
    "FEDERATED",
    "FEDERATEDX",
    "CONNECT",
    "SPIDER",
    "S3",
    "SPHINX",
];

impl Reader<'_> {
    /// Options of a table that reach files or other servers.
    pub(super) fn table_options(&mut self) {
        let is = |i: usize, words: &[&str]| {
            let t = self.tokens.get(i);
            t.is_some_and(|t| words.iter().any(|w| is_word(self.text, *t, w.as_bytes())))
        };
        let value = |i: usize| {
            let after = |n| self.tokens.get(i + n).copied();
            let equals = after(1).is_some_and(|t| t.kind == TokenKind::Op(Op::Eq));
            after(if equals { 2 } else { 1 })
        };
        let mut needed = None;
        for i in 0..self.tokens.len() {
            if is(i, &["DATA", "INDEX"]) && is(i + 1, &["DIRECTORY"]) {
                needed = Some(FILES);
            } else if is(i, &["ENGINE", "TYPE"])
                && value(i).is_some_and(|v| reaches_out(self.text, self.ctx, v))
            {
                needed = Some(ENGINES);
            } else if is(i, &["CONNECTION"]) && value(i).is_some_and(|v| v.kind == TokenKind::Str)
                || is(i, &["SONAME"])
                || is(i, &["SERVER"]) && (i == 1 || i == 3 && is(1, &["OR"]))
            {
                needed = Some(OTHER_SERVERS);
            }
        }
        if let Some(what) = needed {
            self.server(what);
        }
    }
}

/// True if a token names such an engine, quoted or not.
fn reaches_out(text: &[u8], ctx: PlanContext<'_>, engine: Token) -> bool {
    let mut c = Cursor::new(text, std::slice::from_ref(&engine), ctx.mode);
    let name = c.name_or_string();
    name.is_some_and(|n| OUTSIDE_ENGINES.iter().any(|e| n.eq_ignore_ascii_case(e)))
}
