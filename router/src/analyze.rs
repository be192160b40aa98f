//! What a statement means: its queries and blocks, what their tables are, what is known of their keys, and
//! whether the parts of several shards may simply be put together.
//!
//! One analysis serves everything that is planned for the statement. What the parser is known to misread
//! yields no facts; what it has no words for makes a refusal.

pub mod block;
mod build;
pub mod calls;
pub mod class;
mod colocation;
pub mod comparison;
pub(crate) mod condition;
pub mod dml;
mod expression;
pub mod facts;
mod from;
pub mod information_schema;
pub mod instance;
mod items;
pub mod outline_text;
mod pieces;
mod relation;
mod resolve;
pub mod restriction;
pub mod scope;
pub mod unknown_call;

use crate::Refusal;
use crate::analyze::block::{Block, Query};
use crate::analyze::build::Builder;
use crate::analyze::calls::Call;
use crate::analyze::facts::Facts;
use crate::analyze::instance::{TableInstance, TableInstanceId};
use crate::plan::PlanContext;
use catalog::Placement;
use errors::{Obstacle, ReadError};
use sql::lexer::Token;
use sql::outline::Outline;
use sql::parse::{Doubt, Parsed};
use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, ObjectName, SetExpr, Statement, TableObject, Visit, Visitor,
};
use std::ops::ControlFlow;

/// What a statement means.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// The statement's tokens, as they were parsed.
    pub tokens: &'a [Token],
    /// Their parentheses, to find more places; `None` if one has no partner.
    pub outline: Option<Outline<'a>>,
    /// Its queries; the statement itself is the first, unless it is an UPDATE or DELETE.
    pub queries: Vec<Query<'a>>,
    /// Its blocks.
    pub blocks: Vec<Block<'a>>,
    /// Every table instance, in the order of the text, those of a block before those of its subqueries.
    pub instances: Vec<TableInstance>,
    /// Functions that it calls, in subqueries too.
    pub calls: Vec<Call>,
    /// What is known of keys.
    pub facts: Facts,
    /// What the parser may have misread; there are no facts then.
    pub doubt: Option<Doubt>,
    /// A table of the server's own schemas is used.
    pub system: bool,
    /// Everything in it has a meaning here, but for tables that the catalog does not know.
    pub is_understood: bool,
    /// An expression has syntax of which nothing is known.
    pub has_odd_syntax: bool,
    /// A statement that cannot be run at all.
    pub refusal: Option<Refusal>,
    /// Why the results of several shards cannot be put together, if so.
    pub obstacle: Option<Obstacle>,
    /// Something besides ORDER BY, groups and the like keeps the shards from answering each for itself.
    pub needs_rows_together: bool,
}

impl<'a> Analysis<'a> {
    /// Reads a parsed statement; `tokens` are those that were parsed.
    pub fn of(
        ctx: PlanContext<'a>,
        text: &'a [u8],
        tokens: &'a [Token],
        parsed: &'a Parsed,
    ) -> Self {
        let mut builder = Builder::new(
            ctx,
            tokens,
            Outline::new(text, tokens),
            Self {
                tokens,
                outline: None,
                queries: Vec::new(),
                blocks: Vec::new(),
                instances: Vec::new(),
                calls: Vec::new(),
                facts: Facts::default(),
                doubt: parsed.doubt,
                system: false,
                is_understood: true,
                has_odd_syntax: false,
                refusal: None,
                obstacle: None,
                needs_rows_together: false,
            },
        );
        builder.statement(&parsed.ast);
        builder.check_complete(&parsed.ast);
        let mut out = builder.out;
        out.outline = builder.outline;
        if out.doubt.is_some() {
            out.facts = Facts::default();
        }
        out.facts.propagate();
        out.resolve();
        out
    }

    /// Notes why several shards cannot answer; the first reason stays.
    pub fn note_obstacle(&mut self, obstacle: Obstacle) {
        self.needs_rows_together |=
            !matches!(obstacle, Obstacle::Clause { .. } | Obstacle::Aggregate);
        self.obstacle.get_or_insert(obstacle);
    }

    /// Number of columns of the sharding key of an instance's table; 0 if it is not sharded.
    pub fn key_width(&self, i: TableInstanceId) -> usize {
        let sharding = self.instances.get(i).and_then(TableInstance::sharding);
        sharding.map_or(0, |s| s.key.len())
    }

    /// The instances of sharded tables.
    pub fn sharded(&self) -> Vec<TableInstanceId> {
        (0..self.instances.len())
            .filter(|i| self.key_width(*i) > 0)
            .collect()
    }

    /// True if placement `wanted` occurs among the tables.
    pub fn any_placement(&self, wanted: impl Fn(&Placement) -> bool) -> bool {
        self.instances
            .iter()
            .filter_map(TableInstance::placement)
            .any(wanted)
    }

    /// Notes what would keep the answers of several shards from simply following each other.
    pub fn check_shape(&mut self) {
        let clause = self.queries.first().and_then(|q| merging_clause(q.ast));
        if let Some(clause) = clause {
            self.note_obstacle(Obstacle::Clause { clause });
        }
        self.check_calls();
    }

    /// Notes calls that several shards cannot make each for itself.
    pub fn check_calls(&mut self) {
        if let Some(obstacle) = calls::obstacle(&self.calls) {
            self.note_obstacle(obstacle);
        }
        if self.has_odd_syntax {
            self.note_obstacle(Obstacle::UnreadSyntax);
        }
    }
}

impl<'a> Builder<'a> {
    fn statement(&mut self, ast: &'a Statement) {
        let whole = self.outline.as_ref().map(Outline::whole);
        match ast {
            Statement::Query(q) => {
                self.query(q, block::Place::Statement, None, whole);
            }
            Statement::Update(u) => self.update(u),
            Statement::Delete(d) => self.delete(d),
            // What it inserts may be a query.
            Statement::Insert(i) => {
                let is_name = matches!(i.table, TableObject::TableName(_));
                self.relations_seen += usize::from(is_name);
                if let Some(q) = &i.source {
                    let tokens = self.locate_inserted(q);
                    self.query(q, block::Place::Statement, None, tokens);
                }
            }
            _ => self.odd("this kind of statement"),
        }
    }

    /// Compares what was read with what the tree holds: nothing may be overlooked.
    fn check_complete(&mut self, ast: &Statement) {
        let mut held = Held::default();
        let _ = Visit::visit(ast, &mut held);
        if held.relations != self.relations_seen {
            self.out.is_understood = false;
            self.refuse(ReadError::UnclearTables.into());
        }
        self.out.has_odd_syntax |= held.functions != self.functions_seen;
    }
}

/// What the parser's tree holds, counted by its own visitor.
#[derive(Default)]
struct Held {
    relations: usize,
    functions: usize,
}

impl Visitor for Held {
    type Break = ();

    fn pre_visit_relation(&mut self, _: &ObjectName) -> ControlFlow<()> {
        self.relations += 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, e: &Expr) -> ControlFlow<()> {
        self.functions += usize::from(matches!(e, Expr::Function(_)));
        ControlFlow::Continue(())
    }
}

/// The clause that needs the rows of several shards in one place; `None` if they may simply follow each
/// other.
fn merging_clause(q: &sqlparser::ast::Query) -> Option<&'static str> {
    let SetExpr::Select(s) = q.body.as_ref() else {
        return Some("UNION, EXCEPT or INTERSECT");
    };
    if q.with.is_some() {
        return Some("WITH");
    }
    if q.order_by.is_some() {
        return Some("ORDER BY");
    }
    if q.limit_clause.is_some() || q.fetch.is_some() {
        return Some("LIMIT");
    }
    if matches!(&s.distinct, Some(d) if *d != Distinct::All) {
        return Some("DISTINCT");
    }
    let plain =
        matches!(&s.group_by, GroupByExpr::Expressions(e, m) if e.is_empty() && m.is_empty());
    if !plain {
        return Some("GROUP BY");
    }
    if s.having.is_some() {
        return Some("HAVING");
    }
    s.into.is_some().then_some("INTO")
}
