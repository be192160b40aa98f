//! The accounts of this process: which sets of rights have one, and how each logs in on each shard.
//!
//! A session is given its account when it begins and when its user's rights change, never by statement. What
//! makes accounts on the shards is asked from here and says when it is done.

use super::AccountId;
use catalog::RightsSet;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// The sets of rights that have accounts, and those that are to have some.
#[derive(Debug, Default)]
pub struct AccountBook {
    known: Mutex<Known>,
    asked: Notify,
    made: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Known {
    ids: HashMap<RightsSet, AccountId>,
    /// By number, which is never given twice.
    sets: BTreeMap<usize, Entry>,
    next: usize,
}

#[derive(Debug)]
struct Entry {
    set: Arc<RightsSet>,
    /// When somebody had these rights last.
    used: Instant,
}

impl AccountBook {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account of those who may do this; it may still have to be made.
    pub fn account_of(&self, set: &RightsSet) -> AccountId {
        let mut known = self.known();
        if let Some(id) = known.ids.get(set) {
            return *id;
        }
        let n = known.next;
        known.next += 1;
        let (id, set) = (AccountId::of_set(n), Arc::new(set.clone()));
        known.ids.insert((*set).clone(), id);
        let used = Instant::now();
        known.sets.insert(n, Entry { set, used });
        self.asked.notify_one();
        id
    }

    /// All sets that are known, each with its account for rows.
    pub fn all(&self) -> Vec<(AccountId, Arc<RightsSet>)> {
        let known = self.known();
        let sets = known.sets.iter();
        sets.map(|(n, entry)| (AccountId::of_set(*n), entry.set.clone()))
            .collect()
    }

    /// How many sets there have been so far.
    pub fn count(&self) -> usize {
        self.known().next
    }

    /// Forgets sets that nobody has had for so long; `is_used` says who has one now. Whoever comes with one
    /// later gets another account.
    pub fn retire(&self, after: Duration, is_used: impl Fn(&RightsSet) -> bool) {
        let mut known = self.known();
        let Known { ids, sets, .. } = &mut *known;
        sets.retain(|_, entry| {
            if is_used(&entry.set) {
                entry.used = Instant::now();
            }
            let stays = entry.used.elapsed() < after;
            if !stays {
                ids.remove(&*entry.set);
            }
            stays
        });
    }

    /// Waits until an account has been made on every shard that could be reached; false if it takes longer.
    pub async fn until_made(&self, id: AccountId, within: Duration) -> bool {
        let mut made = self.made.subscribe();
        let done = made.wait_for(|n| id < AccountId::of_set(*n));
        matches!(tokio::time::timeout(within, done).await, Ok(Ok(_)))
    }

    /// The first so many sets have their accounts wherever a shard could be reached.
    pub fn note_made(&self, sets: usize) {
        self.made.send_if_modified(|n| {
            let more = sets > *n;
            *n = sets.max(*n);
            more
        });
    }

    /// Returns when somebody asks for an account that is new.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }
}

/// User and password of an account.
pub type Credentials = (Arc<str>, Arc<str>);

/// The accounts of one incarnation on one shard, as far as they are made.
#[derive(Debug, Default)]
pub struct AccountsOnShard(RwLock<HashMap<AccountId, Credentials>>);

impl AccountsOnShard {
    /// How to log in with one.
    pub fn get(&self, id: AccountId) -> Option<Credentials> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(&id).cloned()
    }

    /// One is made.
    pub fn put(&self, id: AccountId, credentials: Credentials) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, credentials);
    }

    /// Forgets those that are not on the shard any more, so that they do not add up over the years.
    pub fn retain(&self, is_there: impl Fn(AccountId) -> bool) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|id, _| is_there(*id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn equal_sets_share_an_account_that_is_waited_for() {
        let book = AccountBook::default();
        let all = book.account_of(&RightsSet::everything());
        let none = book.account_of(&RightsSet::default());
        assert_eq!(book.account_of(&RightsSet::everything()), all);
        assert_ne!(all, none);
        assert_ne!(all, AccountId::OWN);
        let soon = Duration::from_millis(10);
        assert!(!book.until_made(all, soon).await);
        book.note_made(1);
        assert!(book.until_made(all, soon).await);
        assert!(!book.until_made(none, soon).await);
        book.note_made(2);
        book.note_made(1);
        assert!(book.until_made(none, soon).await);
    }

    #[test]
    fn logins_go_with_their_accounts() {
        let (logins, id) = (AccountsOnShard::default(), AccountId::of_set);
        for n in 0..3 {
            logins.put(id(n), ("u".into(), "p".into()));
        }
        logins.retain(|there| there != id(1));
        let left = [0, 1, 2].map(|n| logins.get(id(n)).is_some());
        assert_eq!(left, [true, false, true]);
    }

    #[test]
    fn what_nobody_has_any_more_is_forgotten_and_its_number_not_given_again() {
        let book = AccountBook::default();
        let (all, none) = (RightsSet::everything(), RightsSet::default());
        let (kept, gone) = (book.account_of(&all), book.account_of(&none));
        book.retire(Duration::from_secs(60), |_| false);
        assert_eq!(book.all().len(), 2);
        book.retire(Duration::ZERO, |set| *set == all);
        assert_eq!(book.all().len(), 0, "no time at all is over at once");
        assert!(book.account_of(&none) != gone && book.account_of(&all) != kept);
        assert_eq!(book.count(), 4);
    }
}
