//! Ids of sessions: CONNECTION_ID(), unique among the proxies of a cluster.
//!
//! ```text
//! | number of the proxy, 10 bits | count of its sessions, 22 bits |
//! ```
//! The metadata service gives the number with the registration. 0 is for a proxy without others, and for
//! one that has not registered yet: its ids are unique in the proxy alone.

use catalog::incarnation::NUMBER_MAX;

/// Bits of the count.
const COUNT_BITS: u32 = 22;
/// Largest count; the next one is 1 again.
const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;

const _: () = assert!((NUMBER_MAX as u32) < 1 << (u32::BITS - COUNT_BITS));

/// The number of the proxy that gave an id.
pub(crate) fn number_of(id: u32) -> u16 {
    (id >> COUNT_BITS) as u16
}

/// Gives ids.
#[derive(Debug, Default)]
pub(super) struct Ids {
    number: u16,
    last: u32,
}

impl Ids {
    /// The number that new ids begin with.
    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// Goes on with another number.
    pub(super) fn set_number(&mut self, number: u16) {
        self.number = number;
    }

    /// An id that is not in use; `None` if all are.
    pub(super) fn next(&mut self, in_use: impl Fn(u32) -> bool) -> Option<u32> {
        for _ in 0..COUNT_MAX {
            self.last = self.last % COUNT_MAX + 1;
            let id = u32::from(self.number) << COUNT_BITS | self.last;
            if !in_use(id) {
                return Some(id);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_alone_counts_from_one_and_others_have_their_number_in_front() {
        let mut ids = Ids::default();
        assert_eq!(ids.next(|_| false), Some(1));
        assert_eq!((ids.next(|_| false), number_of(2)), (Some(2), 0));
        ids.set_number(3);
        let id = ids.next(|_| false).unwrap();
        assert_eq!((number_of(id), id & COUNT_MAX), (3, 3));
        ids.set_number(NUMBER_MAX);
        assert_eq!(number_of(ids.next(|_| false).unwrap()), NUMBER_MAX);
    }

    #[test]
    fn after_the_last_count_ids_in_use_are_skipped() {
        let mut ids = Ids {
            number: 5,
            last: COUNT_MAX - 1,
        };
        let first = 5 << COUNT_BITS;
        assert_eq!(ids.next(|_| false), Some(first | COUNT_MAX));
        let busy = [first | 1, first | 2];
        assert_eq!(ids.next(|id| busy.contains(&id)), Some(first | 3));
        assert_eq!(ids.next(|_| true), None);
    }
}
