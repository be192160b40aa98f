//! Texts that a worker knows: of prepared statements, and of SETs whose effect a shard has shown.

use super::Worker;
use shard::Settings;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use wire::command::prepare::Prepared;

/// SETs whose effect is known and that no shard need be asked about again.
const KNOWN_SETS_MAX: usize = 1_000;
/// Bytes of the texts of prepared statements that are known by number.
const TEXT_BYTES_MAX: usize = 16 << 20;
/// Prepared statements whose columns are known without asking a shard.
const DEFINITIONS_MAX: usize = 4_000;

/// The texts.
#[derive(Default)]
pub(super) struct Texts {
    /// What settings are after a SET, by its text and what they were before.
    known_sets: RefCell<HashMap<Box<[u8]>, Vec<[Rc<Settings>; 2]>>>,
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
    /// What a session's settings are after a SET of literals, if a shard has shown it for the same settings
    /// before.
    pub(crate) fn known_set(&self, before: &Rc<Settings>, text: &[u8]) -> Option<Rc<Settings>> {
        let all = self.known.known_sets.borrow();
        let mut known = all.get(text)?.iter();
        let [_, after] = known.find(|[b, _]| Rc::ptr_eq(b, before))?;
        Some(after.clone())
    }

    /// Keeps what a shard has shown of a SET; both settings are interned.
    pub(crate) fn know_set(&self, before: Rc<Settings>, text: &[u8], after: Rc<Settings>) {
        let mut all = self.known.known_sets.borrow_mut();
        if all.values().map(Vec::len).sum::<usize>() >= KNOWN_SETS_MAX {
            all.clear();
        }
        all.entry(text.into()).or_default().push([before, after]);
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
