//! Texts that a worker knows: of prepared statements, and of SETs that a shard has accepted.

use super::Worker;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use wire::command::prepare::Prepared;

/// SET texts that a shard has accepted and that need not be asked about again.
const ACCEPTED_SETS_MAX: usize = 1_000;
/// Bytes of the texts of prepared statements that are known by number.
const TEXT_BYTES_MAX: usize = 16 << 20;
/// Prepared statements whose columns are known without asking a shard.
const DEFINITIONS_MAX: usize = 4_000;

/// The texts.
#[derive(Default)]
pub(super) struct Texts {
    accepted_sets: RefCell<HashSet<String>>,
    numbers: RefCell<HashMap<Rc<[u8]>, u64>>,
    bytes: Cell<usize>,
    last_number: Cell<u64>,
    definitions: RefCell<(u64, HashMap<u64, Rc<Prepared>>)>,
}

impl Texts {
    fn number(&self, key: &[u8]) -> u64 {
        if let Some(n) = self.numbers.borrow().get(key) {
            return *n;
        }
        let n = self.last_number.get() + 1;
        self.last_number.set(n);
        let mut all = self.numbers.borrow_mut();
        let mut bytes = self.bytes.get() + key.len();
        if bytes > TEXT_BYTES_MAX {
            // Numbers are never reused, so forgetting only means preparing again.
            all.clear();
            bytes = key.len();
        }
        self.bytes.set(bytes);
        all.insert(key.into(), n);
        n
    }
}

impl Worker {
    /// True if a shard has accepted this assignment before.
    pub(crate) fn is_accepted_set(&self, text: &str) -> bool {
        self.known.accepted_sets.borrow().contains(text)
    }

    /// Notes an assignment that a shard has accepted.
    pub(crate) fn accept_set(&self, text: String) {
        let mut all = self.known.accepted_sets.borrow_mut();
        if all.len() < ACCEPTED_SETS_MAX {
            all.insert(text);
        }
    }

    /// The number of a statement text (with database and settings folded in), for prepared statements
    /// on server connections.
    pub(crate) fn text_number(&self, key: &[u8]) -> u64 {
        self.known.number(key)
    }

    /// What a shard said of a statement when it was prepared, under this epoch of the catalog.
    pub(crate) fn prepared_definitions(&self, epoch: u64, key: u64) -> Option<Rc<Prepared>> {
        let all = self.known.definitions.borrow();
        let current = (all.0 == epoch).then_some(&all.1)?;
        current.get(&key).cloned()
    }

    /// Keeps what a shard said of a statement.
    pub(crate) fn keep_prepared_definitions(&self, epoch: u64, key: u64, prepared: &Prepared) {
        let mut all = self.known.definitions.borrow_mut();
        if all.0 != epoch || all.1.len() >= DEFINITIONS_MAX {
            *all = (epoch, HashMap::new());
        }
        all.1.insert(key, Rc::new(prepared.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_are_not_given_twice() {
        let texts = Texts::default();
        let one = texts.number(b"SELECT 1");
        assert_eq!(texts.number(b"SELECT 1"), one);
        let long = vec![b'x'; TEXT_BYTES_MAX];
        let two = texts.number(&long);
        assert_ne!(two, one);
        assert_eq!(texts.numbers.borrow().len(), 1, "the first is forgotten");
        assert!(texts.number(b"SELECT 1") > two);
    }
}
