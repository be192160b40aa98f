//! Walks a parsed statement: every table it uses, every fact about their keys, and whether the parts
//! of several shards may simply be put together.

pub mod calls;
pub mod condition;
pub mod dml;
pub mod facts;
pub mod schema;
pub mod scope;

use crate::Refusal;
use crate::analyze::calls::Call;
use crate::analyze::condition::{Reader, Side};
use crate::analyze::facts::{Facts, Instance, InstanceId, KeyColumnRef};
use crate::analyze::scope::{Relation, Scope, Scopes};
use crate::plan::PlanContext;
use catalog::{Catalog, Placement};
use errors::{Obstacle, ReadError};
use sql::lexer::Token;
use sqlparser::ast::*;
use std::ops::ControlFlow;

/// Which tables count in a walk; the others are taken for tables that nothing is known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooksFor {
    /// Those of the catalog.
    Tables,
    /// Those of information_schema that tell of objects, with the columns for table and database as their
    /// keys.
    Schema,
}

/// What a walk found.
pub struct Analysis<'a> {
    catalog: &'a Catalog,
    database: Option<&'a str>,
    tokens: &'a [Token],
    /// Tables and scopes.
    pub scopes: Scopes,
    /// Facts about keys.
    pub facts: Facts,
    /// Relations that the parser's tree holds, and those that were understood.
    relations: (usize, usize),
    looks_for: LooksFor,
    flavor: sql::Flavor,
    /// Functions that it calls, in subqueries too.
    pub calls: Vec<Call>,
    /// A table of the server's own schemas is used.
    pub system: bool,
    /// A statement that cannot be run at all.
    pub refusal: Option<Refusal>,
    /// Why the results of several shards cannot be put together, if so.
    pub obstacle: Option<Obstacle>,
}

impl<'a> Analysis<'a> {
    /// Walks `ast`. `trusted` is false if conditions must not be used.
    pub fn of(
        ctx: PlanContext<'a>,
        tokens: &'a [Token],
        ast: &Statement,
        trusted: bool,
        looks_for: LooksFor,
    ) -> Self {
        let mut out = Self {
            catalog: ctx.catalog,
            database: ctx.database,
            tokens,
            scopes: Scopes::default(),
            facts: Facts::default(),
            relations: (0, 0),
            looks_for,
            flavor: ctx.flavor,
            calls: Vec::new(),
            system: false,
            refusal: None,
            obstacle: None,
        };
        out.root(ast);
        let _ = Visit::visit(ast, &mut out);
        out.scopes.stack.clear();
        if !trusted {
            out.facts = Facts::default();
        }
        out.facts.propagate();
        if out.relations.0 != out.relations.1 && out.refusal.is_none() {
            out.refusal = Some(ReadError::UnclearTables.into());
        }
        out
    }

    /// UPDATE and DELETE have their tables outside of any SELECT.
    fn root(&mut self, ast: &Statement) {
        match ast {
            Statement::Update(u) => {
                self.scopes.stack.push(Scope {
                    has_tables: true,
                    ..Default::default()
                });
                self.from(std::slice::from_ref(&u.table));
                self.condition(u.selection.as_ref(), Side::Both);
            }
            Statement::Delete(d) => {
                self.scopes.stack.push(Scope {
                    has_tables: true,
                    ..Default::default()
                });
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &d.from;
                self.from(d.using.as_ref().unwrap_or(from));
                self.condition(d.selection.as_ref(), Side::Both);
            }
            _ => {}
        }
    }

    fn depth(&self) -> usize {
        self.scopes
            .stack
            .iter()
            .filter(|s| s.has_tables)
            .count()
            .saturating_sub(1)
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            tokens: self.tokens,
            scopes: &self.scopes,
        }
    }

    fn condition(&mut self, e: Option<&Expr>, side: Side<'_>) {
        if let Some(e) = e {
            let facts = self.reader().facts(e, side);
            self.facts.and_all(facts);
        }
    }

    fn from(&mut self, list: &[TableWithJoins]) {
        for item in list {
            self.joined(item);
        }
    }

    fn joined(&mut self, item: &TableWithJoins) -> Vec<InstanceId> {
        let mut left = self.factor(&item.relation);
        for join in &item.joins {
            let right = self.factor(&join.relation);
            use JoinOperator::*;
            match &join.join_operator {
                Join(c) | Inner(c) | CrossJoin(c) | StraightJoin(c) => {
                    self.constraint(c, &left, &right, Side::Both);
                }
                Left(c) | LeftOuter(c) => {
                    self.preserve(&left, &right);
                    self.constraint(c, &left, &right, Side::Only(&right));
                }
                Right(c) | RightOuter(c) => {
                    self.preserve(&right, &left);
                    self.constraint(c, &left, &right, Side::Only(&left));
                }
                _ => self.odd("this kind of join"),
            }
            left.extend(right);
        }
        left
    }

    /// Rows of `kept` without a partner stay. If they are the same on every shard and the partners
    /// are not, each shard would keep them.
    fn preserve(&mut self, kept: &[InstanceId], looked_up: &[InstanceId]) {
        let sharded = |i: &InstanceId| self.scopes.key_width(*i) > 0;
        if looked_up.iter().any(sharded)
            && let Some(&i) = kept.iter().find(|i| !sharded(i))
        {
            let kept = self.scopes.instances[i].alias.clone();
            self.note_obstacle(Obstacle::OuterJoin { kept });
        }
    }

    fn constraint(
        &mut self,
        c: &JoinConstraint,
        left: &[InstanceId],
        right: &[InstanceId],
        side: Side<'_>,
    ) {
        match c {
            JoinConstraint::On(e) => self.condition(Some(e), side),
            JoinConstraint::Using(names) => {
                let mut edges = Vec::new();
                for name in names {
                    let Some(parts) = crate::analyze::scope::parts(name) else {
                        continue;
                    };
                    let Some(column) = parts.last() else { continue };
                    edges.extend(self.using_edges(&column.value, left, right, side));
                }
                self.facts.edges.extend(edges);
            }
            JoinConstraint::Natural | JoinConstraint::None => {}
        }
    }

    fn using_edges(
        &self,
        column: &str,
        left: &[InstanceId],
        right: &[InstanceId],
        side: Side<'_>,
    ) -> Vec<(KeyColumnRef, KeyColumnRef)> {
        // Only if exactly one table of each side has the column is it clear which are compared.
        let owner = |list: &[InstanceId]| -> Option<KeyColumnRef> {
            let mut found = None;
            for &i in list {
                let table = self.scopes.instances[i].table.as_ref()?;
                if table.columns.iter().any(|c| c.eq_ignore_ascii_case(column)) {
                    let key = table.sharding()?.key_index(column)?;
                    if found.replace((i, key)).is_some() {
                        return None;
                    }
                }
            }
            found
        };
        let (Some(a), Some(b)) = (owner(left), owner(right)) else {
            return Vec::new();
        };
        if !self.scopes.is_compatible(a, b) {
            return Vec::new();
        }
        let allows = |i: InstanceId| match side {
            Side::Both => true,
            Side::Only(list) => list.contains(&i),
        };
        [(a, b), (b, a)]
            .into_iter()
            .filter(|(_, to)| allows(to.0))
            .collect()
    }

    fn factor(&mut self, f: &TableFactor) -> Vec<InstanceId> {
        match f {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                self.relations.1 += 1;
                self.table(name, alias.as_ref().map(|a| a.name.value.clone()))
            }
            TableFactor::Derived { alias, .. } => {
                let alias = alias
                    .as_ref()
                    .map_or_else(String::new, |a| a.name.value.clone());
                vec![self.add(None, alias, None)]
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.joined(table_with_joins),
            _ => {
                self.odd("this kind of table expression");
                Vec::new()
            }
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<String>) -> Vec<InstanceId> {
        let last =
            crate::analyze::scope::parts(name).and_then(|p| p.last().map(|i| i.value.clone()));
        let alias_given = alias.is_some();
        let alias = alias.or(last).unwrap_or_default();
        match self.scopes.relation(self.catalog, self.database, name) {
            Relation::Known(_) | Relation::Missing(..) if self.looks_for == LooksFor::Schema => {
                vec![self.add(None, alias, None)]
            }
            Relation::System if self.looks_for == LooksFor::Schema => {
                let parts = crate::analyze::scope::parts(name).unwrap_or_default();
                let last = parts.last().map_or("", |p| p.value.as_str());
                let own = match parts.as_slice() {
                    [d, _] => d.value.eq_ignore_ascii_case("information_schema"),
                    _ => true,
                };
                let table = crate::analyze::schema::object_table(last).filter(|_| own);
                let database = (!alias_given && parts.len() > 1).then(|| parts[0].value.clone());
                vec![self.add(table, alias, database)]
            }
            Relation::Known(table) => {
                let database = match &table {
                    Some(t) if !alias_given => Some(t.name.database.clone()),
                    _ => None,
                };
                vec![self.add(table, alias, database)]
            }
            Relation::System => {
                self.system |= !alias.eq_ignore_ascii_case("dual");
                vec![self.add(None, alias, None)]
            }
            Relation::Missing(db, table) => {
                self.refuse(Refusal::no_such_table(&db, &table));
                Vec::new()
            }
            Relation::NoDatabase => {
                self.refuse(Refusal::no_database());
                Vec::new()
            }
            Relation::Odd => {
                self.odd("this kind of table name");
                Vec::new()
            }
        }
    }

    fn add(
        &mut self,
        table: Option<std::sync::Arc<catalog::Table>>,
        alias: String,
        database: Option<String>,
    ) -> InstanceId {
        let depth = self.depth();
        let id = self.scopes.instances.len();
        self.scopes.instances.push(Instance {
            table,
            alias,
            database,
            depth,
            preserved: false,
        });
        if let Some(scope) = self.scopes.stack.last_mut() {
            scope.instances.push(id);
        }
        id
    }

    /// In WITH RECURSIVE servers differ in which names the first queries see.
    fn check_recursive(&mut self, names: &[String]) {
        let table = |name: &&String| {
            self.database
                .is_some_and(|d| self.catalog.table(d, name).is_some())
        };
        if let Some(name) = names.iter().find(table) {
            let name = name.clone();
            self.refuse(ReadError::RecursiveName { name }.into());
        }
    }

    fn refuse(&mut self, r: Refusal) {
        self.refusal.get_or_insert(r);
    }

    fn odd(&mut self, what: &'static str) {
        self.refuse(ReadError::UnsupportedConstruct { what }.into());
    }

    /// Notes why several shards cannot answer; the first reason stays.
    pub fn note_obstacle(&mut self, obstacle: Obstacle) {
        self.obstacle.get_or_insert(obstacle);
    }

    /// The instances of sharded tables.
    pub fn sharded(&self) -> Vec<InstanceId> {
        (0..self.scopes.instances.len())
            .filter(|i| self.scopes.key_width(*i) > 0)
            .collect()
    }

    /// Checks that all sharded instances are joined key by key, so that partners share a shard.
    pub fn check_colocation(&mut self) {
        let sharded = self.sharded();
        let Some(&first) = sharded.first() else {
            return;
        };
        if let Some(&i) = sharded
            .iter()
            .find(|i| self.scopes.instances[**i].depth > 0)
        {
            let table = self.scopes.instances[i].alias.clone();
            return self.note_obstacle(Obstacle::Subquery { table });
        }
        let mut reached = vec![first];
        let mut at = 0;
        while at < reached.len() {
            for &i in &sharded {
                if !reached.contains(&i) && self.joined_on_key(reached[at], i) {
                    reached.push(i);
                }
            }
            at += 1;
        }
        if let Some(&i) = sharded.iter().find(|i| !reached.contains(i)) {
            let alias = |i: InstanceId| self.scopes.instances[i].alias.clone();
            let (left, right) = (alias(first), alias(i));
            self.note_obstacle(Obstacle::NotJoinedOnKey { left, right });
        }
    }

    fn joined_on_key(&self, a: InstanceId, b: InstanceId) -> bool {
        let get = |i: InstanceId| self.scopes.instances[i].table.as_ref()?.sharding();
        let (Some(x), Some(y)) = (get(a), get(b)) else {
            return false;
        };
        let edge = |k: usize| {
            self.facts
                .edges
                .iter()
                .any(|(f, t)| (*f, *t) == ((a, k), (b, k)) || (*f, *t) == ((b, k), (a, k)))
        };
        x.group.id == y.group.id && (0..x.key.len()).all(edge)
    }

    /// True if placement `wanted` occurs among the tables.
    pub fn any_placement(&self, wanted: impl Fn(&Placement) -> bool) -> bool {
        let tables = self
            .scopes
            .instances
            .iter()
            .filter_map(|i| i.table.as_ref());
        tables.into_iter().any(|t| wanted(&t.placement))
    }
}

impl Visitor for Analysis<'_> {
    type Break = ();

    fn pre_visit_relation(&mut self, _: &ObjectName) -> ControlFlow<()> {
        self.relations.0 += 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, e: &Expr) -> ControlFlow<()> {
        match e {
            Expr::Function(f) => self.calls.push(Call::of(f, self.flavor)),
            Expr::MatchAgainst { .. } => self.calls.push(Call::full_text()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, q: &Query) -> ControlFlow<()> {
        let names = q.with.iter().flat_map(|w| &w.cte_tables);
        let names = names.map(|c| c.alias.name.value.clone());
        let mut scope = Scope::default();
        match q.with.as_ref().is_some_and(|w| w.recursive) {
            true => {
                scope.ctes.extend(names);
                self.check_recursive(&scope.ctes);
            }
            false => scope.later_ctes.extend(names),
        }
        // Names of WITH only; the SELECT inside opens the scope with tables.
        self.scopes.stack.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.stack.pop();
        // The queries of a WITH come before the body, in order: this was the next of them, if one is due.
        if let Some(around) = self.scopes.stack.last_mut() {
            around.ctes.extend(around.later_ctes.pop_front());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, s: &Select) -> ControlFlow<()> {
        self.scopes.stack.push(Scope {
            has_tables: true,
            ..Default::default()
        });
        self.from(&s.from);
        self.condition(s.selection.as_ref(), Side::Both);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.scopes.stack.pop();
        ControlFlow::Continue(())
    }
}

/// The clause that needs the rows of several shards in one place; `None` if they may simply follow each
/// other.
pub fn merging_clause(q: &Query) -> Option<&'static str> {
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
