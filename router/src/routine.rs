//! What a routine, trigger, event or compound statement must not have in it, since it runs inside one server.

use crate::traits::is_word;
use errors::DdlError;
use sql::{Op, Token, TokenKind};

/// Words that begin a change of structure; all but the last are reserved.
const CHANGES: [&[u8]; 5] = [b"CREATE", b"ALTER", b"DROP", b"RENAME", b"TRUNCATE"];

/// Looks at all tokens behind the first, which may be the CREATE or ALTER of the routine itself.
pub fn check(text: &[u8], tokens: &[Token]) -> Result<(), DdlError> {
    let is = |i: usize, w: &[u8]| tokens.get(i).is_some_and(|t| is_word(text, *t, w));
    let op = |i: usize, op| tokens.get(i).map(|t| t.kind) == Some(TokenKind::Op(op));
    for i in 1..tokens.len() {
        let prepares = is(i, b"PREPARE") && !is(i - 1, b"DEALLOCATE") && !is(i - 1, b"DROP");
        if prepares || is(i, b"EXECUTE") && is(i + 1, b"IMMEDIATE") {
            return Err(DdlError::DynamicRoutine);
        }
        let Some(word) = CHANGES.iter().find(|w| is(i, w)) else {
            continue;
        };
        let harmless = match *word {
            // CREATE OR REPLACE TEMPORARY TABLE; a prepared statement is none of the catalog's.
            b"CREATE" => is(i + 1, b"TEMPORARY") || is(i + 1, b"OR") && is(i + 3, b"TEMPORARY"),
            b"DROP" => is(i + 1, b"TEMPORARY") || is(i + 1, b"PREPARE"),
            // ALTER EVENT ... RENAME TO.
            b"RENAME" => is(i + 1, b"TO") && is(0, b"ALTER"),
            // The function, or a column or label of that name.
            b"TRUNCATE" => !begins_statement(text, tokens, i) || op(i + 1, Op::LParen),
            _ => false,
        };
        if !harmless && !op(i - 1, Op::Dot) {
            let word = String::from_utf8_lossy(word).into_owned();
            return Err(DdlError::DdlInRoutine { word });
        }
    }
    Ok(())
}

/// True where a statement of a body can begin.
fn begins_statement(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|i| tokens.get(i)) else {
        return true;
    };
    let words: [&[u8]; 8] = [
        b"BEGIN", b"THEN", b"ELSE", b"DO", b"LOOP", b"REPEAT", b"ATOMIC", b"ROW",
    ];
    // The header of a routine of one statement ends in many ways: what follows TRUNCATE decides then.
    let next = tokens.get(at + 1);
    let names_table = next.is_some_and(|t| is_word(text, *t, b"TABLE"));
    names_table
        || before.kind == TokenKind::Op(Op::Semicolon)
        || before.kind == TokenKind::Op(Op::RParen)
        || words.iter().any(|w| is_word(text, *before, w))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql::{Flavor, LexMode, Lexed};

    fn refused(sql: &str) -> Option<String> {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        match check(sql.as_bytes(), &l.tokens) {
            Ok(()) => None,
            Err(DdlError::DdlInRoutine { word }) => Some(word),
            Err(_) => Some("dynamic".to_string()),
        }
    }

    #[test]
    fn changes_of_structure_and_texts_are_found() {
        for (sql, word) in [
            ("create procedure p() create table x (a int)", "CREATE"),
            ("create procedure p() begin drop table x; end", "DROP"),
            (
                "create or replace procedure p() begin alter table x add b int; end",
                "ALTER",
            ),
            ("create procedure p() rename table a to b", "RENAME"),
            ("create procedure p() truncate x", "TRUNCATE"),
            (
                "create procedure p() if 1 then truncate table x; end if",
                "TRUNCATE",
            ),
            (
                "create event e on schedule every 1 day do drop view v",
                "DROP",
            ),
            (
                "begin not atomic execute immediate 'select 1'; end",
                "dynamic",
            ),
            (
                "create procedure p() begin prepare s from 'x'; drop prepare s; end",
                "dynamic",
            ),
        ] {
            assert_eq!(refused(sql).as_deref(), Some(word), "{sql}");
        }
    }

    #[test]
    fn what_stays_inside_a_session_may_be() {
        for sql in [
            "create procedure p() begin create temporary table x (a int); drop temporary table x; end",
            "create or replace procedure p() create or replace temporary table x (a int)",
            "create function f() returns int return truncate(1.5, 1)",
            "create procedure p() select t.`create`, truncate(a, 1) from t",
            "alter event e rename to f",
            "drop procedure if exists p",
            "create trigger g before insert on t for each row set new.a = truncate (new.a, 1)",
        ] {
            assert_eq!(refused(sql), None, "{sql}");
        }
    }
}
