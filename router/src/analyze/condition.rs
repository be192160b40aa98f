//! Conditions to facts: only what is certain, from =, IN, BETWEEN, comparisons, AND and OR.

use crate::analyze::facts::{Domain, Facts, KeyColumnRef, POINTS_MAX};
use crate::analyze::instance::TableInstanceId;
use crate::analyze::scope::Scope;
use crate::args::Source;
use smallvec::SmallVec;
use sql::lexer::{Token, TokenKind};
use sql::parse::token_at;
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

/// Reads conditions of one block.
pub(super) struct Reader<'s, 'a> {
    /// The statement's tokens.
    pub tokens: &'s [Token],
    /// What names mean.
    pub scope: Scope<'s, 'a>,
    /// No outer join puts NULLs into the columns that it sees.
    pub null_is_stored: bool,
}

/// Which instances an ON condition restricts.
#[derive(Clone, Copy)]
pub(super) enum Side<'a> {
    /// All: WHERE, and ON of inner joins.
    Both,
    /// Only these, the ones that an outer join may leave empty.
    Only(&'a [TableInstanceId]),
}

impl Side<'_> {
    pub(super) fn allows(self, i: TableInstanceId) -> bool {
        match self {
            Side::Both => true,
            Side::Only(list) => list.contains(&i),
        }
    }
}

impl Reader<'_, '_> {
    /// The facts of a condition that every row of interest satisfies.
    pub(super) fn facts(&self, e: &Expr, side: Side<'_>) -> Facts {
        let mut out = Facts::default();
        // AND chains are long and lean to the left: walk them without recursion.
        let mut todo = vec![e];
        while let Some(e) = todo.pop() {
            match e {
                Expr::Nested(inner) => todo.push(inner),
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::And,
                    right,
                } => {
                    todo.push(right);
                    todo.push(left);
                }
                _ => self.term(e, side, &mut out),
            }
        }
        out
    }

    fn term(&self, e: &Expr, side: Side<'_>, out: &mut Facts) {
        match e {
            Expr::BinaryOp {
                op: BinaryOperator::Or,
                ..
            } => self.or(e, side, out),
            Expr::BinaryOp { left, op, right } => {
                self.comparison(left, op, right, side, out);
                if let Some(flipped) = flip(op) {
                    self.comparison(right, &flipped, left, side, out);
                }
            }
            Expr::InList {
                expr,
                list,
                negated: false,
            } => self.in_list(expr, list, side, out),
            Expr::IsNull(expr) if self.null_is_stored => {
                if let Some(c) = self.column(expr, side)
                    && self.scope.is_plain_null(c)
                {
                    out.and(c, Domain::Points(vec![Source::Null]));
                }
            }
            Expr::Between {
                expr,
                negated: false,
                low,
                high,
            } => {
                if let Some(c) = self.column(expr, side)
                    && let (Some(l), Some(h)) = (self.source(low), self.source(high))
                {
                    out.and(c, Domain::Between(Some(l), Some(h)));
                }
            }
            _ => {}
        }
    }

    /// All arms of an OR chain must name whole keys.
    fn or(&self, e: &Expr, side: Side<'_>, out: &mut Facts) {
        let mut arms = Vec::new();
        let mut todo = vec![e];
        while let Some(e) = todo.pop() {
            match e {
                Expr::Nested(inner) => todo.push(inner),
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::Or,
                    right,
                } => {
                    todo.push(right);
                    todo.push(left);
                }
                _ => arms.push(e),
            }
        }
        let mut arms = arms.into_iter().map(|a| {
            let mut f = self.facts(a, side);
            f.propagate();
            f
        });
        let Some(first) = arms.next() else { return };
        let all = arms.fold(first, |a, b| a.or(&b, |i| self.scope.fact_width(i)));
        out.and_all(Facts {
            edges: Vec::new(),
            columns: Default::default(),
            tuples: all.tuples,
        });
    }

    /// A key column that the condition restricts. A condition of a subquery says nothing of the tables
    /// around it: NOT EXISTS (SELECT 1 FROM u WHERE t.id = 5) keeps every other row of t.
    fn column(&self, e: &Expr, side: Side<'_>) -> Option<KeyColumnRef> {
        let found = self.scope.fact_column(e);
        found.filter(|c| self.restricts(c.0, side))
    }

    fn restricts(&self, i: TableInstanceId, side: Side<'_>) -> bool {
        side.allows(i) && self.scope.is_innermost(i)
    }

    fn comparison(
        &self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        side: Side<'_>,
        out: &mut Facts,
    ) {
        if let (BinaryOperator::Eq, Expr::Tuple(cs), Expr::Tuple(vs)) = (op, left, right) {
            if cs.len() == vs.len() {
                for (c, v) in cs.iter().zip(vs) {
                    self.comparison(c, op, v, side, out);
                }
            }
            return;
        }
        let equal = matches!(op, BinaryOperator::Eq | BinaryOperator::Spaceship);
        if equal
            && let (Some(a), Some(b)) =
                (self.scope.fact_column(left), self.scope.fact_column(right))
        {
            // From the side that keeps its rows to the side that is looked up; both ways if inner.
            let usable = *op == BinaryOperator::Eq && self.scope.is_compatible(a, b);
            if usable && self.restricts(b.0, side) {
                out.edges.push((a, b));
            }
            return;
        }
        let Some(c) = self.column(left, side) else {
            return;
        };
        let Some(v) = self.source(right) else { return };
        match op {
            BinaryOperator::Eq => out.and(c, Domain::Points(vec![v])),
            BinaryOperator::Spaceship if v != Source::Null => {
                out.and(c, Domain::Points(vec![v]));
            }
            BinaryOperator::Gt | BinaryOperator::GtEq => {
                out.and(c, Domain::Between(Some(v), None));
            }
            BinaryOperator::Lt | BinaryOperator::LtEq => {
                out.and(c, Domain::Between(None, Some(v)));
            }
            _ => {}
        }
    }

    fn in_list(&self, e: &Expr, list: &[Expr], side: Side<'_>, out: &mut Facts) {
        if list.len() > POINTS_MAX {
            return;
        }
        if let Expr::Tuple(columns) = e {
            self.in_tuples(columns, list, side, out);
            return;
        }
        let Some(c) = self.column(e, side) else {
            return;
        };
        let values: Option<Vec<_>> = list.iter().map(|v| self.source(v)).collect();
        if let Some(values) = values {
            out.and(c, Domain::Points(values));
        }
    }

    /// (a, b) IN ((1, 2), ...): whole keys if the columns are a whole key, else points of each.
    fn in_tuples(&self, columns: &[Expr], list: &[Expr], side: Side<'_>, out: &mut Facts) {
        let refs: Vec<_> = columns.iter().map(|c| self.column(c, side)).collect();
        let mut rows = Vec::new();
        for item in list {
            let Expr::Tuple(values) = item else { return };
            if values.len() != columns.len() {
                return;
            }
            rows.push(values.iter().map(|v| self.source(v)).collect::<Vec<_>>());
        }
        for (i, c) in refs.iter().enumerate() {
            let Some(c) = c else { continue };
            let points: Option<Vec<_>> = rows.iter().map(|r| r[i]).collect();
            if let Some(points) = points {
                out.and(*c, Domain::Points(points));
            }
        }
        let Some(instance) = refs.iter().flatten().next().map(|c| c.0) else {
            return;
        };
        let width = self.scope.fact_width(instance);
        let mut keys = Vec::new();
        for row in &rows {
            let mut key: SmallVec<[Source; 2]> = SmallVec::new();
            for k in 0..width {
                let at = refs.iter().position(|c| *c == Some((instance, k)));
                let Some(Some(v)) = at.map(|i| row[i]) else {
                    return;
                };
                key.push(v);
            }
            keys.push(key);
        }
        out.tuples.entry(instance).or_insert(keys);
    }

    fn source(&self, e: &Expr) -> Option<Source> {
        source(self.tokens, e)
    }
}

/// The place of a literal, a parameter, NULL or DATABASE().
pub(crate) fn source(tokens: &[Token], e: &Expr) -> Option<Source> {
    match e {
        Expr::Nested(inner) => source(tokens, inner),
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match source(tokens, expr)? {
            Source::Literal {
                token,
                negated: false,
            } => {
                let kind = tokens.get(token as usize)?.kind;
                let number = matches!(kind, TokenKind::Int | TokenKind::Decimal);
                number.then_some(Source::Literal {
                    token,
                    negated: true,
                })
            }
            _ => None,
        },
        Expr::Function(f) => {
            let name = crate::analyze::scope::parts(&f.name)?;
            let [name] = name.as_slice() else { return None };
            let is = |n: &str| name.value.eq_ignore_ascii_case(n) && name.quote_style.is_none();
            (is("DATABASE") || is("SCHEMA")).then_some(Source::Database)
        }
        Expr::Value(v) => {
            let token = token_at(tokens, v.span)?;
            match &v.value {
                Value::Null => Some(Source::Null),
                Value::Placeholder(_) => {
                    let before = &tokens[..token as usize];
                    let n = before.iter().filter(|t| t.kind == TokenKind::Param).count();
                    Some(Source::Param(u16::try_from(n).ok()?))
                }
                Value::Boolean(_) => None,
                _ if tokens.get(token as usize)?.is_literal() => Some(Source::Literal {
                    token,
                    negated: false,
                }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The operator with its sides exchanged.
fn flip(op: &BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        BinaryOperator::Eq => BinaryOperator::Eq,
        BinaryOperator::Spaceship => BinaryOperator::Spaceship,
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        _ => return None,
    })
}
