//! Expressions to pieces: what each uses, and where it stands.

use crate::analyze::block::{Meaning, NamedColumn, OrderItem, Piece, Place};
use crate::analyze::build::Builder;
use crate::analyze::calls::Call;
use crate::analyze::expression::{Part, boolean_searches, parts};
use crate::analyze::scope::parts as names_of;
use sql::TokenRange;
use sql::parse::token_at;
use sqlparser::ast::*;
use sqlparser::tokenizer::Span;

impl<'a> Builder<'a> {
    /// An expression, with its subqueries.
    pub(super) fn piece(&mut self, expr: &'a Expr, tokens: Option<TokenRange>) -> Piece<'a> {
        self.piece_but(expr, tokens, &[])
    }

    /// The same, for a part of a condition that only keeps rows or does not.
    fn predicate(&mut self, expr: &'a Expr, tokens: Option<TokenRange>) -> Piece<'a> {
        let searches = boolean_searches(expr);
        self.piece_but(expr, tokens, &searches)
    }

    fn piece_but(
        &mut self,
        expr: &'a Expr,
        tokens: Option<TokenRange>,
        harmless: &[&Expr],
    ) -> Piece<'a> {
        let mut piece = Piece {
            expr,
            tokens: None,
            columns: Vec::new(),
            calls: Vec::new(),
            queries: Vec::new(),
            reads_variables: false,
            is_odd: false,
            instances: Vec::new(),
            has_unresolved: false,
        };
        let mut values = Vec::new();
        let mut todo = vec![Part::Expr(expr)];
        while let Some(part) = todo.pop() {
            match part {
                Part::Query(q) => {
                    let place = Place::Expression(self.block);
                    let tokens = self.locate(q);
                    let id = self.query(q, place, self.block, tokens);
                    piece.queries.push(id);
                }
                Part::Expr(e) => {
                    if let Expr::Value(v) = e {
                        values.push(v.span);
                    }
                    self.leaf(e, &mut piece, harmless);
                    let at = todo.len();
                    piece.is_odd |= !parts(e, &mut todo);
                    todo[at..].reverse();
                }
            }
        }
        self.out.has_odd_syntax |= piece.is_odd;
        let names = piece.columns.iter().flat_map(|c| &c.name).map(|i| i.span);
        let spans = names.chain(values);
        piece.tokens = tokens.filter(|t| !t.is_empty() && self.covers(*t, spans));
        piece
    }

    fn leaf(&mut self, e: &'a Expr, piece: &mut Piece<'a>, harmless: &[&Expr]) {
        match e {
            Expr::Identifier(i) => self.column(vec![i], piece),
            Expr::CompoundIdentifier(parts) => self.column(parts.iter().collect(), piece),
            Expr::Function(f) => {
                self.functions_seen += 1;
                let call = Call::of(f, self.flavor, self.tokens, self.outline.as_ref());
                piece.calls.push(self.out.calls.len());
                self.out.calls.push(call);
            }
            Expr::MatchAgainst { columns, .. } => {
                if !harmless.iter().any(|h| std::ptr::eq(*h, e)) {
                    piece.calls.push(self.out.calls.len());
                    self.out.calls.push(Call::full_text());
                }
                for name in columns.iter().filter_map(names_of) {
                    self.column(name, piece);
                }
            }
            _ => {}
        }
    }

    fn column(&self, name: Vec<&'a Ident>, piece: &mut Piece<'a>) {
        let is_variable = |i: &&Ident| i.quote_style.is_none() && i.value.starts_with('@');
        if name.iter().any(is_variable) {
            piece.reads_variables = true;
            return;
        }
        let at = |i: Option<&&Ident>| token_at(self.tokens, i?.span);
        let ends = at(name.first()).zip(at(name.last()));
        piece.columns.push(NamedColumn {
            name,
            tokens: ends.map(|(first, last)| TokenRange::new(first, last + 1)),
            meaning: Meaning::Unknown,
        });
    }

    /// True if the tokens hold all these places that the parser reports: both readers agree.
    fn covers(&self, tokens: TokenRange, mut places: impl Iterator<Item = Span>) -> bool {
        let bytes = tokens.bytes(self.tokens);
        let (first, last) = (bytes.start as u64 + 1, bytes.end as u64 + 1);
        places.all(|p| p.start.column >= first && p.end.column <= last)
    }

    /// The ANDs of a condition, each by itself.
    pub(super) fn condition(
        &mut self,
        expr: Option<&'a Expr>,
        tokens: Option<TokenRange>,
    ) -> Vec<Piece<'a>> {
        let mut cut = Vec::new();
        if let Some(expr) = expr {
            self.cut(expr, tokens, &mut cut);
        }
        cut.into_iter().map(|(e, t)| self.predicate(e, t)).collect()
    }

    /// Cuts a condition at its ANDs, in its tree and in its tokens. AND chains are long and lean to the left:
    /// only parentheses are followed by recursion.
    fn cut(
        &self,
        expr: &'a Expr,
        tokens: Option<TokenRange>,
        out: &mut Vec<(&'a Expr, Option<TokenRange>)>,
    ) {
        let (mut chain, mut todo) = (Vec::new(), vec![expr]);
        while let Some(e) = todo.pop() {
            match e {
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::And,
                    right,
                } => {
                    todo.push(right);
                    todo.push(left);
                }
                _ => chain.push(e),
            }
        }
        let outline = self.outline.as_ref();
        let places = outline.zip(tokens).map(|(o, t)| match chain.len() {
            1 => vec![t],
            _ => o.conjuncts(t),
        });
        let places = places.filter(|p| p.len() == chain.len());
        for (i, e) in chain.into_iter().enumerate() {
            let place = places.as_ref().map(|p| p[i]);
            match e {
                Expr::Nested(inner) => {
                    let inside = outline.zip(place).and_then(|(o, t)| o.unwrapped(t));
                    self.cut(inner, inside, out);
                }
                _ => out.push((e, place)),
            }
        }
    }

    /// The places of a list's items, if tokens and tree have the same number of them.
    pub(super) fn places(
        &self,
        content: Option<TokenRange>,
        count: usize,
    ) -> Vec<Option<TokenRange>> {
        let found = self.outline.as_ref().zip(content).map(|(o, t)| o.list(t));
        match found {
            Some(list) if list.len() == count => list.into_iter().map(Some).collect(),
            _ => vec![None; count],
        }
    }

    /// A list of expressions.
    pub(super) fn list(&mut self, list: &'a [Expr], content: Option<TokenRange>) -> Vec<Piece<'a>> {
        let places = self.places(content, list.len());
        list.iter()
            .zip(places)
            .map(|(e, t)| self.piece(e, t))
            .collect()
    }

    /// ORDER BY.
    pub(super) fn order(
        &mut self,
        list: &'a [OrderByExpr],
        content: Option<TokenRange>,
    ) -> Vec<OrderItem<'a>> {
        let places = self.places(content, list.len());
        let items = list.iter().zip(places);
        items
            .map(|(o, tokens)| {
                let odd = o.with_fill.is_some()
                    || o.options.nulls_first.is_some()
                    || matches!(o.options.sort, Some(OrderBySort::Using(_)));
                if odd {
                    self.odd("this kind of ORDER BY");
                }
                let mut value = tokens;
                if let (Some(t), Some(outline)) = (&mut value, &self.outline)
                    && outline.is_word(t.end.saturating_sub(1), &["ASC", "DESC"])
                {
                    t.end -= 1;
                }
                OrderItem {
                    value: self.piece(&o.expr, value),
                    is_descending: matches!(o.options.sort, Some(OrderBySort::Desc)),
                    tokens,
                }
            })
            .collect()
    }

    /// Where a subquery stands: what its parentheses hold.
    pub(super) fn locate(&self, q: &Query) -> Option<TokenRange> {
        let outline = self.outline.as_ref()?;
        let (first, parentheses) = self.first_token(q)?;
        let start = first.checked_sub(parentheses)?;
        let range = outline.inside(start.checked_sub(1)?)?;
        let opens = |at| outline.is_op(at, sql::Op::LParen);
        (start..first).all(opens).then_some(range)
    }

    /// Where the query of an INSERT stands: from its first word to ON DUPLICATE KEY or RETURNING.
    pub(super) fn locate_inserted(&self, q: &Query) -> Option<TokenRange> {
        let (first, parentheses) = self.first_token(q)?;
        let whole = self.outline.as_ref()?.whole();
        let start = first.checked_sub(parentheses)?;
        Some(
            self.outline
                .as_ref()?
                .inserted(TokenRange::new(start, whole.end)),
        )
    }

    /// The first word of a query, and how many parentheses of its own stand before it.
    fn first_token(&self, q: &Query) -> Option<(u32, u32)> {
        if let Some(with) = &q.with {
            return Some((token_at(self.tokens, with.with_token.0.span)?, 0));
        }
        let mut body = q.body.as_ref();
        loop {
            match body {
                SetExpr::Select(s) => {
                    return Some((token_at(self.tokens, s.select_token.0.span)?, 0));
                }
                SetExpr::SetOperation { left, .. } => body = left,
                SetExpr::Query(q) => {
                    let (first, parentheses) = self.first_token(q)?;
                    return Some((first, parentheses + 1));
                }
                _ => return None,
            }
        }
    }
}
