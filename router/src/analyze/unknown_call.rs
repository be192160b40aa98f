//! Calls of functions that are not known to be built in, found in the tokens: for statements whose syntax the
//! parser may not know.

use crate::functions;
use sql::ident::name_of;
use sql::{Flavor, Op, Token, TokenKind};

/// Words that stand in front of a parenthesis without calling anything.
const NO_CALLS: [&str; 58] = [
    "IN",
    "VALUES",
    "VALUE",
    "AND",
    "OR",
    "NOT",
    "XOR",
    "EXISTS",
    "OVER",
    "ON",
    "USING",
    "FROM",
    "JOIN",
    "STRAIGHT_JOIN",
    "LATERAL",
    "TABLE",
    "WHERE",
    "HAVING",
    "BY",
    "SELECT",
    "DISTINCT",
    "ALL",
    "ANY",
    "SOME",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "AS",
    "WHEN",
    "THEN",
    "ELSE",
    "CASE",
    "BETWEEN",
    "LIKE",
    "REGEXP",
    "RLIKE",
    "DIV",
    "INTERVAL",
    "LIMIT",
    "OFFSET",
    "KEY",
    "INDEX",
    "PARTITION",
    "GROUP",
    "COLUMNS",
    "WITH",
    "EXPLAIN",
    "IS",
    "DECIMAL",
    "NUMERIC",
    "CHAR",
    "VARCHAR",
    "NCHAR",
    "BINARY",
    "VARBINARY",
    "DATETIME",
    "TIME",
    "ESCAPE",
];

/// The first thing that looks like a call of a function which is not known to be built in, whatever the
/// statement's syntax is.
pub fn unknown_call(text: &[u8], tokens: &[Token], flavor: Flavor) -> Option<String> {
    let is = |i: usize, op| tokens.get(i).map(|t| t.kind) == Some(TokenKind::Op(op));
    for (i, t) in tokens.iter().enumerate() {
        if !is(i + 1, Op::LParen) {
            continue;
        }
        let Some(name) = name_of(text, *t) else {
            continue;
        };
        let quoted = t.kind != TokenKind::Word;
        let qualified = i > 0 && is(i - 1, Op::Dot);
        let keyword = !quoted && NO_CALLS.iter().any(|w| name.eq_ignore_ascii_case(w));
        let known = !qualified && functions::find(&name, quoted, flavor).is_some();
        if !(keyword || known || is_column_list(text, tokens, i)) {
            return Some(name);
        }
    }
    None
}

/// True for `q (a, b) AS (` of a WITH.
fn is_column_list(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let op = |t: &Token, op| t.kind == TokenKind::Op(op);
    let mut rest = tokens.iter().skip(at + 2);
    for t in rest.by_ref() {
        if op(t, Op::RParen) {
            break;
        }
        if !op(t, Op::Comma) && name_of(text, *t).is_none() {
            return false;
        }
    }
    let is_as = rest
        .next()
        .is_some_and(|t| crate::traits::is_word(text, *t, b"AS"));
    is_as && rest.next().is_some_and(|t| op(t, Op::LParen))
}
