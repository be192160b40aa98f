//! Plans by digest key, bounded in bytes, oldest out first.

use hashbrown::HashMap;
use std::collections::VecDeque;
use std::rc::Rc;

/// Keeps values by byte-string key. A lookup allocates nothing.
#[derive(Debug)]
pub struct PlanCache<V> {
    map: HashMap<Rc<[u8]>, (Rc<V>, usize)>,
    order: VecDeque<Rc<[u8]>>,
    bytes: usize,
    bytes_max: usize,
    /// Lookups that found something.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

impl<V> PlanCache<V> {
    /// An empty cache of at most `bytes_max` bytes (keys and the callers' estimates of values).
    pub fn new(bytes_max: usize) -> Self {
        let (map, order) = (HashMap::new(), VecDeque::new());
        Self {
            map,
            order,
            bytes: 0,
            bytes_max,
            hits: 0,
            misses: 0,
        }
    }

    /// The value under `key`.
    pub fn get(&mut self, key: &[u8]) -> Option<Rc<V>> {
        let found = self.map.get(key).map(|(v, _)| v.clone());
        match found {
            Some(_) => self.hits += 1,
            None => self.misses += 1,
        }
        found
    }

    /// Puts a value that takes about `bytes` besides its key. One that is too large is not kept.
    pub fn put(&mut self, key: &[u8], value: Rc<V>, bytes: usize) {
        let bytes = bytes + 2 * key.len() + 128;
        if bytes > self.bytes_max / 8 || self.map.contains_key(key) {
            return;
        }
        let key: Rc<[u8]> = key.into();
        self.bytes += bytes;
        self.order.push_back(key.clone());
        self.map.insert(key, (value, bytes));
        while self.bytes > self.bytes_max {
            let Some(old) = self.order.pop_front() else {
                break;
            };
            if let Some((_, b)) = self.map.remove(&old) {
                self.bytes -= b;
            }
        }
    }

    /// Forgets everything (a new catalog).
    pub fn clear(&mut self) {
        self.map.clear();
        self.order.clear();
        self.bytes = 0;
    }

    /// Values in the cache, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        (self.map.len(), self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bytes() {
        let mut c = PlanCache::new(10_000);
        for i in 0..1000u32 {
            c.put(&i.to_le_bytes(), Rc::new(i), 100);
        }
        assert!(c.size().1 <= 10_000 && c.size().0 > 10);
        assert_eq!(c.get(&999u32.to_le_bytes()).as_deref(), Some(&999));
        assert_eq!(c.get(&0u32.to_le_bytes()), None);
        c.put(b"big", Rc::new(1), 9_000);
        assert!(c.get(b"big").is_none());
    }
}
