//! Conditions that every row of a table which matters satisfies, and that a server may be asked to check in
//! advance: nothing that the statement can notice gets lost by it.
//!
//! Only what cannot fail, cannot warn, and means the same apart from its statement is taken: comparisons of
//! columns with values of their own kind. Leaving one out is always right.

mod kinds;

use crate::analyze::Analysis;
use crate::analyze::block::{FromItem, JoinKind, Meaning, Piece};
use crate::analyze::instance::TableInstanceId;
use crate::args::Source;
use kinds::Kinds;
use sql::TokenRange;

pub use kinds::ComparedKind;

/// A condition on the rows of one table instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// Where it stands.
    pub tokens: TokenRange,
    /// Columns that it names: where, and which.
    pub columns: Vec<(TokenRange, String)>,
    /// Values that must turn out to be of these kinds, or it is left out.
    pub values: Vec<(Source, ComparedKind)>,
}

impl Analysis<'_> {
    /// What restricts an instance, besides what may have been misread.
    pub fn restrictions(&self, i: TableInstanceId) -> Vec<Restriction> {
        if self.doubt.is_some() || !self.is_understood {
            return Vec::new();
        }
        let block = &self.blocks[self.instances[i].block];
        let mut pieces = Vec::new();
        for item in &block.from {
            // WHERE looks at rows of an outer join that have no partner, too.
            if through(item, i, &mut pieces) == Some(false) {
                pieces.extend(&block.conditions);
            }
        }
        let all = pieces.into_iter();
        all.filter_map(|p| self.restriction(i, p)).collect()
    }

    fn restriction(&self, i: TableInstanceId, piece: &Piece<'_>) -> Option<Restriction> {
        let tokens = piece.tokens?;
        let alone = piece.queries.is_empty() && !piece.reads_variables && !piece.is_odd;
        if !alone || piece.has_unresolved || piece.columns.is_empty() {
            return None;
        }
        let mut columns = Vec::new();
        for column in &piece.columns {
            if column.meaning != Meaning::Instance(i) {
                return None;
            }
            columns.push((column.tokens?, column.name.last()?.value.clone()));
        }
        let definition = &self.instances[i].table()?.definition;
        let mut kinds = Kinds::new(definition, self.tokens);
        kinds.predicate(piece.expr)?;
        Some(Restriction {
            tokens,
            columns,
            values: kinds.values,
        })
    }
}

/// Adds the conditions of joins that restrict an instance of this part of FROM. `None` if it is not in
/// it; else whether an outer join may put NULLs in the place of its columns.
fn through<'s, 'a>(
    item: &'s FromItem<'a>,
    i: TableInstanceId,
    out: &mut Vec<&'s Piece<'a>>,
) -> Option<bool> {
    match item {
        FromItem::Instance(own) => (*own == i).then_some(false),
        FromItem::Unknown => None,
        FromItem::Join(join) => {
            let left = through(&join.left, i, out);
            let is_left = left.is_some();
            let below = match left {
                Some(below) => below,
                None => through(&join.right, i, out)?,
            };
            let (restricts, nulls) = match join.kind {
                JoinKind::Inner | JoinKind::Straight => (true, false),
                JoinKind::Left => (!is_left, !is_left),
                JoinKind::Right => (is_left, is_left),
            };
            if restricts && !below {
                out.extend(&join.on);
            }
            Some(below || nulls)
        }
    }
}

#[cfg(test)]
mod tests;
