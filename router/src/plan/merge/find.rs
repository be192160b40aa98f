//! Whether a query can be merged, and how.

use super::{Combine, Hidden, Key, Limit, Merge, Tail};
use crate::analyze::Analysis;
use crate::analyze::block::{
    Block, BlockKind, Body, ItemKind, Meaning, NamedColumn, OrderItem, Piece, Query,
};
use crate::analyze::comparison::{Comparison, comparison, is_quiet};
use crate::analyze::condition::source;
use crate::args::Source;
use crate::functions::RowScope;
use catalog::definition::TableDefinition;
use sql::{TokenKind, TokenRange};
use sqlparser::ast::Expr;

/// Looks at one query.
pub(super) struct Finder<'s, 'a> {
    pub a: &'s Analysis<'a>,
    pub query: &'s Query<'a>,
    pub block: &'s Block<'a>,
    pub hidden: Vec<Hidden>,
    /// What becomes of added columns in the rows of one group.
    pub added: Vec<(usize, Combine)>,
    /// What each item may be sorted by.
    pub items: Vec<Option<Key>>,
    /// It locks what it reads.
    is_locking: bool,
}

impl<'s, 'a> Finder<'s, 'a> {
    /// For a query that has nothing that no merge can do.
    pub(super) fn new(a: &'s Analysis<'a>, is_locking: bool) -> Option<Self> {
        let query = a.queries.first()?;
        let Body::Block(0) = query.body else {
            return None;
        };
        let block = a.blocks.first()?;
        let BlockKind::Select(select) = block.kind else {
            return None;
        };
        let plain = a.doubt.is_none()
            && a.is_understood
            && !a.has_odd_syntax
            && query.ctes.is_empty()
            && query.ast.fetch.is_none()
            && select.into.is_none()
            && block.windows.is_empty()
            && !block.has_rollup
            && !block.aggregates_around;
        let calls = a.calls.iter().all(|c| {
            let known = c.function.is_some_and(|f| {
                f.kind != RowScope::Window && !f.effects.counter && !f.effects.random
            });
            known && !c.is_windowed
        });
        (plain && calls).then_some(Self {
            a,
            query,
            block,
            hidden: Vec::new(),
            added: Vec::new(),
            items: Vec::new(),
            is_locking,
        })
    }

    /// How to merge it.
    pub(super) fn merge(mut self) -> Option<Merge> {
        let whole = self.block.clauses?.items?.content;
        let last_item = whole.end.checked_sub(1)?;
        let has_star = |k: &ItemKind<'_>| !matches!(k, ItemKind::Value(_));
        if !self.block.items.iter().any(|i| has_star(&i.kind)) {
            let block = self.block;
            for n in 0..block.items.len() {
                let key = self.item_key(n);
                self.items.push(key);
            }
        }
        let aggregates = self.a.calls.iter().any(|c| c.is_aggregate());
        if aggregates || !self.block.group_by.is_empty() || self.block.is_distinct() {
            return match self.is_locking {
                true => None,
                false => self.grouped(last_item),
            };
        }
        if !self.block.having.is_empty() {
            return None;
        }
        let (order_by, query) = (&self.query.order_by, self.query);
        let mut keys = Vec::new();
        for item in order_by {
            keys.push((self.order_key(item)?, item.is_descending));
        }
        let limit = self.limit(true)?;
        if self.is_locking && limit.is_some() {
            // Rows that the merge leaves out would be locked.
            return None;
        }
        let tail = Tail {
            behind: self.block.clauses?.end.checked_sub(1)?,
            order_by: None,
            sort: Vec::new(),
            sort_also: None,
            having: None,
            limit: query.clauses.limit.map(|c| c.whole),
        };
        Some(Merge {
            last_item,
            hidden: self.hidden,
            items: self.items,
            keys,
            tail,
            limit,
            groups: None,
        })
    }

    /// LIMIT, if its values can be read; the outer `None` says that they cannot.
    pub(super) fn limit(&self, is_pushed: bool) -> Option<Option<Limit>> {
        let Some(rows) = &self.query.limit else {
            return self.query.offset.is_none().then_some(None);
        };
        self.query.clauses.limit?;
        let number = |p: &Piece<'_>| source(self.a.tokens, p.expr);
        let offset = match &self.query.offset {
            Some(offset) => Some(number(offset)?),
            None => None,
        };
        Some(Some(Limit {
            rows: number(rows)?,
            offset,
            is_pushed,
        }))
    }

    /// An item of the select list that is a value.
    pub(super) fn item(&self, n: usize) -> Option<&'s Piece<'a>> {
        match &self.block.items.get(n)?.kind {
            ItemKind::Value(piece) => Some(piece),
            _ => None,
        }
    }

    /// What an item of the select list may be sorted by.
    fn item_key(&self, n: usize) -> Option<Key> {
        let by = self.comparison(self.item(n)?)?;
        by.selected("").is_none().then_some(Key::Item(n, by))
    }

    /// What an item of ORDER BY sorts by.
    pub(super) fn order_key(&mut self, item: &'s OrderItem<'a>) -> Option<Key> {
        let piece = &item.value;
        if let Some(Source::Literal {
            token,
            negated: false,
        }) = source(self.a.tokens, piece.expr)
        {
            let is_number = self.a.tokens.get(token as usize)?.kind == TokenKind::Int;
            // Columns can only be added for what is known by now.
            return (is_number && !self.items.is_empty()).then_some(Key::Position(token));
        }
        self.key(self.meant(piece)?)
    }

    /// The expression that a name stands for: an item of the select list, or itself.
    pub(super) fn meant(&self, piece: &'s Piece<'a>) -> Option<&'s Piece<'a>> {
        if let Some(column) = piece.plain_column()
            && let Meaning::Item(n) = column.meaning
        {
            return self.item(n);
        }
        let own = |c: &NamedColumn<'_>| matches!(c.meaning, Meaning::Instance(_));
        piece.columns.iter().all(own).then_some(piece)
    }

    /// What an expression sorts by: an item that is the same column, or a column that is added.
    pub(super) fn key(&mut self, piece: &Piece<'a>) -> Option<Key> {
        let by = self.comparison(piece)?;
        if let Some(n) = self.item_of(piece)
            && let Some(Some(key)) = self.items.get(n)
        {
            return Some(key.clone());
        }
        let tokens = self
            .copied(piece)
            .filter(|_| self.is_quiet(piece, piece.expr))?;
        Some(self.add(Hidden::Of(by.clone(), tokens), by))
    }

    /// True if a part of a piece may be computed once more without being noticed.
    pub(super) fn is_quiet(&self, piece: &Piece<'_>, e: &Expr) -> bool {
        is_quiet(e, &|name| self.definition(piece, name))
    }

    /// Where an expression stands that may be written once more: without parameters.
    pub(super) fn copied(&self, piece: &Piece<'_>) -> Option<TokenRange> {
        let tokens = piece.tokens.filter(|t| !t.is_empty())?;
        (!self.has_params(tokens)).then_some(tokens)
    }

    /// True if a parameter stands there.
    pub(super) fn has_params(&self, range: TokenRange) -> bool {
        let places = range.start as usize..range.end as usize;
        let mut inside = self.a.tokens.get(places).unwrap_or_default().iter();
        inside.any(|t| t.kind == TokenKind::Param)
    }

    /// Adds a column.
    pub(super) fn add(&mut self, hidden: Hidden, by: Comparison) -> Key {
        let known = self.hidden.iter().position(|h| *h == hidden);
        let n = known.unwrap_or_else(|| {
            self.hidden.push(hidden);
            self.hidden.len() - 1
        });
        Key::Hidden(n, by)
    }

    /// The item of the select list that is the same expression.
    pub(super) fn item_of(&self, piece: &Piece<'_>) -> Option<usize> {
        let items = self.block.items.iter();
        items.enumerate().find_map(|(n, item)| match &item.kind {
            ItemKind::Value(own) => (std::ptr::eq(own, piece) || same(own, piece)).then_some(n),
            _ => None,
        })
    }

    /// How the values of an expression compare, if every shard computes them alike.
    pub(super) fn comparison(&self, piece: &Piece<'_>) -> Option<Comparison> {
        let class = self.a.class(piece);
        let certain = piece.queries.is_empty() && !piece.has_unresolved;
        if !certain || !class.is_of_one_row() || class.effects.clock {
            return None;
        }
        self.compares(piece, piece.expr)
    }

    /// How values of a part of a piece compare.
    pub(super) fn compares(&self, piece: &Piece<'_>, e: &Expr) -> Option<Comparison> {
        comparison(e, &|name| self.definition(piece, name))
    }

    /// The definition of the table whose column a name in a piece is.
    fn definition(&self, piece: &Piece<'_>, name: &Expr) -> Option<&'s TableDefinition> {
        let first = match name {
            Expr::Identifier(name) => name,
            Expr::CompoundIdentifier(parts) => parts.first()?,
            _ => return None,
        };
        let mut columns = piece.columns.iter();
        let column = columns.find(|c| c.name.first().is_some_and(|n| n.span == first.span))?;
        match column.meaning {
            Meaning::Instance(i) => Some(&*self.a.instances[i].table()?.definition),
            _ => None,
        }
    }
}

/// True for two names of one column.
pub(super) fn same(a: &Piece<'_>, b: &Piece<'_>) -> bool {
    let (Some(a), Some(b)) = (a.plain_column(), b.plain_column()) else {
        return false;
    };
    let last = |c: &NamedColumn<'_>| c.name.last().map(|n| n.value.to_lowercase());
    matches!(a.meaning, Meaning::Instance(_)) && a.meaning == b.meaning && last(a) == last(b)
}
