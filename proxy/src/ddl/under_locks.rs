//! Changes of structure in a session that holds LOCK TABLES: on another connection they would wait for the
//! session's own locks.

use super::Change;
use crate::exec::Run;
use crate::session::{Session, Stop};
use errors::DdlError;
use router::traits::is_word;
use sql::ddl::Ddl;
use sql::{Op, TokenKind};

/// True for ALTER TABLE ... DISABLE KEYS and ENABLE KEYS, which dumps have under their locks: they are about
/// how fast indexes are filled, InnoDB knows no such thing, and nothing is done. Other changes are refused
/// where an account may make them that is not the session's.
pub(super) fn stands_still(s: &mut Session, ddl: &Ddl, run: Run<'_>) -> Result<bool, Stop> {
    match ddl {
        Ddl::AlterTable { .. } if switches_keys(run) => return Ok(true),
        // These run on the session's connection.
        Ddl::CreateTable(t) if t.temporary => return Ok(false),
        Ddl::DropTable {
            temporary: true, ..
        }
        | Ddl::Maintain(_) => return Ok(false),
        _ => {}
    }
    let shards: Vec<_> = s.branches.locked().collect();
    let change = Change::of(s);
    match shards
        .iter()
        .any(|shard| change.manager_of(*shard).is_some())
    {
        true => Err(DdlError::UnderLocks.into()),
        false => Ok(false),
    }
}

/// `ALTER TABLE name DISABLE KEYS`, and nothing else.
fn switches_keys(run: Run<'_>) -> bool {
    let tokens = &run.lexed.tokens;
    let end = tokens
        .iter()
        .rposition(|t| t.kind != TokenKind::Op(Op::Semicolon));
    let is = |i: usize, w: &[u8]| tokens.get(i).is_some_and(|t| is_word(run.text, *t, w));
    // ALTER TABLE name, or database . name, in front.
    let Some(verb @ (3 | 5)) = end.and_then(|end| end.checked_sub(1)) else {
        return false;
    };
    is(verb + 1, b"KEYS") && (is(verb, b"DISABLE") || is(verb, b"ENABLE"))
}
