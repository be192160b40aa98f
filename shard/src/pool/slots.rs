//! Who has a pool's slots, who waits for one, and who is next.
//!
//! `leased + pipelines + idle <= max`; leases leave the slots that are kept for pipelines; an idle
//! connection gives its slot to whoever needs one.

use super::{Lease, PoolCounts, PoolLimits, Purpose};
use crate::conn::ServerConn;
use crate::profile::Profile;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Somebody who waits for a connection.
pub(super) struct Waiter {
    pub sender: oneshot::Sender<Lease>,
    pub profile: Profile,
}

/// A waiter's turn: where the lease goes, what it is for, and the connection that it begins with.
type Served = (oneshot::Sender<Lease>, Purpose, Option<ServerConn>);

pub(super) struct Slots {
    max: usize,
    pipelines_reserved: usize,
    pipelines_max: usize,
    leased: usize,
    pipelines: usize,
    idle: Vec<ServerConn>,
    for_pipelines: VecDeque<Waiter>,
    for_leases: VecDeque<Waiter>,
}

impl Slots {
    pub(super) fn new(limits: &PoolLimits) -> Self {
        Self {
            max: limits.connections_max,
            pipelines_reserved: limits.pipelines_reserved,
            pipelines_max: limits.pipelines_max,
            leased: 0,
            pipelines: 0,
            idle: Vec::new(),
            for_pipelines: VecDeque::new(),
            for_leases: VecDeque::new(),
        }
    }

    fn has_room_for(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Exclusive => {
                self.leased < self.max - self.pipelines.max(self.pipelines_reserved)
            }
            Purpose::Pipeline => {
                self.pipelines < self.pipelines_max && self.leased + self.pipelines < self.max
            }
        }
    }

    fn queue(&mut self, purpose: Purpose) -> &mut VecDeque<Waiter> {
        match purpose {
            Purpose::Exclusive => &mut self.for_leases,
            Purpose::Pipeline => &mut self.for_pipelines,
        }
    }

    fn forget_gone(&mut self) {
        for purpose in [Purpose::Pipeline, Purpose::Exclusive] {
            let queue = self.queue(purpose);
            while queue.front().is_some_and(|w| w.sender.is_closed()) {
                queue.pop_front();
            }
        }
    }

    /// A slot without waiting, and the connection that it begins with: `Some(None)` is a slot alone.
    pub(super) fn take_at_once(
        &mut self,
        purpose: Purpose,
        profile: &Profile,
    ) -> Option<Option<ServerConn>> {
        self.forget_gone();
        let first = self.queue(purpose).is_empty();
        (first && self.has_room_for(purpose)).then(|| self.fill(purpose, profile))
    }

    /// Takes a slot that there is room for.
    fn fill(&mut self, purpose: Purpose, profile: &Profile) -> Option<ServerConn> {
        let exact = self.idle.iter().rposition(|c| profile.is_of(c));
        let at = exact.or_else(|| self.idle.iter().rposition(|c| profile.can_have(c)));
        let conn = at.map(|at| self.idle.swap_remove(at));
        if conn.is_none() && self.leased + self.pipelines + self.idle.len() >= self.max {
            let oldest = (0..self.idle.len()).min_by_key(|i| self.idle[*i].idle_since);
            oldest.map(|at| self.idle.swap_remove(at));
        }
        match purpose {
            Purpose::Exclusive => self.leased += 1,
            Purpose::Pipeline => self.pipelines += 1,
        }
        conn
    }

    pub(super) fn enqueue(&mut self, purpose: Purpose, waiter: Waiter) {
        self.queue(purpose).push_back(waiter);
    }

    pub(super) fn give_back(&mut self, purpose: Purpose, conn: Option<ServerConn>) {
        match purpose {
            Purpose::Exclusive => self.leased = self.leased.saturating_sub(1),
            Purpose::Pipeline => self.pipelines = self.pipelines.saturating_sub(1),
        }
        if let Some(mut conn) = conn {
            conn.idle_since = Instant::now();
            self.idle.push(conn);
        }
    }

    /// A pipeline's connection is used by one session from now on.
    pub(super) fn pipeline_is_lease(&mut self) {
        self.pipelines = self.pipelines.saturating_sub(1);
        self.leased += 1;
    }

    /// Whose turn it is, if there is room: pipelines first.
    pub(super) fn next_served(&mut self) -> Option<Served> {
        self.forget_gone();
        for purpose in [Purpose::Pipeline, Purpose::Exclusive] {
            if self.has_room_for(purpose)
                && let Some(waiter) = self.queue(purpose).pop_front()
            {
                let conn = self.fill(purpose, &waiter.profile);
                return Some((waiter.sender, purpose, conn));
            }
        }
        None
    }

    /// True if `max` leases are waited for already.
    pub(super) fn has_many_waiters(&mut self, max: usize) -> bool {
        self.for_leases.len() >= max && self.waiting() >= max
    }

    /// Takes out who waits, and connections that nobody uses.
    pub(super) fn give_up(&mut self) -> (Vec<Waiter>, Vec<ServerConn>) {
        let waiters = self
            .for_pipelines
            .drain(..)
            .chain(self.for_leases.drain(..));
        (waiters.collect(), std::mem::take(&mut self.idle))
    }

    /// Leases that are waited for.
    pub(super) fn waiting(&mut self) -> usize {
        self.for_leases.retain(|w| !w.sender.is_closed());
        self.for_leases.len()
    }

    pub(super) fn close_idle(&mut self, max: Duration) {
        self.idle.retain(|c| c.idle_since.elapsed() < max);
    }

    pub(super) fn counts(&mut self) -> PoolCounts {
        PoolCounts {
            leased: self.leased,
            pipelines: self.pipelines,
            idle: self.idle.len(),
            waiting: self.waiting(),
        }
    }
}
