//! What structure must not contain, because shards would fill it in each in its own way.

use crate::exec::Run;
use crate::session::{Stop, error};
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
        let word = String::from_utf8_lossy(&run.text[t.range()]).to_ascii_uppercase();
        if of_session {
            let text = format!(
                "{word} in the definition of a table would be the proxy's own account on the shard, not \
                 the client's; give the value in the INSERT"
            );
            return Err(error(1235, "42000", text));
        }
        if is_reference && calls(run, i, Effects::differs_between_shards) {
            let text = format!(
                "{word} in the definition of a reference table would give every shard another value; give \
                 the value in the INSERT"
            );
            return Err(error(1235, "42000", text));
        }
    }
    Ok(())
}

/// A routine whose statements are texts could name tables that nobody sees here.
pub(super) fn check_routine(run: Run<'_>) -> Result<(), Stop> {
    let tokens = &run.lexed.tokens;
    let is = |i: usize, w: &[u8]| tokens.get(i).is_some_and(|t| is_word(run.text, *t, w));
    let dynamic = (1..tokens.len()).any(|i| {
        is(i, b"PREPARE") && !is(i - 1, b"DEALLOCATE") && !is(i - 1, b"DROP")
            || is(i, b"EXECUTE") && is(i + 1, b"IMMEDIATE")
    });
    let text = match () {
        () if !is(0, b"CREATE") && !is(0, b"ALTER") => return Ok(()),
        () if dynamic => {
            "PREPARE and EXECUTE IMMEDIATE in a routine, trigger or event are not supported: which tables \
             they use cannot be told, and of a sharded table they would see a part"
        }
        () if Traits::of(run.text, tokens).named_locks => {
            "GET_LOCK and the like in a routine, trigger or event are not supported: the lock would be one \
             of that shard alone, and stay with a connection that others use; ask for it by SELECT"
        }
        () => return Ok(()),
    };
    Err(error(1235, "42000", text))
}

/// What stays on one shard cannot ask the information_schema of all.
pub(super) fn own_schema(what: &str) -> Stop {
    let text = format!("{what} from information_schema would know the tables of one shard only");
    error(1235, "42000", text)
}
