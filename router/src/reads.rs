//! What a read depends on, read off its tokens: whether it finds one row by a whole unique key, and what
//! of its session it needs. Sessions that differ only in the rest share a pipeline.
//!
//! Everything here errs to one side: a statement that is not understood depends on everything.

mod unique;

use crate::functions;
use crate::names::named;
use crate::plan::PlanContext;
use crate::scope::is_system_schema;
use crate::traits::is_word;
use catalog::Placement;
use sql::Statement;
use sql::ident::name_of;
use sql::lexer::{Op, Token, TokenKind};

/// What a read depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadNeeds {
    /// It finds at most one row, by an index, and that row is small: fast by its structure.
    pub unique: bool,
    /// It may call a routine or ask for a variable, so that every setting of the session may matter.
    pub all_settings: bool,
    /// Its names mean what they mean in the session's database.
    pub database: bool,
}

/// Words that may stand before a parenthesis without calling anything.
const KEYWORDS: [&[u8]; 24] = [
    b"IN", b"AND", b"OR", b"NOT", b"XOR", b"WHERE", b"ON", b"USING", b"FROM", b"SELECT", b"EXISTS",
    b"ANY", b"ALL", b"SOME", b"BETWEEN", b"LIKE", b"WHEN", b"THEN", b"ELSE", b"BY", b"HAVING",
    b"AS", b"UNION", b"JOIN",
];

fn any_word(text: &[u8], t: Token, words: &[&[u8]]) -> bool {
    words.iter().any(|w| is_word(text, t, w))
}

impl ReadNeeds {
    /// What is assumed of a statement that is not understood.
    const EVERYTHING: ReadNeeds = ReadNeeds {
        unique: false,
        all_settings: true,
        database: true,
    };

    /// Reads them off a statement.
    pub fn of(ctx: PlanContext<'_>, text: &[u8], tokens: &[Token], statement: &Statement) -> Self {
        if !matches!(statement, Statement::Query) || !is_plain(ctx, text, tokens) {
            return Self::EVERYTHING;
        }
        let mut out = ReadNeeds {
            all_settings: false,
            ..Self::EVERYTHING
        };
        if let Some(one) = OneTable::of(text, tokens) {
            out.database = one.database.is_none() || asks_for_database(text, tokens);
            let database = one.database.as_deref().or(ctx.database);
            let table = database.and_then(|d| ctx.catalog.table(d, &one.table));
            out.unique = table.is_some_and(|t| unique::finds_one_small_row(t, &one, text));
        }
        out
    }
}

/// True if nothing can run that its text does not show: no routine, no view, no table of the server's own,
/// no variable, no hint.
fn is_plain(ctx: PlanContext<'_>, text: &[u8], tokens: &[Token]) -> bool {
    let tables = named(ctx.catalog, ctx.database, text, tokens).tables;
    let is_view = |p: &Placement| matches!(p, Placement::View(_));
    if tables.is_empty() || tables.iter().any(|t| is_view(&t.placement)) {
        return false;
    }
    tokens.iter().enumerate().all(|(i, t)| match t.kind {
        TokenKind::SysVar | TokenKind::UserVar | TokenKind::Hint => false,
        TokenKind::Word | TokenKind::QuotedName => {
            let named = name_of(text, *t).is_some_and(|n| !is_system_schema(&n));
            named && is_harmless(ctx, text, tokens, i)
        }
        _ => true,
    })
}

/// True unless the name at an index calls something that is not built in. With a space before the
/// parenthesis, or a database before the name, a stored function of the same name may be meant.
fn is_harmless(ctx: PlanContext<'_>, text: &[u8], tokens: &[Token], at: usize) -> bool {
    let (t, next) = (tokens[at], tokens.get(at + 1));
    let Some(open) = next.filter(|n| n.kind == TokenKind::Op(Op::LParen)) else {
        return true;
    };
    let dotted = at > 0 && tokens[at - 1].kind == TokenKind::Op(Op::Dot);
    if dotted || any_word(text, t, &KEYWORDS) {
        return !dotted;
    }
    let quoted = t.kind == TokenKind::QuotedName;
    let name = name_of(text, t).filter(|_| t.end == open.start);
    name.is_some_and(|n| functions::find(&n, quoted, ctx.flavor).is_some())
}

/// True if a function asks for the current database.
fn asks_for_database(text: &[u8], tokens: &[Token]) -> bool {
    tokens.iter().any(|t| {
        let name = name_of(text, *t);
        name.is_some_and(|n| functions::effects(n.as_bytes(), false).database)
    })
}

/// `SELECT ... FROM [database.]table [[AS] alias] [WHERE ...]`, and nothing else that names a table.
struct OneTable<'t> {
    database: Option<String>,
    table: String,
    /// Tokens between SELECT and FROM.
    list: &'t [Token],
    /// Tokens behind WHERE.
    condition: &'t [Token],
}

impl<'t> OneTable<'t> {
    fn of(text: &[u8], tokens: &'t [Token]) -> Option<Self> {
        let others = [
            &b"JOIN"[..],
            b"STRAIGHT_JOIN",
            b"UNION",
            b"WITH",
            b"TABLE",
            b"INTO",
        ];
        let count = |w: &[u8]| tokens.iter().filter(|t| is_word(text, **t, w)).count();
        if count(b"SELECT") != 1
            || count(b"FROM") != 1
            || tokens.iter().any(|t| any_word(text, *t, &others))
        {
            return None;
        }
        let from = tokens.iter().position(|t| is_word(text, *t, b"FROM"))?;
        let first = name_of(text, *tokens.get(from + 1)?)?;
        let dot = tokens.get(from + 2).map(|t| t.kind) == Some(TokenKind::Op(Op::Dot));
        let (database, table, mut at) = match dot {
            true => (
                Some(first),
                name_of(text, *tokens.get(from + 3)?)?,
                from + 4,
            ),
            false => (None, first, from + 2),
        };
        let clauses = [&b"WHERE"[..], b"ORDER", b"LIMIT", b"GROUP", b"HAVING"];
        let ends = |at: usize| match tokens.get(at) {
            None => true,
            Some(t) => any_word(text, *t, &clauses) || t.kind == TokenKind::Op(Op::Semicolon),
        };
        if !ends(at) {
            at += usize::from(is_word(text, tokens[at], b"AS"));
            name_of(text, *tokens.get(at)?)?;
            at += 1;
        }
        let condition = match tokens.get(at) {
            _ if !ends(at) => return None,
            Some(t) if is_word(text, *t, b"WHERE") => &tokens[at + 1..],
            _ => &[],
        };
        Some(Self {
            database,
            table,
            list: tokens.get(1..from)?,
            condition,
        })
    }

    /// Columns that must equal a value, and that value's token, if the condition is `column = value AND ...`
    /// and no more.
    fn equalities(&self, text: &[u8]) -> Vec<(String, Token)> {
        let mut out = Vec::new();
        let mut rest = self.condition;
        loop {
            let Some((column, value, behind)) = equality(text, rest) else {
                return Vec::new();
            };
            out.push((column, value));
            match behind.split_first() {
                Some((t, more)) if is_word(text, *t, b"AND") => rest = more,
                Some((t, _)) if any_word(text, *t, &[b"LIMIT", b"ORDER"]) => return out,
                Some((t, _)) if t.kind == TokenKind::Op(Op::Semicolon) => return out,
                Some(_) => return Vec::new(),
                None => return out,
            }
        }
    }
}

/// `[[database.]table.]column = value` at the front: the column, the value, and the tokens behind it.
fn equality<'t>(text: &[u8], mut tokens: &'t [Token]) -> Option<(String, Token, &'t [Token])> {
    while let [_, dot, ..] = tokens
        && dot.kind == TokenKind::Op(Op::Dot)
    {
        tokens = &tokens[2..];
    }
    let [column, equals, rest @ ..] = tokens else {
        return None;
    };
    let column = name_of(text, *column)?;
    let (value, behind) = match rest {
        [minus, value, behind @ ..] if minus.kind == TokenKind::Op(Op::Minus) => (value, behind),
        [value, behind @ ..] => (value, behind),
        [] => return None,
    };
    let is_value = value.is_literal() || value.kind == TokenKind::Param;
    (equals.kind == TokenKind::Op(Op::Eq) && is_value).then_some((column, *value, behind))
}

#[cfg(test)]
mod tests;
