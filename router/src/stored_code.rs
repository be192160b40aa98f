//! Whether a statement may run code that its text does not show: a procedure, a function, a trigger, a text
//! that was prepared before.
//!
//! Views are left out: what they call shows in the flags of the answer.

use crate::analyze::unknown_call::unknown_call;
use crate::names::Named;
use crate::plan::PlanContext;
use sql::ident::name_of;
use sql::{Op, Statement, Token, TokenKind};

/// True if it may. Everything here errs to that side.
pub(crate) fn may_run(
    ctx: PlanContext<'_>,
    text: &[u8],
    tokens: &[Token],
    statement: &Statement,
    names: &Named,
) -> bool {
    let (writes, from) = match statement {
        Statement::Call | Statement::SqlExecute => return true,
        Statement::Insert(_) | Statement::Load(_) => (true, behind_target(text, tokens, names)),
        Statement::Update | Statement::Delete => (true, 0),
        Statement::Query | Statement::Do | Statement::Set(_) => (false, 0),
        Statement::Other => (true, 0),
        _ => return false,
    };
    let mut tables = names.tables.iter();
    let triggers = writes && tables.any(|t| !t.definition.triggers.is_empty());
    triggers && has_harmful_trigger(ctx.catalog)
        || unknown_call(text, tokens.get(from..).unwrap_or_default(), ctx.flavor).is_some()
}

/// True if rows may come from somewhere.
pub(crate) fn has_from(text: &[u8], tokens: &[Token]) -> bool {
    let word = |t: &Token, w| crate::traits::is_word(text, *t, w);
    let mut pairs = tokens.iter().zip(tokens.iter().skip(1));
    pairs.any(|(t, next)| word(t, b"FROM") && !word(next, b"DUAL") || word(t, b"TABLE"))
}

/// Of any table, since a trigger may write a table that has others.
fn has_harmful_trigger(catalog: &catalog::Catalog) -> bool {
    let mut tables = catalog.tables.values();
    tables.any(|t| t.definition.triggers.iter().any(|t| !t.is_harmless))
}

/// Where the list of columns of an INSERT begins: the table's name in front of it calls nothing.
fn behind_target(text: &[u8], tokens: &[Token], names: &Named) -> usize {
    let first = tokens
        .iter()
        .position(|t| t.kind == TokenKind::Op(Op::LParen));
    let target = first.and_then(|at| name_of(text, *tokens.get(at.checked_sub(1)?)?));
    let is_table = target.is_some_and(|name| {
        let mut tables = names.tables.iter();
        tables.any(|t| t.name.table.eq_ignore_ascii_case(&name))
    });
    match (is_table, first) {
        (true, Some(at)) => at,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql::{Flavor, LexMode, Lexed};

    #[test]
    fn the_target_of_an_insert_is_not_called() {
        let catalog = catalog::Catalog::default();
        let may = |text: &str| {
            let ctx = PlanContext {
                catalog: &catalog,
                database: None,
                mode: LexMode::default(),
                flavor: Flavor::default(),
            };
            let lexed = Lexed::new(text.as_bytes(), ctx.mode, ctx.flavor).unwrap();
            crate::Planned::of(ctx, text.as_bytes(), &lexed)
                .traits
                .stored_code
        };
        assert!(may("CALL p()") && may("SELECT f(1)") && may("SELECT d.now()"));
        assert!(!may("SELECT COUNT(*), UPPER('x') FROM t WHERE a IN (1, 2)"));
        assert!(may("EXECUTE s") && may("DO f(1)") && may("SET @a = f(1)"));
    }
}
