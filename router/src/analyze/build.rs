//! From the parser's tree to queries and blocks.

use crate::Refusal;
use crate::analyze::Analysis;
use crate::analyze::block::*;
use crate::analyze::condition::{Reader, Side};
use crate::analyze::expression::{Part, window_parts};
use crate::analyze::from::FromPlaces;
use crate::analyze::instance::TableInstanceId;
use crate::analyze::scope::Scope;
use crate::plan::PlanContext;
use catalog::Catalog;
use errors::ReadError;
use sql::outline::{Clause, Outline, SelectClauses, TailClauses};
use sql::parse::token_at;
use sql::{Flavor, Token, TokenRange};
use sqlparser::ast::{self, Expr, GroupByExpr, LimitClause, OrderByKind, SetExpr, TableFactor};

/// Reads one statement.
pub(super) struct Builder<'a> {
    pub out: Analysis<'a>,
    pub catalog: &'a Catalog,
    pub database: Option<&'a str>,
    pub flavor: Flavor,
    pub tokens: &'a [Token],
    /// `None` if the parentheses do not match; then no place is known.
    pub outline: Option<Outline<'a>>,
    /// The block that is read, whose names count.
    pub block: Option<BlockId>,
    /// Queries around what is read, outermost first.
    pub queries: Vec<QueryId>,
    /// Blocks around what is read.
    pub depth: usize,
    /// Places of the tables and conditions of the FROM that is read, in order.
    pub places: FromPlaces,
    /// Derived tables of the FROM that is read.
    pub derived: Vec<(TableInstanceId, &'a TableFactor)>,
    /// Tables that were understood, and calls that were found.
    pub relations_seen: usize,
    pub functions_seen: usize,
}

impl<'a> Builder<'a> {
    /// A builder that has read nothing.
    pub(super) fn new(
        ctx: PlanContext<'a>,
        tokens: &'a [Token],
        outline: Option<Outline<'a>>,
        out: Analysis<'a>,
    ) -> Self {
        Self {
            out,
            catalog: ctx.catalog,
            database: ctx.database,
            flavor: ctx.flavor,
            tokens,
            outline,
            block: None,
            queries: Vec::new(),
            depth: 0,
            places: FromPlaces::default(),
            derived: Vec::new(),
            relations_seen: 0,
            functions_seen: 0,
        }
    }

    pub(super) fn scope(&self) -> Scope<'_, 'a> {
        Scope {
            blocks: &self.out.blocks,
            instances: &self.out.instances,
            block: self.block,
        }
    }

    pub(super) fn refuse(&mut self, r: Refusal) {
        self.out.refusal.get_or_insert(r);
    }

    /// Something that is not understood.
    pub(super) fn odd(&mut self, what: &'static str) {
        self.out.is_understood = false;
        self.refuse(ReadError::UnsupportedConstruct { what }.into());
    }

    /// Facts of the WHERE of the block that is read, whose FROM is known.
    pub(super) fn gather_where(&mut self, e: Option<&Expr>) {
        let block = self.block.and_then(|b| self.out.blocks.get(b));
        let joins = block.is_some_and(|b| b.from.iter().any(FromItem::has_outer_join));
        self.gather_facts(e, Side::Both, !joins);
    }

    /// Facts of a condition of a join of the block that is read.
    pub(super) fn gather(&mut self, e: Option<&Expr>, side: Side<'_>) {
        self.gather_facts(e, side, false);
    }

    fn gather_facts(&mut self, e: Option<&Expr>, side: Side<'_>, null_is_stored: bool) {
        if let Some(e) = e {
            let reader = Reader {
                tokens: self.tokens,
                scope: self.scope(),
                null_is_stored,
            };
            let facts = reader.facts(e, side);
            self.out.facts.and_all(facts);
        }
    }

    /// A query that stands in `place`, inside of `around`.
    pub(super) fn query(
        &mut self,
        q: &'a ast::Query,
        place: Place,
        around: Option<BlockId>,
        tokens: Option<TokenRange>,
    ) -> QueryId {
        let id = self.out.queries.len();
        self.out.queries.push(Query {
            ast: q,
            place,
            ctes: Vec::new(),
            body: Body::Unknown,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            tokens,
            clauses: TailClauses::default(),
            outer: Vec::new(),
            has_unresolved: false,
        });
        self.queries.push(id);
        let outside = std::mem::replace(&mut self.block, around);
        if let Some(with) = &q.with {
            self.with(id, with, around);
        }
        let mut at = self.body_start(q, tokens);
        let end = tokens.map_or(0, |t| t.end);
        let body = self.body(&q.body, id, &mut at, end);
        // ORDER BY and LIMIT of one SELECT see its tables.
        self.block = match body {
            Body::Block(b) => Some(b),
            _ => around,
        };
        self.out.queries[id].body = body;
        let rest = at.map(|at| TokenRange::new(at, end));
        if let (Some(rest), Some(outline)) = (rest, &self.outline) {
            self.out.queries[id].clauses = outline.tail(rest, false);
        }
        self.tail(id, q);
        self.block = outside;
        self.queries.pop();
        id
    }

    /// Where a query's body begins, behind its WITH.
    fn body_start(&self, q: &ast::Query, tokens: Option<TokenRange>) -> Option<u32> {
        let start = tokens?.start;
        match q.with.as_ref().map(|w| w.cte_tables.last()) {
            None => Some(start),
            Some(last) => Some(token_at(self.tokens, last?.closing_paren_token.0.span)? + 1),
        }
    }

    fn with(&mut self, id: QueryId, with: &'a ast::With, around: Option<BlockId>) {
        if with.recursive {
            self.check_recursive(with);
        }
        self.out.queries[id].ctes = with
            .cte_tables
            .iter()
            .map(|c| Cte {
                alias: &c.alias,
                query: None,
                // Without RECURSIVE, what is called like a later one is a table.
                is_visible: with.recursive,
            })
            .collect();
        for (i, cte) in with.cte_tables.iter().enumerate() {
            let tokens = self.outline.as_ref().and_then(|o| {
                let close = token_at(self.tokens, cte.closing_paren_token.0.span)?;
                o.closed_by(close)
            });
            let query = self.query(&cte.query, Place::With(id), around, tokens);
            let cte = &mut self.out.queries[id].ctes[i];
            (cte.query, cte.is_visible) = (Some(query), true);
        }
    }

    /// In WITH RECURSIVE servers differ in which names the first queries see.
    fn check_recursive(&mut self, with: &ast::With) {
        let names = with.cte_tables.iter().map(|c| &c.alias.name.value);
        let is_table = |name: &&String| {
            self.database
                .is_some_and(|d| self.catalog.table(d, name).is_some())
        };
        if let Some(name) = names.into_iter().find(is_table) {
            self.out.is_understood = false;
            let name = name.clone();
            self.refuse(ReadError::RecursiveName { name }.into());
        }
    }

    /// What a query selects. `at` is the index of its first token, and then the one behind it;
    /// `None` once the place is lost.
    fn body(
        &mut self,
        body: &'a SetExpr,
        query: QueryId,
        at: &mut Option<u32>,
        end: u32,
    ) -> Body<'a> {
        match body {
            SetExpr::Select(s) => {
                let verb = token_at(self.tokens, s.select_token.0.span).filter(|v| Some(*v) == *at);
                let clauses = self
                    .outline
                    .as_ref()
                    .zip(verb)
                    .map(|(o, v)| o.select(v, end));
                *at = clauses.map(|c| c.end);
                Body::Block(self.select(s, query, clauses))
            }
            SetExpr::Query(q) => {
                let outline = self.outline.as_ref();
                let inside = outline.zip(*at).and_then(|(o, at)| o.inside(at));
                *at = inside.map(|r| r.end + 1);
                let around = self.block;
                Body::Query(self.query(q, Place::Operand(query), around, inside))
            }
            SetExpr::SetOperation { .. } => self.set_operation(body, query, at, end),
            SetExpr::Values(v) => {
                let outline = self.outline.as_ref();
                *at = outline.zip(*at).and_then(|(o, at)| o.values(at, end));
                let rows = v.rows.iter().flat_map(|r| r.iter());
                Body::Rows(rows.map(|e| self.piece(e, None)).collect())
            }
            SetExpr::Table(_) => {
                *at = None;
                self.odd("TABLE without SELECT");
                Body::Unknown
            }
            _ => {
                *at = None;
                self.odd("this kind of query");
                Body::Unknown
            }
        }
    }

    /// UNION, INTERSECT or EXCEPT, places as for [`Self::body`].
    fn set_operation(
        &mut self,
        body: &'a SetExpr,
        query: QueryId,
        at: &mut Option<u32>,
        end: u32,
    ) -> Body<'a> {
        let SetExpr::SetOperation {
            op,
            set_quantifier,
            left,
            right,
        } = body
        else {
            return Body::Unknown;
        };
        let around = self.block;
        let left = Box::new(self.body(left, query, at, end));
        self.block = around;
        let outline = self.outline.as_ref();
        let found = outline.zip(*at).and_then(|(o, at)| o.set_operator(at));
        let all = *set_quantifier == ast::SetQuantifier::All;
        *at = found.filter(|f| f.0 == all).map(|f| f.1);
        let right = Box::new(self.body(right, query, at, end));
        self.block = around;
        Body::Set {
            operator: *op,
            all,
            left,
            right,
        }
    }

    /// What follows the body of a query.
    fn tail(&mut self, id: QueryId, q: &'a ast::Query) {
        let clauses = self.out.queries[id].clauses;
        if let Some(order) = &q.order_by {
            match &order.kind {
                OrderByKind::Expressions(list) if order.interpolate.is_none() => {
                    let content = clauses.order_by.map(|c| c.content);
                    self.out.queries[id].order_by = self.order(list, content);
                }
                _ => self.odd("this kind of ORDER BY"),
            }
        }
        let (mut limit, mut offset) = (None, None);
        match &q.limit_clause {
            None => {}
            Some(LimitClause::OffsetCommaLimit {
                offset: o,
                limit: l,
            }) => {
                (limit, offset) = (Some(l), Some(o));
            }
            Some(LimitClause::LimitOffset {
                limit: l,
                offset: o,
                limit_by,
            }) => {
                (limit, offset) = (l.as_ref(), o.as_ref().map(|o| &o.value));
                if !limit_by.is_empty() {
                    self.odd("LIMIT BY");
                }
            }
        }
        if let Some(fetch) = &q.fetch {
            if fetch.with_ties || fetch.percent || limit.is_some() {
                self.odd("this kind of FETCH");
            }
            limit = fetch.quantity.as_ref();
        }
        self.out.queries[id].limit = limit.map(|e| self.literal(e));
        self.out.queries[id].offset = offset.map(|e| self.literal(e));
        let more = q.for_clause.is_some()
            || q.settings.is_some()
            || q.format_clause.is_some()
            || !q.pipe_operators.is_empty();
        if more {
            self.odd("a clause behind the query");
        }
    }

    /// A piece of one token, such as the number of LIMIT.
    pub(super) fn literal(&mut self, e: &'a Expr) -> Piece<'a> {
        let at = match e {
            Expr::Value(v) => token_at(self.tokens, v.span),
            _ => None,
        };
        self.piece(e, at.map(|at| TokenRange::new(at, at + 1)))
    }

    /// A new block, which is read from now on.
    pub(super) fn open(&mut self, kind: BlockKind<'a>, query: Option<QueryId>) -> BlockId {
        let id = self.out.blocks.len();
        self.out.blocks.push(Block::new(kind, query, self.block));
        self.block = Some(id);
        id
    }

    fn select(
        &mut self,
        s: &'a ast::Select,
        query: QueryId,
        clauses: Option<SelectClauses>,
    ) -> BlockId {
        let id = self.open(BlockKind::Select(s), Some(query));
        self.depth += 1;
        let content = |c: Option<Clause>| c.map(|c| c.content);
        let c = clauses.unwrap_or_default();
        let derived = self.from(id, &s.from, content(c.from));
        self.gather_where(s.selection.as_ref());
        self.items(id, &s.projection, content(c.items));
        self.read_from_queries(id, &derived);
        let conditions = self.condition(s.selection.as_ref(), content(c.conditions));
        let (group_by, has_rollup) = self.group_by(&s.group_by, content(c.group_by));
        let having = self.condition(s.having.as_ref(), content(c.having));
        let windows = self.windows(s);
        self.check_select(s);
        let block = &mut self.out.blocks[id];
        block.clauses = clauses;
        block.conditions = conditions;
        (block.group_by, block.has_rollup) = (group_by, has_rollup);
        block.having = having;
        block.windows = windows;
        self.depth -= 1;
        id
    }

    fn group_by(
        &mut self,
        g: &'a GroupByExpr,
        content: Option<TokenRange>,
    ) -> (Vec<Piece<'a>>, bool) {
        match g {
            GroupByExpr::Expressions(list, modifiers) => {
                let sets =
                    |e: &Expr| matches!(e, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_));
                let has_rollup = !modifiers.is_empty() || list.iter().any(sets);
                (self.list(list, content), has_rollup)
            }
            GroupByExpr::All(_) => {
                self.odd("GROUP BY ALL");
                (Vec::new(), false)
            }
        }
    }

    fn windows(&mut self, s: &'a ast::Select) -> Vec<Piece<'a>> {
        let mut parts = Vec::new();
        for definition in &s.named_window {
            if let ast::NamedWindowExpr::WindowSpec(w) = &definition.1 {
                window_parts(w, &mut parts);
            }
        }
        let mut out = Vec::new();
        for part in parts {
            if let Part::Expr(e) = part {
                out.push(self.piece(e, None));
            }
        }
        out
    }

    /// Clauses of other kinds of SQL.
    fn check_select(&mut self, s: &ast::Select) {
        let foreign = s.qualify.is_some()
            || s.prewhere.is_some()
            || s.top.is_some()
            || s.exclude.is_some()
            || s.value_table_mode.is_some()
            || !s.lateral_views.is_empty()
            || !s.connect_by.is_empty()
            || !s.cluster_by.is_empty()
            || !s.distribute_by.is_empty()
            || !s.sort_by.is_empty()
            || s.flavor != ast::SelectFlavor::Standard;
        if foreign {
            self.odd("a clause of this SELECT");
        }
    }
}
