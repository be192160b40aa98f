//! Conditions that no row satisfies, such as WHERE 1 = 0: one shard answers for all.

use crate::analyze::Analysis;
use crate::analyze::block::{Block, Body};
use crate::analyze::condition::source;
use crate::args::{Args, Source};
use sql::TokenKind;
use sqlparser::ast::{BinaryOperator, Expr, Value};

/// A condition that depends on no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Never {
    /// FALSE.
    Always,
    /// `1 = 0`, if the two differ.
    IfDifferent(Source, Source),
    /// `0`, if that is what it is.
    IfZero(Source),
}

impl Never {
    /// What may keep all rows out of a statement whose sharded tables are all in its outermost block.
    pub(super) fn of(a: &Analysis<'_>) -> Vec<Never> {
        let outermost = match a.queries.first().map(|q| &q.body) {
            None => true,
            Some(body) => matches!(body, Body::Block(0)),
        };
        let inside = |i: &usize| a.instances[*i].block == 0;
        let apart = outermost && a.doubt.is_none() && a.sharded().iter().all(inside);
        let block: Option<&Block<'_>> = a.blocks.first().filter(|_| apart);
        let conditions = block.map_or(&[][..], |b| &b.conditions);
        conditions
            .iter()
            .filter_map(|piece| condition(a, piece.expr))
            .collect()
    }

    /// True if no row satisfies it with these values.
    pub(super) fn holds(self, args: &Args<'_>) -> bool {
        let number = |source| match source {
            Source::Literal {
                token,
                negated: false,
            } => {
                let token = args.tokens.get(token as usize)?;
                let raw = args.text.get(token.range())?;
                let is_int = token.kind == TokenKind::Int;
                is_int.then(|| std::str::from_utf8(raw).ok()?.parse::<u64>().ok())?
            }
            _ => None,
        };
        match self {
            Never::Always => true,
            Never::IfDifferent(a, b) => number(a).zip(number(b)).is_some_and(|(a, b)| a != b),
            Never::IfZero(a) => number(a) == Some(0),
        }
    }
}

fn condition(a: &Analysis<'_>, e: &Expr) -> Option<Never> {
    match e {
        Expr::Nested(e) => condition(a, e),
        Expr::Value(v) if matches!(v.value, Value::Boolean(false)) => Some(Never::Always),
        Expr::Value(_) => source(a.tokens, e).map(Never::IfZero),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => {
            let (left, right) = (source(a.tokens, left)?, source(a.tokens, right)?);
            Some(Never::IfDifferent(left, right))
        }
        _ => None,
    }
}
