//! The columns that derived tables and queries of WITH have.

use crate::analyze::Analysis;
use crate::analyze::block::*;
use crate::analyze::instance::{Relation, TableInstanceId};

/// Names of columns; `None` for those that a server makes of the text of an expression.
pub(super) type Columns = Vec<Option<String>>;
/// Columns that a table may have.
const COLUMNS_MAX: usize = 4096;

/// The columns of queries, looked up once each.
pub(super) struct Known<'s, 'a> {
    analysis: &'s Analysis<'a>,
    queries: Vec<State>,
}

#[derive(Clone)]
enum State {
    New,
    /// It is being looked at: a query that uses itself.
    Busy,
    /// `None` if not all are known.
    Done(Option<Columns>),
}

impl<'s, 'a> Known<'s, 'a> {
    pub(super) fn of(analysis: &'s Analysis<'a>) -> Self {
        let mut out = Self {
            analysis,
            queries: vec![State::New; analysis.queries.len()],
        };
        // Queries of WITH use those before them: in order, no chain of them is followed far.
        for (id, q) in analysis.queries.iter().enumerate() {
            if let Place::With(_) = q.place {
                out.of_query(id);
            }
        }
        out
    }

    /// The columns of an instance; `None` if not all are known.
    pub(super) fn of_instance(&mut self, i: TableInstanceId) -> Option<Columns> {
        let analysis = self.analysis;
        let instance = &analysis.instances[i];
        let given = |names: &[String]| names.iter().cloned().map(Some).collect();
        if !instance.column_names.is_empty() {
            return Some(given(&instance.column_names));
        }
        match &instance.relation {
            Relation::Table(t) if !t.definition.columns.is_empty() => {
                Some(given(&t.definition.visible_names()))
            }
            Relation::Dual => Some(Vec::new()),
            Relation::Derived { query: Some(q), .. } => self.of_query(*q),
            Relation::Cte(holder, at) => {
                let cte = &analysis.queries[*holder].ctes[*at];
                if !cte.alias.columns.is_empty() {
                    let names = cte.alias.columns.iter();
                    return Some(names.map(|c| Some(c.name.value.clone())).collect());
                }
                self.of_query(cte.query?)
            }
            _ => None,
        }
    }

    fn of_query(&mut self, q: QueryId) -> Option<Columns> {
        match &self.queries[q] {
            State::Done(columns) => return columns.clone(),
            State::Busy => return None,
            State::New => {}
        }
        self.queries[q] = State::Busy;
        let mut body = &self.analysis.queries[q].body;
        let columns = loop {
            match body {
                Body::Block(b) => break self.of_block(*b),
                Body::Query(q) => break self.of_query(*q),
                Body::Set { left, .. } => body = left,
                Body::Rows(_) | Body::Unknown => break None,
            }
        };
        self.queries[q] = State::Done(columns.clone());
        columns
    }

    fn of_block(&mut self, b: BlockId) -> Option<Columns> {
        let analysis = self.analysis;
        let block = &analysis.blocks[b];
        let mut out = Vec::new();
        for item in &block.items {
            match &item.kind {
                ItemKind::Value(piece) => {
                    let name = piece.plain_column().and_then(|c| c.name.last().copied());
                    out.push(item.alias.or(name).map(|n| n.value.clone()));
                }
                ItemKind::All => {
                    // Columns that are compared by name are there once.
                    if block.from.iter().any(merges_columns) {
                        return None;
                    }
                    for &i in &block.instances {
                        out.extend(self.of_instance(i)?);
                    }
                }
                ItemKind::AllOf(name) => {
                    let table = &name.last()?.value;
                    let mut all = block.instances.iter().copied();
                    let i = all.find(|i| analysis.instances[*i].alias == *table)?;
                    out.extend(self.of_instance(i)?);
                }
            }
            if out.len() > COLUMNS_MAX {
                return None;
            }
        }
        Some(out)
    }
}

fn merges_columns(item: &FromItem<'_>) -> bool {
    match item {
        FromItem::Join(j) => {
            j.is_natural
                || !j.using.is_empty()
                || merges_columns(&j.left)
                || merges_columns(&j.right)
        }
        FromItem::Instance(_) => false,
        FromItem::Unknown => true,
    }
}
