//! SET: what is assigned, and the text of each value.

use crate::cursor::Cursor;
use crate::lexer::{Op, TokenKind};
use std::ops::Range;

/// What an assignment changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetTarget {
    /// @name
    UserVariable(String),
    /// A session system variable (lower case).
    Session(String),
    /// NAMES, with an optional collation.
    Names {
        /// Lower-case character set, `None` for DEFAULT.
        charset: Option<String>,
        /// Lower-case collation.
        collation: Option<String>,
    },
    /// CHARACTER SET.
    CharacterSet(Option<String>),
    /// TRANSACTION characteristics of the next transaction (false) or of the session (true).
    Transaction {
        /// SESSION was said.
        session: bool,
        /// Isolation level with spaces, upper case.
        isolation: Option<String>,
        /// READ ONLY (true) or READ WRITE (false).
        read_only: Option<bool>,
    },
}

/// What kind of text the value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetValueKind {
    /// A single literal, a signed number or a bare word such as ON: means the same anywhere.
    Constant,
    /// DEFAULT.
    Default,
    /// Anything else: its value is known only after the server computed it.
    Expression,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// What is set.
    pub target: SetTarget,
    /// The bytes of the value (empty for NAMES, CHARACTER SET and TRANSACTION).
    pub value: Range<usize>,
    /// What they are.
    pub kind: SetValueKind,
}

/// A SET statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Set {
    /// Assignments to this session.
    Session(Vec<Assignment>),
    /// GLOBAL or PERSIST anywhere.
    Global,
    /// SET STATEMENT ... FOR statement; the token index of the statement.
    Statement(usize),
}

/// Reads a SET statement; `None` if it is none or not understood.
pub fn parse(mut c: Cursor<'_>) -> Option<Set> {
    if !c.eat("SET") {
        return None;
    }
    if c.is_word("PASSWORD") || c.is_word("ROLE") || c.is_word("DEFAULT") {
        return None;
    }
    if c.is_word("STATEMENT")
        && !c
            .peek_at(1)
            .is_some_and(|t| t.kind == TokenKind::Op(Op::Eq))
    {
        while let Some(t) = c.next() {
            if t.kind == TokenKind::Word && c.bytes(t).eq_ignore_ascii_case(b"FOR") {
                return Some(Set::Statement(c.index));
            }
        }
        return None;
    }
    let mut out = Vec::new();
    loop {
        if c.is_word("GLOBAL") || c.is_word("PERSIST") || c.is_word("PERSIST_ONLY") {
            return Some(Set::Global);
        }
        let session = c.eat_one(&["SESSION", "LOCAL"]).is_some();
        let item = if c.is_word("TRANSACTION") {
            transaction(&mut c, session)?
        } else {
            match assignment(&mut c)? {
                Some(item) => item,
                None => return Some(Set::Global),
            }
        };
        out.push(item);
        if c.at_end() {
            return Some(Set::Session(out));
        }
        if !c.eat_op(Op::Comma) {
            return None;
        }
    }
}

fn constant(target: SetTarget) -> Assignment {
    Assignment {
        target,
        value: 0..0,
        kind: SetValueKind::Constant,
    }
}

fn transaction(c: &mut Cursor<'_>, session: bool) -> Option<Assignment> {
    c.next();
    let (mut isolation, mut read_only) = (None, None);
    loop {
        if c.eat_all(&["ISOLATION", "LEVEL"]) {
            let level = [
                (&["READ", "UNCOMMITTED"][..], "READ UNCOMMITTED"),
                (&["READ", "COMMITTED"], "READ COMMITTED"),
                (&["REPEATABLE", "READ"], "REPEATABLE READ"),
                (&["SERIALIZABLE"], "SERIALIZABLE"),
            ];
            isolation = Some(level.iter().find(|(w, _)| c.eat_all(w))?.1.to_string());
        } else if c.eat_all(&["READ", "ONLY"]) {
            read_only = Some(true);
        } else if c.eat_all(&["READ", "WRITE"]) {
            read_only = Some(false);
        } else {
            return None;
        }
        if c.at_end() {
            return Some(constant(SetTarget::Transaction {
                session,
                isolation,
                read_only,
            }));
        }
        if !c.eat_op(Op::Comma) {
            return None;
        }
    }
}

/// One assignment; `Some(None)` if it is global.
fn assignment(c: &mut Cursor<'_>) -> Option<Option<Assignment>> {
    if c.is_word("NAMES")
        && !c
            .peek_at(1)
            .is_some_and(|t| t.kind == TokenKind::Op(Op::Eq))
    {
        c.next();
        if c.eat("DEFAULT") {
            return Some(Some(constant(SetTarget::Names {
                charset: None,
                collation: None,
            })));
        }
        let charset = Some(c.name_or_string()?.to_ascii_lowercase());
        let mut collation = None;
        if c.eat("COLLATE") {
            collation = Some(c.name_or_string()?.to_ascii_lowercase());
        }
        return Some(Some(constant(SetTarget::Names { charset, collation })));
    }
    if c.eat_all(&["CHARACTER", "SET"]) || c.eat("CHARSET") {
        let charset = match c.eat("DEFAULT") {
            true => None,
            false => Some(c.name_or_string()?.to_ascii_lowercase()),
        };
        return Some(Some(constant(SetTarget::CharacterSet(charset))));
    }
    let Some(target) = target(c)? else {
        return Some(None);
    };
    if !c.eat_op(Op::Eq) && !c.eat_op(Op::Assign) {
        return None;
    }
    let start = c.position();
    let first = c.index;
    let mut depth = 0usize;
    while let Some(t) = c.peek() {
        match t.kind {
            TokenKind::Op(Op::LParen) => depth += 1,
            TokenKind::Op(Op::RParen) => depth = depth.checked_sub(1)?,
            TokenKind::Op(Op::Comma | Op::Semicolon) if depth == 0 => break,
            _ => {}
        }
        c.next();
    }
    let value = start..c.end_of_last();
    if c.index == first {
        return None;
    }
    let kind = value_kind(c, first);
    Some(Some(Assignment {
        target,
        value,
        kind,
    }))
}

/// The assigned variable; `Some(None)` if it is global.
fn target(c: &mut Cursor<'_>) -> Option<Option<SetTarget>> {
    let t = c.peek()?;
    match t.kind {
        TokenKind::UserVar => {
            c.next();
            Some(Some(SetTarget::UserVariable(user_variable_name(
                c.bytes(t),
            )?)))
        }
        TokenKind::SysVar => {
            c.next();
            let full = std::str::from_utf8(c.bytes(t)).ok()?[2..].to_ascii_lowercase();
            let full = full.trim_matches('`').to_string();
            Some(match full.split_once('.') {
                Some(("session" | "local", name)) => Some(SetTarget::Session(name.to_string())),
                Some(_) => None,
                None => Some(SetTarget::Session(full)),
            })
        }
        _ => Some(Some(SetTarget::Session(c.name()?.to_ascii_lowercase()))),
    }
}

/// The name in `@name`, lower case (user variables ignore case).
pub fn user_variable_name(raw: &[u8]) -> Option<String> {
    let s = std::str::from_utf8(raw.get(1..)?).ok()?;
    let s = match s.chars().next()? {
        '`' | '\'' | '"' => s.get(1..s.len() - 1)?,
        _ => s,
    };
    Some(s.to_lowercase())
}

fn value_kind(c: &Cursor<'_>, first: usize) -> SetValueKind {
    let mut at = c.at(first);
    let count = c.index - first;
    let signed = at.is_op(Op::Minus) || at.is_op(Op::Plus);
    if signed {
        at.next();
    }
    let Some(t) = at.peek() else {
        return SetValueKind::Expression;
    };
    let number = matches!(
        t.kind,
        TokenKind::Int | TokenKind::Decimal | TokenKind::Float
    );
    if count == 2 && signed && number {
        return SetValueKind::Constant;
    }
    if count != 1 {
        return SetValueKind::Expression;
    }
    match t.kind {
        TokenKind::Word if c.bytes(t).eq_ignore_ascii_case(b"DEFAULT") => SetValueKind::Default,
        TokenKind::Word => SetValueKind::Constant,
        _ if t.is_literal() => SetValueKind::Constant,
        _ => SetValueKind::Expression,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, LexMode, Lexed};

    fn p(sql: &str) -> Option<Set> {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        parse(Cursor::new(sql.as_bytes(), &l.tokens, LexMode::default()))
    }

    fn items(sql: &str) -> Vec<(SetTarget, String, SetValueKind)> {
        match p(sql) {
            Some(Set::Session(v)) => v
                .into_iter()
                .map(|a| (a.target, sql[a.value].to_string(), a.kind))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_drivers_send() {
        let s = |n: &str| SetTarget::Session(n.into());
        assert_eq!(
            items("SET autocommit=1, sql_mode=concat(@@sql_mode,',STRICT_TRANS_TABLES')"),
            [
                (s("autocommit"), "1".into(), SetValueKind::Constant),
                (
                    s("sql_mode"),
                    "concat(@@sql_mode,',STRICT_TRANS_TABLES')".into(),
                    SetValueKind::Expression
                ),
            ]
        );
        assert_eq!(
            items("set names utf8mb4 collate 'utf8mb4_bin'")[0].0,
            SetTarget::Names {
                charset: Some("utf8mb4".into()),
                collation: Some("utf8mb4_bin".into())
            }
        );
        assert_eq!(
            items("SET @@session.time_zone := '+00:00'")[0].0,
            s("time_zone")
        );
        assert_eq!(
            items("SET @X = -1")[0],
            (
                SetTarget::UserVariable("x".into()),
                "-1".into(),
                SetValueKind::Constant
            )
        );
        assert_eq!(
            items("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY")[0].0,
            SetTarget::Transaction {
                session: true,
                isolation: Some("READ COMMITTED".into()),
                read_only: Some(true)
            }
        );
    }

    #[test]
    fn what_is_not_the_sessions() {
        assert_eq!(p("SET GLOBAL max_connections=1"), Some(Set::Global));
        assert_eq!(p("SET a=1, @@global.b=2"), Some(Set::Global));
        assert_eq!(p("SET PASSWORD = 'x'"), None);
        assert!(matches!(
            p("SET STATEMENT max_statement_time=1 FOR SELECT 1"),
            Some(Set::Statement(6))
        ));
        assert_eq!(p("SET x"), None);
    }
}
