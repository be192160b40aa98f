//! What structure must not contain, because shards would fill it in each in its own way.

use crate::exec::Run;
use crate::session::Stop;
use errors::DdlError;
use router::functions::{Effects, effects};
use router::traits::{Traits, is_word};
use sql::ident::name_of;
use sql::{Op, Token, TokenKind};

fn calls(run: Run<'_>, i: usize, wanted: fn(Effects) -> bool) -> bool {
    let tokens = &run.lexed.tokens;
    let is = |n: usize, op| tokens.get(n).map(|t: &Token| t.kind) == Some(TokenKind::Op(op));
    let named = |t: &Token| match t.kind {
        TokenKind::Word => wanted(effects(&run.text[t.range()], false)),
        _ => name_of(run.text, *t).is_some_and(|n| wanted(effects(n.as_bytes(), true))),
    };
    let before = i.checked_sub(1).and_then(|b| tokens.get(b));
    // KEY rand (rand) is an index, CREATE TABLE rand (...) a table.
    let names_something = before.is_some_and(|t| {
        let behind = [
            "KEY",
            "INDEX",
            "UNIQUE",
            "FULLTEXT",
            "SPATIAL",
            "TABLE",
            "EXISTS",
            "REFERENCES",
        ];
        t.kind == TokenKind::Op(Op::Dot)
            || behind.iter().any(|w| is_word(run.text, *t, w.as_bytes()))
    });
    is(i + 1, Op::LParen) && !names_something && named(&tokens[i])
}

/// Defaults and generated columns of a table's definition.
pub(super) fn check_definition(run: Run<'_>, is_reference: bool) -> Result<(), Stop> {
    let tokens = &run.lexed.tokens;
    for (i, t) in tokens.iter().enumerate() {
        let empty = tokens.get(i + 2).map(|t| t.kind) == Some(TokenKind::Op(Op::RParen));
        let of_session =
            calls(run, i, |e| e.session) && empty || is_word(run.text, *t, b"CURRENT_USER");
        let function = || String::from_utf8_lossy(&run.text[t.range()]).to_ascii_uppercase();
        if of_session {
            let function = function();
            return Err(DdlError::SessionDefault { function }.into());
        }
        if is_reference && calls(run, i, Effects::differs_between_shards) {
            let function = function();
            return Err(DdlError::ReferenceDefault { function }.into());
        }
    }
    Ok(())
}

/// A routine whose statements are texts could name tables that nobody sees here, and one that changes
/// structure would change one shard.
pub(super) fn check_routine(run: Run<'_>) -> Result<(), Stop> {
    let tokens = &run.lexed.tokens;
    let is = |i: usize, w: &[u8]| tokens.get(i).is_some_and(|t| is_word(run.text, *t, w));
    if !is(0, b"CREATE") && !is(0, b"ALTER") {
        return Ok(());
    }
    router::routine::check(run.text, tokens)?;
    match Traits::of(run.text, tokens).named_locks {
        true => Err(DdlError::LockInRoutine.into()),
        false => Ok(()),
    }
}
