//! Which statements may use shared connections: those that have shown themselves fast and small.

use std::cell::Cell;

/// Runs on a connection of its own before a statement may be shared.
const PROBATION_RUNS: u32 = 3;
/// The best of these runs must be at most this long.
const FAST_US: u64 = 5_000;
/// Answers larger than this are not for shared connections.
const SMALL_BYTES: usize = 16 * 1024;
/// A shared run longer than this is slow: all sessions behind it waited.
const SLOW_US: u64 = 10_000;
/// What a slow run counts; a run that is not slow takes one away. One slow run may be the machine's
/// doing (a server thread that got no core), more than one in this many is the statement's.
const SLOW_POINTS: u32 = 32;
/// Points from which on a statement stays away from shared connections.
const BANNED_POINTS: u32 = 4 * SLOW_POINTS;
/// Runs for which it stays away.
const BANNED_RUNS: u32 = 1_000;

/// What was learned from the runs of one statement.
#[derive(Debug)]
pub struct Probation {
    runs: Cell<u32>,
    best_us: Cell<u64>,
    largest: Cell<usize>,
    slow_points: Cell<u32>,
    banned_runs: Cell<u32>,
}

impl Default for Probation {
    fn default() -> Self {
        Self {
            runs: Cell::new(0),
            best_us: Cell::new(u64::MAX),
            largest: Cell::new(0),
            slow_points: Cell::new(0),
            banned_runs: Cell::new(0),
        }
    }
}

impl Probation {
    /// True if the next run may be shared. A run that is kept away counts.
    pub fn is_proven(&self) -> bool {
        let banned = self.banned_runs.get();
        if banned > 0 {
            self.banned_runs.set(banned - 1);
            return false;
        }
        self.runs.get() >= PROBATION_RUNS
            && self.best_us.get() <= FAST_US
            && self.largest.get() <= SMALL_BYTES
    }

    /// Notes a run on a connection of its own.
    pub fn ran_alone(&self, micros: u64, bytes: usize, warnings: u16) {
        self.runs.set(self.runs.get().saturating_add(1));
        self.best_us.set(self.best_us.get().min(micros));
        self.noted(bytes, warnings);
    }

    /// Notes a run on a shared connection.
    pub fn ran_shared(&self, service_us: u64, bytes: usize, warnings: u16) {
        let points = self.slow_points.get();
        if service_us <= SLOW_US {
            self.slow_points.set(points.saturating_sub(1));
        } else if points + SLOW_POINTS < BANNED_POINTS {
            self.slow_points.set(points + SLOW_POINTS);
        } else {
            self.slow_points.set(0);
            // Never sooner than what was decided before.
            self.banned_runs
                .set(self.banned_runs.get().max(BANNED_RUNS));
        }
        self.noted(bytes, warnings);
    }

    fn noted(&self, bytes: usize, warnings: u16) {
        self.largest.set(self.largest.get().max(bytes));
        // Warnings are fetched from the connection that gave them, which a shared one cannot do.
        if warnings > 0 {
            self.banned_runs.set(u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven() -> Probation {
        let p = Probation::default();
        for _ in 0..PROBATION_RUNS {
            assert!(!p.is_proven());
            p.ran_alone(100, 100, 0);
        }
        assert!(p.is_proven());
        p
    }

    /// Runs of which one in `every` is slow, until the statement is kept away.
    fn runs_until_banned(every: u32) -> Option<u32> {
        let p = proven();
        (1..100_000).find(|n| {
            let slow = n % every == 0;
            p.ran_shared(if slow { SLOW_US + 1 } else { 100 }, 100, 0);
            !p.is_proven()
        })
    }

    #[test]
    fn a_statement_that_is_slow_now_and_then_is_kept_away() {
        assert_eq!(runs_until_banned(1), Some(4));
        assert!(runs_until_banned(20).is_some_and(|n| n < 500));
    }

    #[test]
    fn a_machine_that_stalls_at_times_bans_nothing() {
        assert_eq!(runs_until_banned(100), None);
    }

    #[test]
    fn a_ban_ends() {
        let p = proven();
        (0..4).for_each(|_| p.ran_shared(SLOW_US + 1, 100, 0));
        assert_eq!(
            (0..2 * BANNED_RUNS).position(|_| p.is_proven()),
            Some(BANNED_RUNS as usize)
        );
    }

    #[test]
    fn large_answers_and_warnings_are_never_shared() {
        let (large, warned, slow) = (proven(), proven(), Probation::default());
        large.ran_shared(100, SMALL_BYTES + 1, 0);
        warned.ran_shared(100, 100, 1);
        (0..10).for_each(|_| slow.ran_alone(FAST_US + 1, 100, 0));
        assert!(!large.is_proven() && !warned.is_proven() && !slow.is_proven());
    }
}
