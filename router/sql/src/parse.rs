//! sqlparser, fed with our tokens.
//!
//! The parser never sees text: it gets the tokens of our lexer, so version comments, sql_mode and
//! positions are ours. A position is a byte: line 1, column byte + 1. What the parser is known to
//! read differently from MySQL is listed in [`Doubt`]; a statement with a doubt may be sent whole to
//! a place that holds all its tables, but nothing is concluded from its conditions.

use crate::ident::name_of;
use crate::lexer::{Op, Token, TokenKind};
use crate::literal::unescape;
use crate::mode::LexMode;
use sqlparser::ast::Statement as Ast;
use sqlparser::dialect::MySqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Span, Token as Pt, TokenWithSpan, Word};

/// A reason not to trust the shape of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// XOR, whose precedence the parser has wrong.
    Xor,
    /// := inside an expression.
    Assignment,
    /// Adjacent strings, which are one value.
    AdjacentStrings,
    /// BINARY or ! in front of an expression bind differently.
    Prefix,
    /// sql_mode=ORACLE or HIGH_NOT_PRECEDENCE-like grammar changes.
    Grammar,
}

/// Limits that keep the recursive parser within its stack.
const OPERATORS_MAX: usize = 5_000;
/// UNION, EXCEPT and INTERSECT in one statement.
const SET_OPERATIONS_MAX: usize = 200;
/// Nested parentheses.
const DEPTH_MAX: usize = 100;

/// Why there is no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The parser does not know this SQL.
    #[error("{0}")]
    Syntax(String),
    /// Too many operators, unions or parentheses to parse safely.
    #[error("the statement has more than {max} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        max: usize,
    },
}

/// A parsed statement and what to doubt about it.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The tree.
    pub ast: Box<Ast>,
    /// Why its conditions must not be used, if so.
    pub doubt: Option<Doubt>,
}

/// Parses one statement.
pub fn parse(text: &[u8], tokens: &[Token], mode: LexMode) -> Result<Parsed, ParseError> {
    check_size(text, tokens)?;
    let mut out = Vec::with_capacity(tokens.len() + 1);
    let (commas, stars) = (joining_commas(text, tokens), target_stars(text, tokens));
    for (i, t) in tokens.iter().enumerate() {
        if is_modifier(text, tokens, i) || stars.contains(&i) {
            continue;
        }
        if commas.contains(&i) {
            for word in ["CROSS", "JOIN"] {
                let token = Pt::make_keyword(word);
                let span = span(*t);
                out.push(TokenWithSpan { token, span });
            }
            continue;
        }
        if let Some(token) = convert(text, *t, mode) {
            out.push(TokenWithSpan {
                token,
                span: span(*t),
            });
        }
    }
    let mut parser = Parser::new(&MySqlDialect {}).with_tokens_with_locations(out);
    let ast = parser
        .parse_statement()
        .map_err(|e| ParseError::Syntax(e.to_string()))?;
    let next = parser.next_token();
    if !matches!(next.token, Pt::EOF | Pt::SemiColon) {
        return Err(ParseError::Syntax(format!("unexpected {}", next.token)));
    }
    Ok(Parsed {
        ast: Box::new(ast),
        doubt: doubt(text, tokens, mode),
    })
}

/// Words behind SELECT that say how a server is to work, not what the rows are.
const SELECT_MODIFIERS: [&str; 8] = [
    "HIGH_PRIORITY",
    "STRAIGHT_JOIN",
    "SQL_SMALL_RESULT",
    "SQL_BIG_RESULT",
    "SQL_BUFFER_RESULT",
    "SQL_CACHE",
    "SQL_NO_CACHE",
    "SQL_CALC_FOUND_ROWS",
];
/// The same behind UPDATE and DELETE, and IGNORE, which concerns each row by itself.
const WRITE_MODIFIERS: [&str; 3] = ["LOW_PRIORITY", "QUICK", "IGNORE"];

/// True for a modifier behind its verb: the parser would take it for a column or a table.
fn is_modifier(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let word = |i: usize, list: &[&str]| {
        let t = tokens[i];
        let w = &text[t.range()];
        t.kind == TokenKind::Word && list.iter().any(|m| w.eq_ignore_ascii_case(m.as_bytes()))
    };
    let behind = |list: &[&str], also: &[&str]| match word(at, list) {
        true => (0..at).rev().find(|i| !word(*i, list) && !word(*i, also)),
        false => None,
    };
    if let Some(verb) = behind(&WRITE_MODIFIERS, &[]) {
        return verb == 0 && word(0, &["UPDATE", "DELETE"]);
    }
    behind(&SELECT_MODIFIERS, &["ALL", "DISTINCT", "DISTINCTROW"]).is_some_and(|i| {
        let qualified = i > 0 && tokens[i - 1].kind == TokenKind::Op(Op::Dot);
        word(i, &["SELECT"]) && !qualified
    })
}

/// Commas between the tables of `UPDATE a, b SET`, which the parser knows as joins only; none beside a RIGHT
/// JOIN, which binds closer than a comma.
fn joining_commas(text: &[u8], tokens: &[Token]) -> Vec<usize> {
    let is = |i: usize, w: &[u8]| is_word(text, tokens, i, w);
    let Some(set) = top_level(tokens)
        .find(|i| is(*i, b"SET"))
        .filter(|_| is(0, b"UPDATE"))
    else {
        return Vec::new();
    };
    if (0..set).any(|i| is(i, b"RIGHT")) {
        return Vec::new();
    }
    let comma = |i: &usize| tokens[*i].kind == TokenKind::Op(Op::Comma);
    top_level(tokens)
        .take_while(|i| *i < set)
        .filter(comma)
        .collect()
}

/// `.*` behind the targets of `DELETE a.* FROM` and `DELETE FROM a.* USING`.
fn target_stars(text: &[u8], tokens: &[Token]) -> Vec<usize> {
    let is = |i: usize, w: &[u8]| is_word(text, tokens, i, w);
    let first = |w: &[u8]| top_level(tokens).find(|i| is(*i, w));
    let Some(from) = first(b"FROM").filter(|_| is(0, b"DELETE")) else {
        return Vec::new();
    };
    let op = |i: usize, op| tokens.get(i).map(|t| t.kind) == Some(TokenKind::Op(op));
    let condition = first(b"WHERE").unwrap_or(tokens.len());
    let end = first(b"USING").filter(|u| *u < condition && is_targets_end(tokens, *u));
    let dots = (0..end.unwrap_or(from)).filter(|i| op(*i, Op::Dot) && op(i + 1, Op::Star));
    dots.flat_map(|i| [i, i + 1]).collect()
}

/// False for the USING of a join, which has columns in parentheses.
fn is_targets_end(tokens: &[Token], using: usize) -> bool {
    tokens
        .get(using + 1)
        .is_none_or(|t| t.kind != TokenKind::Op(Op::LParen))
}

/// Tokens outside of parentheses.
fn top_level(tokens: &[Token]) -> impl Iterator<Item = usize> {
    let mut depth = 0usize;
    tokens.iter().enumerate().filter_map(move |(i, t)| {
        match t.kind {
            TokenKind::Op(Op::LParen) => depth += 1,
            TokenKind::Op(Op::RParen) => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(i)
    })
}

fn is_word(text: &[u8], tokens: &[Token], at: usize, upper: &[u8]) -> bool {
    let word = |t: &Token| t.kind == TokenKind::Word && text[t.range()].eq_ignore_ascii_case(upper);
    tokens.get(at).is_some_and(word)
}

/// The token that begins at the position the parser reports, by binary search.
pub fn token_at(tokens: &[Token], span: Span) -> Option<u32> {
    let byte = u32::try_from(span.start.column.checked_sub(1)?).ok()?;
    tokens
        .binary_search_by_key(&byte, |t| t.start)
        .ok()
        .map(|i| i as u32)
}

fn span(t: Token) -> Span {
    let at = |byte: u32| Location {
        line: 1,
        column: u64::from(byte) + 1,
    };
    Span {
        start: at(t.start),
        end: at(t.end),
    }
}

fn check_size(text: &[u8], tokens: &[Token]) -> Result<(), ParseError> {
    let (mut operators, mut unions, mut depth, mut deepest) = (0, 0, 0usize, 0);
    for t in tokens {
        match t.kind {
            TokenKind::Op(Op::LParen) => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            TokenKind::Op(Op::RParen) => depth = depth.saturating_sub(1),
            TokenKind::Op(Op::OrOr | Op::AndAnd | Op::Plus | Op::Minus | Op::Star | Op::Not) => {
                operators += 1;
            }
            TokenKind::Word => {
                let w = &text[t.range()];
                let is = |s: &[u8]| w.eq_ignore_ascii_case(s);
                operators += usize::from(is(b"OR") || is(b"AND") || is(b"NOT") || is(b"CASE"));
                unions += usize::from(is(b"UNION") || is(b"EXCEPT") || is(b"INTERSECT"));
            }
            _ => {}
        }
    }
    for (n, max, what) in [
        (operators, OPERATORS_MAX, "operators"),
        (unions, SET_OPERATIONS_MAX, "set operations"),
        (deepest, DEPTH_MAX, "nested parentheses"),
    ] {
        if n > max {
            return Err(ParseError::TooLarge { what, max });
        }
    }
    Ok(())
}

fn doubt(text: &[u8], tokens: &[Token], mode: LexMode) -> Option<Doubt> {
    if mode.foreign_grammar {
        return Some(Doubt::Grammar);
    }
    for pair in tokens.windows(2) {
        if pair.iter().all(|t| t.kind == TokenKind::Str) {
            return Some(Doubt::AdjacentStrings);
        }
    }
    tokens.iter().find_map(|t| match t.kind {
        TokenKind::Op(Op::Assign) => Some(Doubt::Assignment),
        TokenKind::Op(Op::Not) => Some(Doubt::Prefix),
        TokenKind::Word if text[t.range()].eq_ignore_ascii_case(b"XOR") => Some(Doubt::Xor),
        TokenKind::Word if text[t.range()].eq_ignore_ascii_case(b"BINARY") => Some(Doubt::Prefix),
        _ => None,
    })
}

fn convert(text: &[u8], t: Token, mode: LexMode) -> Option<Pt> {
    let raw = String::from_utf8_lossy(text.get(t.range())?);
    Some(match t.kind {
        TokenKind::Word => Pt::make_word(&raw, None),
        TokenKind::QuotedName => Pt::make_word(&name_of(text, t)?, Some('`')),
        TokenKind::Str => {
            let bytes = unescape(&text[t.range()], mode)?;
            Pt::SingleQuotedString(String::from_utf8_lossy(&bytes).into_owned())
        }
        TokenKind::Int | TokenKind::Decimal | TokenKind::Float => {
            Pt::Number(raw.into_owned(), false)
        }
        TokenKind::Hex => Pt::HexStringLiteral(raw.into_owned()),
        TokenKind::Bit => Pt::SingleQuotedByteStringLiteral(raw.into_owned()),
        TokenKind::Param => Pt::Placeholder("?".to_string()),
        TokenKind::UserVar | TokenKind::SysVar => Pt::Word(Word {
            value: raw.into_owned(),
            quote_style: None,
            keyword: sqlparser::keywords::Keyword::NoKeyword,
        }),
        TokenKind::Hint => return None,
        TokenKind::Op(op) => operator(op, mode),
    })
}

fn operator(op: Op, mode: LexMode) -> Pt {
    match op {
        Op::LParen => Pt::LParen,
        Op::RParen => Pt::RParen,
        Op::Comma => Pt::Comma,
        Op::Semicolon => Pt::SemiColon,
        Op::Dot => Pt::Period,
        Op::Plus => Pt::Plus,
        Op::Minus => Pt::Minus,
        Op::Star => Pt::Mul,
        Op::Slash => Pt::Div,
        Op::Percent => Pt::Mod,
        Op::Eq => Pt::Eq,
        Op::Lt => Pt::Lt,
        Op::Gt => Pt::Gt,
        Op::Not => Pt::ExclamationMark,
        Op::Tilde => Pt::Tilde,
        Op::Caret => Pt::Caret,
        Op::BitAnd => Pt::Ampersand,
        Op::BitOr => Pt::Pipe,
        Op::Colon => Pt::Colon,
        Op::At => Pt::AtSign,
        Op::LBrace => Pt::LBrace,
        Op::RBrace => Pt::RBrace,
        Op::Other => Pt::Char('\\'),
        Op::Le => Pt::LtEq,
        Op::Ge => Pt::GtEq,
        Op::Ne => Pt::Neq,
        Op::NullSafeEq => Pt::Spaceship,
        Op::Shl => Pt::ShiftLeft,
        Op::Shr => Pt::ShiftRight,
        Op::OrOr if mode.pipes_as_concat => Pt::StringConcat,
        Op::OrOr => Pt::make_keyword("OR"),
        Op::AndAnd => Pt::make_keyword("AND"),
        Op::Assign => Pt::Assignment,
        Op::Arrow => Pt::Arrow,
        Op::LongArrow => Pt::LongArrow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, Lexed};

    fn p(sql: &str) -> Result<Parsed, ParseError> {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        parse(sql.as_bytes(), &l.tokens, LexMode::default())
    }

    #[test]
    fn pipes_are_or() {
        let text = p("select 1 from t where x=2 || y and id=1")
            .unwrap()
            .ast
            .to_string();
        assert_eq!(text, "SELECT 1 FROM t WHERE x = 2 OR y AND id = 1");
    }

    #[test]
    fn modifiers_are_no_names() {
        for (sql, read) in [
            (
                "update low_priority ignore t set a = 1",
                "UPDATE t SET a = 1",
            ),
            (
                "delete quick from t where a = 1",
                "DELETE FROM t WHERE a = 1",
            ),
            (
                "select sql_no_cache distinct high_priority a from t",
                "SELECT DISTINCT a FROM t",
            ),
            (
                "select (select sql_cache a from t) from u",
                "SELECT (SELECT a FROM t) FROM u",
            ),
            (
                "select a from `ignore` quick",
                "SELECT a FROM `ignore` quick",
            ),
        ] {
            let ast = p(sql).unwrap().ast.to_string();
            assert_eq!(ast, read, "{sql}");
        }
    }

    #[test]
    fn tables_of_changes_may_be_listed() {
        for (sql, read) in [
            (
                "update t, u set t.a = 1, u.b = 2",
                "UPDATE t CROSS JOIN u SET t.a = 1, u.b = 2",
            ),
            (
                "delete t.* from t where a = 1",
                "DELETE t FROM t WHERE a = 1",
            ),
            (
                "delete from t.* using t join u using (a)",
                "DELETE FROM t USING t JOIN u USING(a)",
            ),
        ] {
            assert_eq!(p(sql).unwrap().ast.to_string(), read, "{sql}");
        }
        assert!(p("update t, u right join v on u.a = v.a set t.a = 1").is_err());
    }

    #[test]
    fn doubts() {
        let d = |s: &str| p(s).unwrap().doubt;
        assert_eq!(
            d("select 1 from t where a xor b and id=1"),
            Some(Doubt::Xor)
        );
        assert_eq!(
            d("select 1 from t where a = 'x' 'y'"),
            Some(Doubt::AdjacentStrings)
        );
        assert_eq!(
            d("select 1 from t where binary a = 'x'"),
            Some(Doubt::Prefix)
        );
        assert_eq!(d("select 1 from t where a = 1"), None);
    }

    #[test]
    fn monsters_are_refused_not_crashed() {
        let unions = vec!["select 1"; 20_000].join(" union ");
        assert!(matches!(p(&unions), Err(ParseError::TooLarge { .. })));
        let ors = format!(
            "select 1 from t where {}",
            vec!["a=1"; 200_000].join(" or ")
        );
        assert!(matches!(p(&ors), Err(ParseError::TooLarge { .. })));
        let deep = format!("select {}1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(matches!(p(&deep), Err(ParseError::TooLarge { .. })));
        let big = format!(
            "select 1 from t where a in ({})",
            vec!["1"; 100_000].join(",")
        );
        assert!(p(&big).is_ok());
    }

    #[test]
    fn positions_are_bytes() {
        let sql = "select 'ä' from t where id = 5";
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        let parsed = parse(sql.as_bytes(), &l.tokens, LexMode::default()).unwrap();
        let Ast::Query(q) = *parsed.ast else { panic!() };
        let select = q.body.as_select().unwrap().clone();
        let Some(sqlparser::ast::Expr::BinaryOp { right, .. }) = select.selection else {
            panic!()
        };
        let sqlparser::ast::Expr::Value(v) = *right else {
            panic!()
        };
        let i = token_at(&l.tokens, v.span).unwrap();
        assert_eq!(&sql[l.tokens[i as usize].range()], "5");
    }
}
