//! Every session of every worker: for SHOW PROCESSLIST, KILL and the connection limit.

mod ids;
mod info;
mod secrets;

pub(crate) use ids::number_of;
pub(crate) use info::{Kill, SessionInfo};

use ids::Ids;
use peers::call::SessionView;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

#[derive(Debug, Default)]
struct Sessions {
    by_id: BTreeMap<u32, Arc<SessionInfo>>,
    ids: Ids,
}

/// All sessions.
#[derive(Debug)]
pub struct Registry {
    sessions: Mutex<Sessions>,
    count: AtomicUsize,
    max: usize,
    started: Instant,
    /// Sessions so far.
    pub accepted: AtomicU64,
    /// Set when the proxy shuts down.
    pub closing: AtomicBool,
    draining: AtomicBool,
}

impl Registry {
    /// At most `max` sessions.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            sessions: Mutex::default(),
            count: AtomicUsize::new(0),
            max,
            started: Instant::now(),
            accepted: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
        })
    }

    /// A new session, or `None` if there are too many.
    pub fn enter(self: &Arc<Self>, host: String, worker: usize) -> Option<Entered> {
        if self.count.fetch_add(1, Ordering::AcqRel) >= self.max {
            self.count.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        let mut sessions = self.sessions();
        let Sessions { by_id, ids } = &mut *sessions;
        let Some(id) = ids.next(|id| by_id.contains_key(&id)) else {
            self.count.fetch_sub(1, Ordering::AcqRel);
            return None;
        };
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let info = Arc::new(SessionInfo::new(id, host, worker, self.now_ms()));
        by_id.insert(id, info.clone());
        drop(sessions);
        Some(Entered {
            registry: self.clone(),
            info,
        })
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// New sessions' ids begin with this number of the proxy. If it had another one, that is somebody
    /// else's by now, and sessions with such ids are ended: KILL must never reach the wrong one.
    pub fn set_number(&self, number: u16) {
        let mut sessions = self.sessions();
        let old = sessions.ids.number();
        // A service that gives no numbers gives the old one to nobody.
        if number == old || number == 0 {
            return;
        }
        sessions.ids.set_number(number);
        let others = sessions.by_id.values();
        for s in others.filter(|s| old != 0 && number_of(s.id) == old) {
            s.kill(Kill::Connection);
        }
    }

    /// Milliseconds since the start.
    pub fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// A session by number.
    pub fn get(&self, id: u32) -> Option<Arc<SessionInfo>> {
        self.sessions().by_id.get(&id).cloned()
    }

    /// Sessions now.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Sessions allowed.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Ends all sessions.
    pub fn kill_all(&self) {
        self.closing.store(true, Ordering::Release);
        for s in self.sessions().by_id.values() {
            s.kill(Kill::Connection);
        }
    }

    /// True if no new session is let in.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Lets no new session in, and ends those that neither run a statement nor are in a transaction; or
    /// goes back to normal. Called again and again while it lasts.
    pub fn drain(&self, draining: bool) {
        self.draining.store(draining, Ordering::Release);
        if !draining {
            return;
        }
        for s in self.sessions().by_id.values().filter(|s| !s.is_busy()) {
            s.kill(Kill::Connection);
        }
    }

    /// Lets the sessions of a worker look again at what they wait for.
    pub(crate) fn wake_sessions_of(&self, worker: usize) {
        let sessions = self.sessions();
        let own = sessions.by_id.values().filter(|s| s.worker == worker);
        own.for_each(|s| s.wake());
    }

    /// Ends the sessions of a worker that sent nothing for `limit_ms`, or their own wait_timeout.
    pub fn end_idle(&self, worker: usize, limit_ms: u64) {
        let now = self.now_ms();
        let sessions = self.sessions();
        let own = sessions.by_id.values().filter(|s| s.worker == worker);
        let late = |s: &Arc<SessionInfo>| {
            let limit_ms = s.idle_limit_ms().unwrap_or(limit_ms);
            s.idle_ms(now).is_some_and(|ms| ms > limit_ms)
        };
        for s in own.filter(|s| late(s)) {
            s.kill(Kill::Idle);
        }
    }

    /// All sessions, for people.
    pub fn views(&self) -> Vec<SessionView> {
        let all: Vec<_> = self.sessions().by_id.values().cloned().collect();
        let now = self.now_ms();
        all.iter().map(|s| s.view(now)).collect()
    }
}

/// A session's place in the registry, given back when dropped.
pub struct Entered {
    registry: Arc<Registry>,
    /// The session.
    pub info: Arc<SessionInfo>,
}

impl Entered {
    /// Notes whose session it is; false if the user has `max` others already, where 0 is no limit.
    pub fn is_one_of(&self, user: &str, max: usize) -> bool {
        if max == 0 {
            return true;
        }
        // Under one lock, so that two logins at once do not both find the last place.
        let sessions = self.registry.sessions();
        let others = sessions.by_id.values().filter(|s| s.id != self.info.id);
        let others = others.filter(|s| s.user() == user).count();
        if others < max {
            self.info.set_identity(user, None);
        }
        others < max
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.registry.sessions().by_id.remove(&self.info.id);
        self.registry.count.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(r: &Arc<Registry>) -> Entered {
        r.enter("127.0.0.1:1".to_string(), 0).unwrap()
    }

    #[test]
    fn another_number_ends_sessions_of_the_old_one() {
        let r = Registry::new(10);
        let before = enter(&r);
        r.set_number(2);
        let old = enter(&r);
        r.set_number(2);
        assert_eq!(old.info.kill_state(), Kill::No);
        // The service was set back to a version without numbers.
        r.set_number(0);
        assert_eq!(number_of(enter(&r).info.id), 2);
        r.set_number(3);
        assert_eq!(old.info.kill_state(), Kill::Connection);
        assert_eq!(before.info.kill_state(), Kill::No);
        assert_eq!(number_of(enter(&r).info.id), 3);
    }

    #[test]
    fn users_have_their_number_of_sessions() {
        let r = Registry::new(10);
        let (a, b, c) = (enter(&r), enter(&r), enter(&r));
        assert!(a.is_one_of("app", 2) && b.is_one_of("app", 2));
        assert!(!c.is_one_of("app", 2) && c.is_one_of("other", 2));
        drop(a);
        let d = enter(&r);
        assert!(d.is_one_of("app", 2) && c.is_one_of("app", 0));
    }

    #[test]
    fn a_session_over_the_limit_is_not_let_in() {
        let r = Registry::new(1);
        let one = enter(&r);
        assert!(r.enter(String::new(), 0).is_none());
        drop(one);
        assert!(r.get(1).is_none() && r.count() == 0);
        assert_eq!(enter(&r).info.id, 2);
    }
}
