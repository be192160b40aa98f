//! After all is read: which tables each expression uses, and which queries use tables around them.

mod columns;
mod names;

use crate::analyze::Analysis;
use crate::analyze::block::*;
use crate::analyze::instance::TableInstanceId;
use names::{Clause, Names};

impl Analysis<'_> {
    /// Fills in what names mean, and the instances that pieces and queries use.
    pub(super) fn resolve(&mut self) {
        let names = Names::of(self);
        for (id, block) in self.blocks.iter_mut().enumerate() {
            pieces_mut(block, &mut |clause, only, piece| {
                names.resolve(Some(id), clause, only, piece);
            });
        }
        for query in &mut self.queries {
            let block = match query.body {
                Body::Block(b) => Some(b),
                _ => None,
            };
            for item in &mut query.order_by {
                names.resolve(block, Clause::Order, None, &mut item.value);
            }
            rows_mut(&mut query.body, &mut |piece| {
                names.resolve(None, Clause::Other, None, piece)
            });
        }
        // Inner queries have larger numbers, so theirs are known when those around them are looked at.
        for id in (0..self.queries.len()).rev() {
            self.gather_uses(id);
        }
        for id in 0..self.blocks.len() {
            if self.blocks[id].query.is_none() {
                self.finish_block(id);
            }
        }
    }

    /// What a query uses of the blocks around it.
    fn gather_uses(&mut self, id: QueryId) {
        let mut uses = Uses::default();
        let own = |b: &Block<'_>| b.query == Some(id);
        let blocks: Vec<BlockId> = (0..self.blocks.len())
            .filter(|b| own(&self.blocks[*b]))
            .collect();
        for &b in &blocks {
            uses.add(&self.finish_block(b));
        }
        for inner in id + 1..self.queries.len() {
            let place = self.queries[inner].place;
            let is_part = match place {
                Place::With(q) | Place::Operand(q) => q == id,
                Place::From(i) => blocks.contains(&self.instances[i].block),
                // Those of expressions are counted with their pieces.
                Place::Statement | Place::Expression(_) => false,
            };
            if is_part {
                uses.add(&Uses::of_query(&self.queries[inner]));
            }
        }
        let mut order_by = std::mem::take(&mut self.queries[id].order_by);
        for item in &mut order_by {
            uses.add(&self.finish_piece(&mut item.value));
        }
        let mut body = std::mem::replace(&mut self.queries[id].body, Body::Unknown);
        rows_mut(&mut body, &mut |piece| uses.add(&self.finish_piece(piece)));
        let query = &mut self.queries[id];
        (query.order_by, query.body) = (order_by, body);
        uses.instances
            .retain(|i| !blocks.contains(&self.instances[*i].block));
        query.outer = uses.instances;
        query.has_unresolved = uses.has_unresolved;
    }

    /// Adds to the pieces of a block what their subqueries use of it and of what is around it.
    fn finish_block(&mut self, id: BlockId) -> Uses {
        let mut uses = Uses::default();
        let kind = self.blocks[id].kind;
        let mut block = std::mem::replace(&mut self.blocks[id], Block::new(kind, None, None));
        let mut around = false;
        pieces_mut(&mut block, &mut |_, _, piece| {
            uses.add(&self.finish_piece(piece));
            around |= self.aggregates_around(id, piece);
        });
        block.aggregates_around = around;
        self.blocks[id] = block;
        uses
    }

    /// True if an aggregate function has columns of blocks around only.
    fn aggregates_around(&self, block: BlockId, piece: &Piece<'_>) -> bool {
        let is_outer = |i: &TableInstanceId| self.instances[*i].block != block;
        if !piece.instances.iter().any(is_outer) {
            return false;
        }
        let aggregates = piece
            .calls
            .iter()
            .map(|c| &self.calls[*c])
            .filter(|c| c.is_aggregate());
        for call in aggregates {
            let inside = |c: &&NamedColumn<'_>| match (call.arguments, c.tokens) {
                (Some(a), Some(t)) => a.start <= t.start && t.end <= a.end,
                _ => true,
            };
            let is_own = |c: &NamedColumn<'_>| match c.meaning {
                Meaning::Instance(i) => !is_outer(&i),
                Meaning::Item(_) => true,
                Meaning::Unknown => false,
            };
            let columns: Vec<_> = piece.columns.iter().filter(inside).collect();
            if !columns.is_empty() && !columns.into_iter().any(is_own) {
                return true;
            }
        }
        false
    }

    fn finish_piece(&self, piece: &mut Piece<'_>) -> Uses {
        let mut uses = Uses {
            instances: std::mem::take(&mut piece.instances),
            has_unresolved: piece.has_unresolved,
        };
        for &q in &piece.queries {
            uses.add(&Uses::of_query(&self.queries[q]));
        }
        piece.instances.clone_from(&uses.instances);
        piece.has_unresolved = uses.has_unresolved;
        uses
    }
}

/// Instances that something uses, each once, ascending.
#[derive(Default)]
struct Uses {
    instances: Vec<TableInstanceId>,
    has_unresolved: bool,
}

impl Uses {
    fn of_query(q: &Query<'_>) -> Self {
        Self {
            instances: q.outer.clone(),
            has_unresolved: q.has_unresolved,
        }
    }

    fn add(&mut self, other: &Self) {
        self.instances.extend(&other.instances);
        self.instances.sort_unstable();
        self.instances.dedup();
        self.has_unresolved |= other.has_unresolved;
    }
}

/// Takes a piece with the clause it stands in and the tables it sees, if not all of the block's.
type Each<'f, 'a> = dyn FnMut(Clause, Option<&[TableInstanceId]>, &mut Piece<'a>) + 'f;

/// All pieces of a block.
fn pieces_mut<'a>(block: &mut Block<'a>, f: &mut Each<'_, 'a>) {
    for item in &mut block.items {
        if let ItemKind::Value(piece) = &mut item.kind {
            f(Clause::Other, None, piece);
        }
    }
    for item in &mut block.from {
        on_mut(item, f);
    }
    let others = block.assignments.iter_mut().map(|a| &mut a.value);
    let others = others
        .chain(&mut block.conditions)
        .chain(&mut block.windows);
    let others = others.chain(block.order_by.iter_mut().map(|o| &mut o.value));
    others.for_each(|p| f(Clause::Other, None, p));
    block
        .group_by
        .iter_mut()
        .for_each(|p| f(Clause::Group, None, p));
    block
        .having
        .iter_mut()
        .for_each(|p| f(Clause::Having, None, p));
}

fn on_mut<'a>(item: &mut FromItem<'a>, f: &mut Each<'_, 'a>) {
    let joined = item.instances();
    if let FromItem::Join(join) = item {
        on_mut(&mut join.left, f);
        on_mut(&mut join.right, f);
        join.on
            .iter_mut()
            .for_each(|p| f(Clause::Other, Some(&joined), p));
    }
}

fn rows_mut<'a>(body: &mut Body<'a>, f: &mut dyn FnMut(&mut Piece<'a>)) {
    match body {
        Body::Rows(pieces) => pieces.iter_mut().for_each(f),
        Body::Set { left, right, .. } => {
            rows_mut(left, f);
            rows_mut(right, f);
        }
        Body::Block(_) | Body::Query(_) | Body::Unknown => {}
    }
}
