//! One budget for what clients send: the bytes of long statements, and what compressed ones come to, of all
//! sessions together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A buffer up to this many bytes is not counted: the number of sessions bounds those.
pub(crate) const FREE_BYTES: usize = 64 * 1024;

/// The budget of the process.
#[derive(Debug)]
pub(crate) struct BufferBudget {
    used: AtomicUsize,
    max: usize,
}

impl BufferBudget {
    /// At most `max` bytes.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicUsize::new(0),
            max,
        })
    }

    /// Bytes held now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The limit.
    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Takes `more` bytes, if as many are left behind them: the largest buffer is the first that is
    /// refused, and small ones still fit.
    fn take(&self, more: usize) -> bool {
        let take = |used: usize| {
            let left = self.max.saturating_sub(used);
            (more <= left / 2).then_some(used + more)
        };
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

/// What one session holds of it.
#[derive(Debug)]
pub(crate) struct BufferShare {
    budget: Arc<BufferBudget>,
    held: usize,
}

impl BufferShare {
    /// Nothing yet.
    pub(crate) fn of(budget: Arc<BufferBudget>) -> Self {
        Self { budget, held: 0 }
    }

    /// The budget.
    pub(crate) fn budget(&self) -> &BufferBudget {
        &self.budget
    }

    /// Before a buffer grows to this many bytes; false if there is no room for it.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        if bytes <= FREE_BYTES.max(self.held) {
            return true;
        }
        // Buffers double, so that they are not copied with every read.
        let wanted = bytes.max(self.held * 2);
        let taken = [wanted, bytes]
            .into_iter()
            .find(|n| self.budget.take(n - self.held));
        self.held = taken.unwrap_or(self.held);
        taken.is_some()
    }

    /// The buffers are small again.
    pub(crate) fn give_back(&mut self) {
        let held = std::mem::take(&mut self.held);
        if held > 0 {
            self.budget.used.fetch_sub(held, Ordering::Relaxed);
        }
    }
}

impl Drop for BufferShare {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_refused_first_and_all_comes_back() {
        let budget = BufferBudget::new(10 << 20);
        let share = || BufferShare::of(budget.clone());
        let (mut large, mut larger, mut small) = (share(), share(), share());
        assert!(large.grow_to(FREE_BYTES) && budget.used() == 0);
        assert!(large.grow_to(4 << 20) && !larger.grow_to(6 << 20));
        assert!(larger.grow_to(2 << 20) && small.grow_to(1 << 20));
        assert!(!large.grow_to(9 << 20), "what it has stays");
        assert!(budget.used() <= 10 << 20 && budget.used() >= 7 << 20);
        large.give_back();
        drop((larger, small));
        assert_eq!(budget.used(), 0);
    }
}
