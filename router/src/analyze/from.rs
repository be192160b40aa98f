//! FROM: its tables become instances, its joins a tree.

use crate::Refusal;
use crate::analyze::block::{BlockId, FromItem, Join, JoinKind, Place};
use crate::analyze::build::Builder;
use crate::analyze::condition::Side;
use crate::analyze::facts::KeyColumnRef;
use crate::analyze::instance::{Has, Relation, TableInstance, TableInstanceId};
use crate::analyze::relation::{self, Found};
use crate::analyze::scope::parts;
use errors::{Obstacle, ReadError};
use sql::TokenRange;
use sql::outline::FromParts;
use sqlparser::ast::*;
use std::collections::VecDeque;

impl<'a> Builder<'a> {
    /// Reads the tables of a block and the facts of their joins. Their queries are read later: by then all of
    /// the block's tables have their numbers. These are the derived ones.
    pub(super) fn from(
        &mut self,
        block: BlockId,
        list: &'a [TableWithJoins],
        content: Option<TokenRange>,
    ) -> Vec<(TableInstanceId, &'a TableFactor)> {
        let outer = std::mem::take(&mut self.derived);
        let places = self.places(content, list.len());
        for (item, tokens) in list.iter().zip(places) {
            let item = self.list_item(item, tokens);
            self.out.blocks[block].from.push(item);
        }
        std::mem::replace(&mut self.derived, outer)
    }

    /// One item of a FROM list, or what stands in parentheses in its place.
    fn list_item(&mut self, item: &'a TableWithJoins, tokens: Option<TokenRange>) -> FromItem<'a> {
        let places = self.outline.as_ref().zip(tokens).map(|(o, t)| o.joined(t));
        let outer = std::mem::replace(&mut self.places, FromPlaces::of(places.unwrap_or_default()));
        let out = self.joined(item);
        let is_exact = self.places.is_used_up();
        self.places = outer;
        match is_exact {
            true => out,
            false => self.forget_places(out),
        }
    }

    fn joined(&mut self, item: &'a TableWithJoins) -> FromItem<'a> {
        let mut left = self.factor(&item.relation);
        for join in &item.joins {
            let right = self.factor(&join.relation);
            use JoinOperator::*;
            let (kind, c) = match &join.join_operator {
                Join(c) | Inner(c) | CrossJoin(c) => (JoinKind::Inner, c),
                StraightJoin(c) => (JoinKind::Straight, c),
                Left(c) | LeftOuter(c) => (JoinKind::Left, c),
                Right(c) | RightOuter(c) => (JoinKind::Right, c),
                _ => {
                    self.odd("this kind of join");
                    continue;
                }
            };
            let place = match c {
                JoinConstraint::On(_) => self.places.conditions.pop_front(),
                _ => None,
            };
            left = self.join(kind, left, right, c, place);
        }
        left
    }

    /// Tokens and tree do not agree: no place in the item is certain.
    fn forget_places(&mut self, mut item: FromItem<'a>) -> FromItem<'a> {
        for i in item.instances() {
            self.out.instances[i].tokens = None;
        }
        let mut todo = vec![&mut item];
        while let Some(item) = todo.pop() {
            if let FromItem::Join(join) = item {
                join.condition_tokens = None;
                todo.extend([&mut join.left, &mut join.right]);
            }
        }
        item
    }

    fn join(
        &mut self,
        kind: JoinKind,
        left: FromItem<'a>,
        right: FromItem<'a>,
        constraint: &'a JoinConstraint,
        condition_tokens: Option<TokenRange>,
    ) -> FromItem<'a> {
        let (of_left, of_right) = (left.instances(), right.instances());
        let side = match kind {
            JoinKind::Inner | JoinKind::Straight => Side::Both,
            JoinKind::Left => Side::Only(&of_right),
            JoinKind::Right => Side::Only(&of_left),
        };
        match kind {
            JoinKind::Left => self.preserve(&of_left, &of_right),
            JoinKind::Right => self.preserve(&of_right, &of_left),
            _ => {}
        }
        let mut using = Vec::new();
        let mut condition = None;
        match constraint {
            JoinConstraint::On(e) => {
                condition = Some(e);
                self.gather(condition, side);
            }
            JoinConstraint::Using(names) => {
                let columns = names.iter().filter_map(|n| parts(n)?.last().copied());
                using.extend(columns);
                let edges = using
                    .iter()
                    .flat_map(|c| self.using_edges(&c.value, &of_left, &of_right, side));
                let edges: Vec<_> = edges.collect();
                self.out.facts.edges.extend(edges);
            }
            JoinConstraint::Natural | JoinConstraint::None => {}
        }
        FromItem::Join(Box::new(Join {
            kind,
            is_natural: matches!(constraint, JoinConstraint::Natural),
            left,
            right,
            on: Vec::new(),
            condition,
            condition_tokens,
            using,
        }))
    }

    /// Rows of `kept` without a partner stay. If they are the same on every shard and the partners
    /// are not, each shard would keep them.
    fn preserve(&mut self, kept: &[TableInstanceId], looked_up: &[TableInstanceId]) {
        let sharded = |i: &TableInstanceId| self.out.key_width(*i) > 0;
        if looked_up.iter().any(sharded)
            && let Some(&i) = kept.iter().find(|i| !sharded(i))
        {
            let kept = self.out.instances[i].alias.clone();
            self.out.note_obstacle(Obstacle::OuterJoin { kept });
        }
    }

    fn using_edges(
        &self,
        column: &str,
        left: &[TableInstanceId],
        right: &[TableInstanceId],
        side: Side<'_>,
    ) -> Vec<(KeyColumnRef, KeyColumnRef)> {
        // Only if exactly one table of each side has the column is it clear which are compared.
        let owner = |list: &[TableInstanceId]| -> Option<KeyColumnRef> {
            let mut found = None;
            for &i in list {
                let instance = &self.out.instances[i];
                match instance.has_column(column) {
                    Has::No => {}
                    Has::Maybe => return None,
                    Has::Yes if found.is_some() => return None,
                    Has::Yes => found = Some((i, instance.fact_column(column)?)),
                }
            }
            found
        };
        let (Some(a), Some(b)) = (owner(left), owner(right)) else {
            return Vec::new();
        };
        if !self.scope().is_compatible(a, b) {
            return Vec::new();
        }
        [(a, b), (b, a)]
            .into_iter()
            .filter(|(_, to)| side.allows(to.0))
            .collect()
    }

    fn factor(&mut self, f: &'a TableFactor) -> FromItem<'a> {
        if let TableFactor::NestedJoin {
            table_with_joins,
            alias: None,
        } = f
        {
            return self.nested(table_with_joins);
        }
        let tokens = self.places.tables.pop_front();
        match f {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                self.relations_seen += 1;
                self.table(name, alias.as_ref(), tokens)
            }
            TableFactor::Derived { lateral, alias, .. } => {
                let relation = Relation::Derived {
                    query: None,
                    is_lateral: *lateral,
                };
                let name = alias
                    .as_ref()
                    .map_or_else(String::new, |a| a.name.value.clone());
                let i = self.add(relation, name, None, alias.as_ref(), tokens);
                self.derived.push((i, f));
                FromItem::Instance(i)
            }
            _ => {
                self.odd("this kind of table expression");
                FromItem::Unknown
            }
        }
    }

    /// A join in the place of a table: in parentheses, or before conditions that follow each other.
    fn nested(&mut self, item: &'a TableWithJoins) -> FromItem<'a> {
        let first = self.places.tables.front().copied();
        let inside = self
            .outline
            .as_ref()
            .zip(first)
            .and_then(|(o, t)| o.unwrapped(t));
        match inside {
            Some(inside) => {
                self.places.tables.pop_front();
                self.list_item(item, Some(inside))
            }
            None => self.joined(item),
        }
    }

    fn table(
        &mut self,
        name: &'a ObjectName,
        alias: Option<&'a TableAlias>,
        tokens: Option<TokenRange>,
    ) -> FromItem<'a> {
        let named = parts(name).unwrap_or_default();
        let found = relation::find(
            self.catalog,
            self.database,
            &self.out.queries,
            &self.queries,
            name,
        );
        let relation = match found {
            Found::Relation(r) => r,
            // Copies of rows may stand beside it: every server has it.
            Found::Missing(_, table) if self.flavor.mariadb && relation::is_sequence(&table) => {
                self.refuse(
                    ReadError::UnsupportedConstruct {
                        what: "a table of numbers",
                    }
                    .into(),
                );
                Relation::Unknown
            }
            Found::Missing(db, table) => {
                self.refuse(Refusal::no_such_table(&db, &table));
                Relation::Unknown
            }
            Found::NoDatabase => {
                self.out.is_understood = false;
                self.refuse(Refusal::no_database());
                Relation::Unknown
            }
            Found::Odd => {
                self.odd("this kind of table name");
                return FromItem::Unknown;
            }
        };
        self.out.system |= matches!(relation, Relation::System | Relation::InformationSchema(_));
        let database = match (&relation, alias) {
            (_, Some(_)) => None,
            (Relation::Table(t), None) => Some(t.name.database.clone()),
            (_, None) if named.len() > 1 => named.first().map(|d| d.value.clone()),
            _ => None,
        };
        let last = named.last().map(|i| i.value.clone()).unwrap_or_default();
        let name = alias.map_or(last, |a| a.name.value.clone());
        FromItem::Instance(self.add(relation, name, database, alias, tokens))
    }

    fn add(
        &mut self,
        relation: Relation,
        alias: String,
        database: Option<String>,
        given: Option<&TableAlias>,
        tokens: Option<TokenRange>,
    ) -> TableInstanceId {
        let id = self.out.instances.len();
        let columns = given.iter().flat_map(|a| &a.columns);
        self.out.instances.push(TableInstance {
            relation,
            alias,
            database,
            column_names: columns.map(|c| c.name.value.clone()).collect(),
            block: self.block.unwrap_or_default(),
            depth: self.depth.saturating_sub(1),
            tokens,
        });
        if let Some(block) = self.block {
            self.out.blocks[block].instances.push(id);
        }
        id
    }

    /// Reads the queries of a block's FROM: derived tables and those in ON.
    pub(super) fn read_from_queries(
        &mut self,
        block: BlockId,
        derived: &[(TableInstanceId, &'a TableFactor)],
    ) {
        let mut from = std::mem::take(&mut self.out.blocks[block].from);
        for item in &mut from {
            self.queries_of(item, derived);
        }
        self.out.blocks[block].from = from;
    }

    fn queries_of(
        &mut self,
        item: &mut FromItem<'a>,
        derived: &[(TableInstanceId, &'a TableFactor)],
    ) {
        match item {
            FromItem::Unknown => {}
            FromItem::Instance(i) => {
                if let Some((_, factor)) = derived.iter().find(|d| d.0 == *i) {
                    self.derived_query(*i, factor);
                }
            }
            FromItem::Join(join) => {
                self.queries_of(&mut join.left, derived);
                self.queries_of(&mut join.right, derived);
                join.on = self.condition(join.condition, join.condition_tokens);
            }
        }
    }

    fn derived_query(&mut self, i: TableInstanceId, factor: &'a TableFactor) {
        let TableFactor::Derived {
            lateral, subquery, ..
        } = factor
        else {
            return;
        };
        // It sees what its block sees, but the tables beside it only if it is LATERAL.
        let around = match lateral {
            true => self.block,
            false => self.block.and_then(|b| self.out.blocks[b].around),
        };
        let tokens = self.locate(subquery);
        let id = self.query(subquery, Place::From(i), around, tokens);
        if let Relation::Derived { query, .. } = &mut self.out.instances[i].relation {
            *query = Some(id);
        }
    }
}

/// Places of tables and conditions that the tree has not named yet.
#[derive(Default)]
pub(super) struct FromPlaces {
    tables: VecDeque<TokenRange>,
    conditions: VecDeque<TokenRange>,
}

impl FromPlaces {
    fn of(parts: FromParts) -> Self {
        Self {
            tables: parts.tables.into(),
            conditions: parts.conditions.into(),
        }
    }

    fn is_used_up(&self) -> bool {
        self.tables.is_empty() && self.conditions.is_empty()
    }
}
