//! Whether the rows that belong together share a shard.

use crate::analyze::Analysis;
use crate::analyze::instance::TableInstanceId;
use errors::Obstacle;

impl Analysis<'_> {
    /// Checks that all sharded instances are joined key by key, so that partners share a shard.
    pub fn check_colocation(&mut self) {
        let sharded = self.sharded();
        let Some(&first) = sharded.first() else {
            return;
        };
        if let Some(&i) = sharded.iter().find(|i| self.instances[**i].depth > 0) {
            let table = self.instances[i].alias.clone();
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
            let alias = |i: TableInstanceId| self.instances[i].alias.clone();
            let (left, right) = (alias(first), alias(i));
            self.note_obstacle(Obstacle::NotJoinedOnKey { left, right });
        }
    }

    /// True if conditions join the whole sharding keys of two tables of a group.
    pub fn joined_on_key(&self, a: TableInstanceId, b: TableInstanceId) -> bool {
        let (Some(x), Some(y)) = (self.instances[a].sharding(), self.instances[b].sharding())
        else {
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
}
