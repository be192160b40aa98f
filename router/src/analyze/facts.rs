//! What the conditions of a statement say about its sharding keys.

use crate::analyze::instance::TableInstanceId;
use crate::args::Source;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// A column with facts: instance and index in its sharding key (or among the names of objects, for tables of
/// information_schema).
pub type KeyColumnRef = (TableInstanceId, usize);
/// Keys that a condition may list.
pub const POINTS_MAX: usize = 10_000;

/// What is known of one key column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// One of these values.
    Points(Vec<Source>),
    /// Between these inclusive bounds (an exclusive bound is kept as inclusive: wider, never wrong).
    Between(Option<Source>, Option<Source>),
}

/// Everything known; each fact is true of every row that can matter.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// By key column.
    pub columns: BTreeMap<KeyColumnRef, Domain>,
    /// Whole keys, by instance.
    pub tuples: BTreeMap<TableInstanceId, Vec<SmallVec<[Source; 2]>>>,
    /// What holds of the first column holds of the second.
    pub edges: Vec<(KeyColumnRef, KeyColumnRef)>,
}

impl Facts {
    /// Adds a fact that holds besides the others.
    pub fn and(&mut self, column: KeyColumnRef, domain: Domain) {
        use std::collections::btree_map::Entry;
        match self.columns.entry(column) {
            Entry::Vacant(v) => {
                v.insert(domain);
            }
            Entry::Occupied(mut o) => {
                let merged = narrower(o.get(), &domain);
                o.insert(merged);
            }
        }
    }

    /// Takes over all facts of `other`, which hold besides.
    pub fn and_all(&mut self, other: Facts) {
        for (c, d) in other.columns {
            self.and(c, d);
        }
        for (i, t) in other.tuples {
            self.tuples.entry(i).or_insert(t);
        }
        self.edges.extend(other.edges);
    }

    /// What holds if at least one of both holds: whole keys that either names.
    pub fn or(&self, other: &Facts, widths: impl Fn(TableInstanceId) -> usize) -> Facts {
        let mut out = Facts::default();
        for i in self.instances() {
            let n = widths(i);
            if let (Some(mut a), Some(b)) = (self.points(i, n), other.points(i, n))
                && a.len() + b.len() <= POINTS_MAX
            {
                a.extend(b);
                out.tuples.insert(i, a);
            }
        }
        out
    }

    fn instances(&self) -> Vec<TableInstanceId> {
        let mut out: Vec<_> = self
            .columns
            .keys()
            .map(|c| c.0)
            .chain(self.tuples.keys().copied())
            .collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Carries facts along the edges until nothing changes.
    pub fn propagate(&mut self) {
        for _ in 0..=self.edges.len() {
            let mut changed = false;
            for (from, to) in self.edges.clone() {
                if let Some(d) = self.columns.get(&from).cloned()
                    && !self.columns.contains_key(&to)
                {
                    self.columns.insert(to, d);
                    changed = true;
                }
                // A tuple of a one-column key is a set of points.
                if let Some(t) = self.tuples.get(&from.0).cloned()
                    && t.iter().all(|k| k.len() == 1)
                    && !self.columns.contains_key(&to)
                    && !self.tuples.contains_key(&to.0)
                {
                    let points = t.iter().filter_map(|k| k.first().copied()).collect();
                    self.columns.insert(to, Domain::Points(points));
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// The whole keys that instance `i`, whose key has `width` columns, can have; `None` if unknown.
    pub fn points(&self, i: TableInstanceId, width: usize) -> Option<Vec<SmallVec<[Source; 2]>>> {
        if let Some(t) = self.tuples.get(&i) {
            return Some(t.clone());
        }
        let mut out: Vec<SmallVec<[Source; 2]>> = vec![SmallVec::new()];
        for k in 0..width {
            let Some(Domain::Points(values)) = self.columns.get(&(i, k)) else {
                return None;
            };
            if out.len() * values.len() > POINTS_MAX {
                return None;
            }
            out = out
                .iter()
                .flat_map(|head| {
                    values.iter().map(move |v| {
                        let mut key = head.clone();
                        key.push(*v);
                        key
                    })
                })
                .collect();
        }
        Some(out)
    }

    /// Bounds of the first key column of instance `i`.
    pub fn bounds(&self, i: TableInstanceId) -> Option<(Option<Source>, Option<Source>)> {
        match self.columns.get(&(i, 0)) {
            Some(Domain::Between(l, h)) => Some((*l, *h)),
            _ => None,
        }
    }
}

/// Of two facts about one column, one that is true if both are: fewer points, or both bounds.
fn narrower(a: &Domain, b: &Domain) -> Domain {
    match (a, b) {
        (Domain::Points(x), Domain::Points(y)) => Domain::Points(if y.len() < x.len() {
            y.clone()
        } else {
            x.clone()
        }),
        (Domain::Points(_), _) => a.clone(),
        (_, Domain::Points(_)) => b.clone(),
        (Domain::Between(l1, h1), Domain::Between(l2, h2)) => {
            Domain::Between(l1.or(*l2), h1.or(*h2))
        }
    }
}
