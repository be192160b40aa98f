//! Statements prepared on one server connection: by the proxy's number, oldest use out first.

use hashbrown::HashMap;
use std::collections::VecDeque;

/// Number that a worker gives to a (text, database, settings); the same for all sessions.
pub type StatementKey = u64;

/// Bounded map from the worker's statements to the server's.
#[derive(Debug)]
pub struct PreparedStatements {
    ids: HashMap<StatementKey, (u32, u64)>,
    uses: VecDeque<(StatementKey, u64)>,
    clock: u64,
    max: usize,
}

impl PreparedStatements {
    /// At most `max` statements.
    pub fn new(max: usize) -> Self {
        Self {
            ids: HashMap::new(),
            uses: VecDeque::new(),
            clock: 0,
            max: max.max(1),
        }
    }

    /// The server's id, if the statement is prepared here.
    pub fn get(&mut self, key: StatementKey) -> Option<u32> {
        let (id, used) = self.ids.get_mut(&key)?;
        // Uses are noted at most once every few, or the list would grow with each execution.
        self.clock += 1;
        if self.clock - *used > self.max as u64 {
            *used = self.clock;
            self.uses.push_back((key, self.clock));
        }
        Some(*id)
    }

    /// Notes a statement; gives the id of one that must be closed to make room.
    pub fn put(&mut self, key: StatementKey, id: u32) -> Option<u32> {
        self.clock += 1;
        let old = self.ids.insert(key, (id, self.clock));
        self.uses.push_back((key, self.clock));
        if let Some((old, _)) = old {
            return Some(old);
        }
        while self.ids.len() > self.max {
            let (key, at) = self.uses.pop_front()?;
            if self.ids.get(&key).is_some_and(|(_, used)| *used == at) {
                return self.ids.remove(&key).map(|(id, _)| id);
            }
        }
        None
    }

    /// Takes all ids out, to be closed.
    pub fn take_all(&mut self) -> Vec<u32> {
        self.uses.clear();
        self.ids.drain().map(|(_, (id, _))| id).collect()
    }

    /// Forgets everything (the server connection was reset).
    pub fn clear(&mut self) {
        self.ids.clear();
        self.uses.clear();
    }

    /// Statements prepared now.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True if none is.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_goes_first() {
        let mut p = PreparedStatements::new(3);
        for k in 1..=3 {
            assert_eq!(p.put(k, k as u32 * 10), None);
        }
        for _ in 0..10 {
            assert_eq!(p.get(1), Some(10));
        }
        assert_eq!(p.put(4, 40), Some(20));
        assert_eq!(p.get(2), None);
        assert_eq!(p.get(1), Some(10));
        assert_eq!(p.put(1, 11), Some(10));
        assert!(p.uses.len() < 20);
    }
}
