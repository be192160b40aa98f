//! HAVING, as far as it compares counts and sums of whole groups with numbers.

use super::find::Finder;
use super::{ColumnAt, Combine, Comparator, Having, Hidden, Key};
use crate::analyze::block::{Meaning, Piece};
use crate::analyze::comparison::Comparison;
use crate::analyze::condition::source;
use sqlparser::ast::{BinaryOperator, Expr};

impl<'s, 'a> Finder<'s, 'a> {
    /// The conditions of HAVING; `None` if one is of another sort.
    pub(super) fn having(&mut self, columns: &[Combine]) -> Option<Vec<Having>> {
        let block = self.block;
        let all = block.having.iter().map(|piece| {
            let Expr::BinaryOp { left, op, right } = piece.expr else {
                return None;
            };
            let operator = comparator(op)?;
            match (source(self.a.tokens, left), source(self.a.tokens, right)) {
                (None, Some(value)) => Some(Having {
                    at: self.number(piece, left, columns)?,
                    operator,
                    value,
                }),
                (Some(value), None) => Some(Having {
                    at: self.number(piece, right, columns)?,
                    operator: operator.flipped(),
                    value,
                }),
                _ => None,
            }
        });
        all.collect()
    }

    /// The column that holds a number of a whole group.
    fn number(&mut self, piece: &'s Piece<'a>, e: &Expr, columns: &[Combine]) -> Option<ColumnAt> {
        if let (Expr::Identifier(_), [only]) = (e, piece.columns.as_slice())
            && let Meaning::Item(n) = only.meaning
        {
            let exact = matches!(
                columns.get(n)?,
                Combine::Sum | Combine::BitAnd | Combine::BitOr | Combine::BitXor
            );
            return exact.then_some(ColumnAt::Visible(n));
        }
        match self.added_number(piece, e)? {
            Key::Hidden(n, _) => Some(ColumnAt::Hidden(n)),
            _ => None,
        }
    }

    /// Adds a column for a count or a sum that is not selected.
    pub(super) fn added_number(&mut self, piece: &'s Piece<'a>, e: &Expr) -> Option<Key> {
        let (call, argument) = self.aggregate(piece, e)?;
        let name = call.name.trim_matches('`').to_ascii_uppercase();
        let quiet = argument.is_none_or(|e| self.is_quiet(piece, e));
        let certain = piece.queries.is_empty() && !piece.has_unresolved && !piece.reads_variables;
        let place = call.tokens.filter(|_| quiet && certain)?;
        let sums = matches!(name.as_str(), "COUNT" | "SUM");
        if !sums || self.has_params(place) {
            return None;
        }
        let key = self.add(Hidden::Of(Comparison::Value, place), Comparison::Value);
        if let Key::Hidden(n, _) = &key
            && !self.added.iter().any(|(known, _)| known == n)
        {
            self.added.push((*n, Combine::Sum));
        }
        Some(key)
    }
}

fn comparator(op: &BinaryOperator) -> Option<Comparator> {
    Some(match op {
        BinaryOperator::Eq => Comparator::Equal,
        BinaryOperator::NotEq => Comparator::Different,
        BinaryOperator::Lt => Comparator::Less,
        BinaryOperator::LtEq => Comparator::LessOrEqual,
        BinaryOperator::Gt => Comparator::Greater,
        BinaryOperator::GtEq => Comparator::GreaterOrEqual,
        _ => return None,
    })
}

impl Comparator {
    /// With its sides exchanged.
    fn flipped(self) -> Self {
        match self {
            Comparator::Less => Comparator::Greater,
            Comparator::LessOrEqual => Comparator::GreaterOrEqual,
            Comparator::Greater => Comparator::Less,
            Comparator::GreaterOrEqual => Comparator::LessOrEqual,
            same => same,
        }
    }
}
