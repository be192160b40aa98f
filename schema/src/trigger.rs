//! Whether a trigger changes anything of the session that runs it.

use sql::ident::name_of;
use sql::{Flavor, LexMode, Lexed, Op, Token, TokenKind};

/// Words in front of a parenthesis that call nothing, and functions that change nothing. What is not here may
/// be a stored function.
const HARMLESS: [&str; 52] = [
    "IN",
    "VALUES",
    "VALUE",
    "AND",
    "OR",
    "NOT",
    "EXISTS",
    "IF",
    "WHEN",
    "THEN",
    "ELSE",
    "ELSEIF",
    "WHERE",
    "SELECT",
    "FROM",
    "ON",
    "BY",
    "AS",
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
    "NOW",
    "CURRENT_TIMESTAMP",
    "CURDATE",
    "UTC_TIMESTAMP",
    "UNIX_TIMESTAMP",
    "UPPER",
    "LOWER",
    "TRIM",
    "CONCAT",
    "CONCAT_WS",
    "COALESCE",
    "IFNULL",
    "NULLIF",
    "LENGTH",
    "CHAR_LENGTH",
    "SUBSTRING",
    "LEFT",
    "RIGHT",
    "REPLACE",
    "GREATEST",
    "LEAST",
    "ROUND",
    "FLOOR",
    "CEIL",
    "ABS",
    "MD5",
    "JSON_OBJECT",
    "DATE",
    "UUID",
];
/// Statements that may change more of a session than rows.
const CHANGES: [&[u8]; 7] = [
    b"CALL",
    b"PREPARE",
    b"EXECUTE",
    b"TEMPORARY",
    b"SESSION",
    b"LOCAL",
    b"GLOBAL",
];

fn is_word(body: &[u8], t: Token, upper: &[u8]) -> bool {
    t.kind == TokenKind::Word && body[t.range()].eq_ignore_ascii_case(upper)
}

/// True if it changes rows alone: it assigns no variable of the session, and calls nothing that is not known.
/// A trigger of a table that it writes is another matter.
pub(super) fn is_harmless(body: &str, version: &str) -> bool {
    let flavor = Flavor::from_version(version);
    // Under another sql_mode quotes mean something else: those are not judged.
    let Ok(lexed) = Lexed::new(body.as_bytes(), LexMode::default(), flavor) else {
        return false;
    };
    let (body, tokens) = (body.as_bytes(), &lexed.tokens[..]);
    let fishy = |(i, t): (usize, &Token)| {
        matches!(t.kind, TokenKind::UserVar | TokenKind::SysVar)
            || body[t.range()].first() == Some(&b'"')
            || CHANGES.iter().any(|w| is_word(body, *t, w))
            || is_word(body, *t, b"INTO") && !is_insert(body, tokens, i)
            || calls_unknown(body, tokens, i)
    };
    let semicolon = |t: &Token| t.kind == TokenKind::Op(Op::Semicolon);
    !tokens.iter().enumerate().any(fishy) && tokens.split(semicolon).all(|s| sets_row_only(body, s))
}

/// INTO of INSERT, not of SELECT.
fn is_insert(body: &[u8], tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|i| tokens.get(i));
    before.is_some_and(|t| is_word(body, *t, b"INSERT") || is_word(body, *t, b"IGNORE"))
}

fn calls_unknown(body: &[u8], tokens: &[Token], at: usize) -> bool {
    let op = |i: Option<usize>| i.and_then(|i| tokens.get(i)).map(|t| t.kind);
    if op(Some(at + 1)) != Some(TokenKind::Op(Op::LParen)) {
        return false;
    }
    let Some(name) = name_of(body, tokens[at]) else {
        return false;
    };
    let qualified = op(at.checked_sub(1)) == Some(TokenKind::Op(Op::Dot));
    let target = at.checked_sub(if qualified { 3 } else { 1 });
    let column_list = target.is_some_and(|i| is_word(body, tokens[i], b"INTO"));
    let known = HARMLESS.iter().any(|w| name.eq_ignore_ascii_case(w));
    !column_list && (qualified || !known || tokens[at].kind != TokenKind::Word)
}

/// A SET of its own assigns columns of the new row only; that of an UPDATE is about a table.
fn sets_row_only(body: &[u8], statement: &[Token]) -> bool {
    let Some(at) = statement.iter().position(|t| is_word(body, *t, b"SET")) else {
        return true;
    };
    let (before, behind) = statement.split_at(at);
    let of_table = |t: &Token| is_word(body, *t, b"UPDATE") || is_word(body, *t, b"INSERT");
    if before.iter().any(of_table) {
        return true;
    }
    let mut depth = 0i32;
    for (i, t) in behind.iter().enumerate() {
        match t.kind {
            TokenKind::Op(Op::LParen) => depth += 1,
            TokenKind::Op(Op::RParen) => depth -= 1,
            _ => {}
        }
        let begins = i == 0 || depth == 0 && t.kind == TokenKind::Op(Op::Comma);
        let row = |next: &[Token]| {
            is_word(body, next[0], b"NEW") && next[1].kind == TokenKind::Op(Op::Dot)
        };
        if begins && !behind.get(i + 1..i + 3).is_some_and(row) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn only_what_changes_rows_alone_is_harmless() {
        for body in [
            "SET NEW.v = UPPER(NEW.v), NEW.w = NOW()",
            "BEGIN SET NEW.v = IF(NEW.w > 1, 2, 3); SET NEW.w = NOW(); END",
            "UPDATE totals SET n = n + 1, m = 2 WHERE id = NEW.id",
            "INSERT INTO log (id, what) VALUES (NEW.id, CONCAT('a', 'b'))",
            "INSERT INTO d.log (id) SELECT COUNT(*) FROM t",
        ] {
            assert!(is_harmless(body, "10.11.6-MariaDB"), "{body}");
        }
        for body in [
            "SET @last = NEW.id",
            "SET autocommit = 0",
            "SET NEW.v = 1, time_zone = '+05:00'",
            "SELECT MAX(id) FROM t INTO @z",
            "SELECT MAX(id) INTO n FROM t",
            "CALL p()",
            "SET NEW.v = f(1)",
            "SET NEW.v = `upper`(1)",
            "SET SESSION sql_mode = ''",
            "BEGIN CREATE TEMPORARY TABLE x (a INT); END",
            "SET NEW.v = @@autocommit",
            "SET NEW.v = \"a\"",
        ] {
            assert!(!is_harmless(body, "10.11.6-MariaDB"), "{body}");
        }
    }
}
