//! The catalogs that the statements of one worker use: which epoch, for which tables, since when. A change
//! of structure waits for those that are too old (`peers::Peers::wait_for_epoch`).
//!
//! To note a statement takes a place in a list and gives it back; nothing is allocated once the list is as
//! long as it gets, and nothing is locked, since only this thread ever looks.

use peers::call::epochs::StatementBehind;
use router::Mentions;
use std::cell::RefCell;
use std::rc::Rc;

/// A statement that runs, or a cursor that one left open.
#[derive(Debug)]
struct Use {
    epoch: u64,
    session: u32,
    since_ms: u64,
    mentions: Rc<Mentions>,
}

#[derive(Debug, Default)]
struct Places {
    /// `None` where nobody is.
    all: Vec<Option<Use>>,
    free: Vec<usize>,
}

/// What the statements of a worker use.
#[derive(Debug, Default)]
pub(crate) struct InUse(RefCell<Places>);

/// One of them; ends when dropped.
#[derive(Debug)]
pub(crate) struct Using {
    list: Rc<InUse>,
    place: usize,
}

impl InUse {
    /// Notes that a statement uses the catalog of an epoch, until the answer is dropped.
    pub(crate) fn begin(
        self: &Rc<Self>,
        epoch: u64,
        session: u32,
        since_ms: u64,
        mentions: &Rc<Mentions>,
    ) -> Using {
        let begun = Some(Use {
            epoch,
            session,
            since_ms,
            mentions: mentions.clone(),
        });
        let mut places = self.0.borrow_mut();
        let place = match places.free.pop() {
            Some(place) => {
                places.all[place] = begun;
                place
            }
            None => {
                places.all.push(begun);
                places.all.len() - 1
            }
        };
        Using {
            list: self.clone(),
            place,
        }
    }

    /// Statements of epochs before `epoch` that `concerns` is true of, except a session's own.
    pub(crate) fn before(
        &self,
        epoch: u64,
        now_ms: u64,
        except: Option<u32>,
        concerns: impl Fn(&Mentions) -> bool,
    ) -> Vec<StatementBehind> {
        let places = self.0.borrow();
        let old = places
            .all
            .iter()
            .flatten()
            .filter(|u| u.epoch < epoch && Some(u.session) != except && concerns(&u.mentions));
        old.map(|u| StatementBehind {
            session: u.session,
            epoch: u.epoch,
            for_ms: now_ms.saturating_sub(u.since_ms),
        })
        .collect()
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        let mut places = self.list.0.borrow_mut();
        if let Some(place) = places.all.get_mut(self.place) {
            *place = None;
            places.free.push(self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql::{Flavor, LexMode, Lexed};

    fn mentions(text: &str) -> Rc<Mentions> {
        let flavor = Flavor::from_version("10.11.0-MariaDB");
        let lexed = Lexed::new(text.as_bytes(), LexMode::default(), flavor).unwrap();
        Rc::new(Mentions::of(Some("d"), text.as_bytes(), &lexed.tokens))
    }

    #[test]
    fn old_statements_on_the_table_are_named_until_they_end() {
        let list = Rc::new(InUse::default());
        let orders = |m: &Mentions| m.may_mean(&catalog::TableName::new("d", "orders"));
        let one = list.begin(6, 1, 100, &mentions("SELECT * FROM orders"));
        let _new = list.begin(7, 2, 200, &mentions("SELECT * FROM orders"));
        let _other = list.begin(6, 3, 200, &mentions("SELECT * FROM users"));
        let found = list.before(7, 1_100, None, orders);
        let expected = StatementBehind {
            session: 1,
            epoch: 6,
            for_ms: 1_000,
        };
        assert_eq!(found, [expected]);
        assert!(list.before(7, 1_100, Some(1), orders).is_empty());
        assert!(list.before(6, 1_100, None, orders).is_empty());
        drop(one);
        assert!(list.before(7, 1_100, None, orders).is_empty());
    }

    #[test]
    fn places_are_used_again() {
        let list = Rc::new(InUse::default());
        let m = mentions("SELECT 1");
        let first = list.begin(1, 1, 0, &m);
        let second = list.begin(1, 2, 0, &m);
        drop(first);
        let _third = list.begin(1, 3, 0, &m);
        assert_eq!(list.0.borrow().all.len(), 2);
        drop(second);
        assert_eq!(Rc::strong_count(&m), 2);
    }
}
