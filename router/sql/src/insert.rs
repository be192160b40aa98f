//! INSERT and REPLACE, read from tokens: rows, values and their places.
//!
//! Places are token indexes, so that a cached plan serves every text with the same digest.

use crate::cursor::Cursor;
use crate::ident::ObjectName;
use crate::lexer::{Op, Token, TokenKind};
use std::ops::Range;

/// What a value of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A literal token, with a minus sign in front if `negated`.
    Literal {
        /// Index of the literal's token.
        token: u32,
        /// A minus sign stands in front.
        negated: bool,
    },
    /// The parameter with this number, from 0.
    Param(u16),
    /// NULL.
    Null,
    /// DEFAULT.
    Default,
    /// An expression.
    Expression,
}

/// A value: its tokens, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Token range.
    pub tokens: Range<u32>,
    /// What it is.
    pub kind: ValueKind,
}

/// A row of VALUES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Token range, parentheses included.
    pub tokens: Range<u32>,
    /// Numbers of the parameters inside.
    pub params: Range<u16>,
    /// Its values.
    pub values: Vec<Value>,
}

/// Where the rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertSource {
    /// VALUES (...), (...)
    Values(Vec<Row>),
    /// SET a = 1, b = 2: as one row.
    Set(Vec<Value>),
    /// SELECT, TABLE or WITH, from this token on.
    Select(u32),
}

/// An INSERT or REPLACE statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insert {
    /// REPLACE rather than INSERT.
    pub replace: bool,
    /// INSERT IGNORE.
    pub ignore: bool,
    /// The table.
    pub table: ObjectName,
    /// The columns named, if any.
    pub columns: Option<Vec<String>>,
    /// Token index of the parenthesis that closes the column list.
    pub columns_close: Option<u32>,
    /// The rows.
    pub source: InsertSource,
    /// Token index behind the rows.
    pub tail: u32,
    /// Parameters in front of the rows' end (those behind belong to the tail).
    pub params_in_rows: u16,
    /// Columns assigned by ON DUPLICATE KEY UPDATE.
    pub on_duplicate: Option<Vec<String>>,
    /// RETURNING follows.
    pub returning: bool,
}

/// Reads the statement; `None` if it is no INSERT or REPLACE, or not understood.
pub fn parse(mut c: Cursor<'_>) -> Option<Insert> {
    let replace = c.eat("REPLACE");
    if !replace && !c.eat("INSERT") {
        return None;
    }
    let mut ignore = false;
    loop {
        if c.eat("IGNORE") {
            ignore = true;
        } else if c
            .eat_one(&["LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED"])
            .is_none()
            && !eat_hint(&mut c)
        {
            break;
        }
    }
    c.eat("INTO");
    let table = c.object_name()?;
    if c.eat("PARTITION") {
        c.skip_group()?;
    }
    let mut columns = None;
    let mut columns_close = None;
    if c.is_op(Op::LParen) && !c.is_word_at(1, "SELECT") && !c.is_word_at(1, "WITH") {
        columns = Some(column_list(&mut c)?);
        columns_close = Some(c.index as u32 - 1);
    }
    let mut params = 0;
    let source = source(&mut c, &mut columns, &mut params)?;
    let tail = c.index as u32;
    let (on_duplicate, returning) = match source {
        InsertSource::Select(_) => (None, false),
        _ => tail_clauses(&mut c)?,
    };
    let params_in_rows = params;
    Some(Insert {
        replace,
        ignore,
        table,
        columns,
        columns_close,
        source,
        tail,
        params_in_rows,
        on_duplicate,
        returning,
    })
}

fn eat_hint(c: &mut Cursor<'_>) -> bool {
    let yes = c.peek().is_some_and(|t| t.kind == TokenKind::Hint);
    c.index += usize::from(yes);
    yes
}

/// `(a, t.b)`, also empty.
fn column_list(c: &mut Cursor<'_>) -> Option<Vec<String>> {
    c.eat_op(Op::LParen);
    let mut out = Vec::new();
    if c.eat_op(Op::RParen) {
        return Some(out);
    }
    loop {
        let mut name = c.name()?;
        while c.eat_op(Op::Dot) {
            name = c.name()?;
        }
        out.push(name);
        if c.eat_op(Op::RParen) {
            return Some(out);
        }
        if !c.eat_op(Op::Comma) {
            return None;
        }
    }
}

fn source(
    c: &mut Cursor<'_>,
    columns: &mut Option<Vec<String>>,
    params: &mut u16,
) -> Option<InsertSource> {
    if c.eat("VALUES") || c.eat("VALUE") {
        let mut rows = Vec::new();
        loop {
            c.eat("ROW");
            rows.push(row(c, params)?);
            if !c.eat_op(Op::Comma) {
                return Some(InsertSource::Values(rows));
            }
        }
    }
    if c.eat("SET") {
        let (names, values) = assignments(c, params)?;
        *columns = Some(names);
        return Some(InsertSource::Set(values));
    }
    let select =
        c.is_op(Op::LParen) || c.is_word("SELECT") || c.is_word("WITH") || c.is_word("TABLE");
    select.then_some(InsertSource::Select(c.index as u32))
}

fn row(c: &mut Cursor<'_>, params: &mut u16) -> Option<Row> {
    let start = c.index as u32;
    let first = *params;
    if !c.eat_op(Op::LParen) {
        return None;
    }
    let mut values = Vec::new();
    if !c.is_op(Op::RParen) {
        loop {
            values.push(value(c, params)?);
            if !c.eat_op(Op::Comma) {
                break;
            }
        }
    }
    if !c.eat_op(Op::RParen) {
        return None;
    }
    Some(Row {
        tokens: start..c.index as u32,
        params: first..*params,
        values,
    })
}

/// One value, up to a comma or parenthesis outside of groups, or the end.
fn value(c: &mut Cursor<'_>, params: &mut u16) -> Option<Value> {
    let start = c.index;
    let first_param = *params;
    let mut depth = 0usize;
    while let Some(t) = c.peek() {
        match t.kind {
            TokenKind::Op(Op::LParen) => depth += 1,
            TokenKind::Op(Op::RParen) if depth == 0 => break,
            TokenKind::Op(Op::RParen) => depth -= 1,
            TokenKind::Op(Op::Comma | Op::Semicolon) if depth == 0 => break,
            TokenKind::Param => *params = params.checked_add(1)?,
            TokenKind::Word if depth == 0 && c.is_word("ON") && c.is_word_at(1, "DUPLICATE") => {
                break;
            }
            TokenKind::Word if depth == 0 && c.is_word("RETURNING") => break,
            _ => {}
        }
        c.next();
    }
    let at = c.at(start);
    let kind = value_kind(&at, c.index - start, first_param)?;
    Some(Value {
        tokens: start as u32..c.index as u32,
        kind,
    })
}

fn value_kind(at: &Cursor<'_>, count: usize, param: u16) -> Option<ValueKind> {
    let first = at.peek().filter(|_| count > 0)?;
    if count == 2 && at.is_op(Op::Minus) {
        let second = at.peek_at(1)?;
        let number = matches!(
            second.kind,
            TokenKind::Int | TokenKind::Decimal | TokenKind::Float
        );
        if number {
            return Some(ValueKind::Literal {
                token: at.index as u32 + 1,
                negated: true,
            });
        }
    }
    if count != 1 {
        return Some(ValueKind::Expression);
    }
    Some(match first.kind {
        TokenKind::Param => ValueKind::Param(param),
        TokenKind::Word if at.is_word("NULL") => ValueKind::Null,
        TokenKind::Word if at.is_word("DEFAULT") => ValueKind::Default,
        _ if first.is_literal() => ValueKind::Literal {
            token: at.index as u32,
            negated: false,
        },
        _ => ValueKind::Expression,
    })
}

fn assignments(c: &mut Cursor<'_>, params: &mut u16) -> Option<(Vec<String>, Vec<Value>)> {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    loop {
        let mut name = c.name()?;
        while c.eat_op(Op::Dot) {
            name = c.name()?;
        }
        names.push(name);
        if !c.eat_op(Op::Eq) && !c.eat_op(Op::Assign) {
            return None;
        }
        values.push(value(c, params)?);
        if !c.eat_op(Op::Comma) {
            return Some((names, values));
        }
    }
}

/// ON DUPLICATE KEY UPDATE and RETURNING.
fn tail_clauses(c: &mut Cursor<'_>) -> Option<(Option<Vec<String>>, bool)> {
    if c.eat("AS") {
        c.name()?;
        if c.is_op(Op::LParen) {
            c.skip_group()?;
        }
    }
    let mut on_duplicate = None;
    if c.eat_all(&["ON", "DUPLICATE", "KEY", "UPDATE"]) {
        let mut ignored = 0;
        on_duplicate = Some(assignments(c, &mut ignored)?.0);
    }
    let returning = c.is_word("RETURNING");
    (returning || c.at_end()).then_some((on_duplicate, returning))
}

/// Byte range of a token range.
pub fn bytes_of(tokens: &[Token], range: &Range<u32>) -> Range<usize> {
    let first = tokens
        .get(range.start as usize)
        .map_or(0, |t| t.start as usize);
    let last = range
        .end
        .checked_sub(1)
        .and_then(|i| tokens.get(i as usize));
    first..last.map_or(first, |t| t.end as usize).max(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, LexMode, Lexed};

    fn p(sql: &str) -> Option<Insert> {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        parse(Cursor::new(sql.as_bytes(), &l.tokens, LexMode::default()))
    }

    #[test]
    fn rows_and_values() {
        let i = p(
            "INSERT IGNORE INTO d.t (a, `b`, c) VALUES (1, -2, now(3)), (?, NULL, DEFAULT) \
                   ON DUPLICATE KEY UPDATE c = VALUES(c) + ?, b = 1",
        )
        .unwrap();
        assert!(i.ignore && !i.replace);
        assert_eq!(i.table.to_string(), "d.t");
        assert_eq!(i.columns.unwrap(), ["a", "b", "c"]);
        let InsertSource::Values(rows) = i.source else {
            panic!()
        };
        assert!(matches!(
            rows[0].values[1].kind,
            ValueKind::Literal { negated: true, .. }
        ));
        assert_eq!(rows[0].values[2].kind, ValueKind::Expression);
        let kinds: Vec<_> = rows[1].values.iter().map(|v| v.kind).collect();
        assert_eq!(
            kinds,
            [ValueKind::Param(0), ValueKind::Null, ValueKind::Default]
        );
        assert_eq!(rows[1].params, 0..1);
        assert_eq!(i.on_duplicate.unwrap(), ["c", "b"]);
        assert_eq!(i.params_in_rows, 1);
    }

    #[test]
    fn other_forms() {
        assert!(
            matches!(p("REPLACE t SET a=1, b=?").unwrap().source, InsertSource::Set(v) if v.len() == 2)
        );
        assert!(matches!(
            p("insert into t select * from u").unwrap().source,
            InsertSource::Select(3)
        ));
        assert!(matches!(
            p("insert into t (a) (select 1)").unwrap().source,
            InsertSource::Select(6)
        ));
        assert!(p("insert t values ()").is_some());
        assert!(p("insert t values (1,2) returning a").unwrap().returning);
        assert!(p("insert into t values (1").is_none());
        assert!(p("insert into t values (1) garbage").is_none());
    }
}
