//! Which statements may be pipelined: those that are fast and small, so that nobody waits behind them for
//! long. A read by a whole unique key is fast by its structure. Of others it is learned from their runs,
//! and a slow one is kept away for a while.
//!
//! What is slow is never decided by a clock alone, since a busy machine makes everything slow: a statement
//! is compared with what the fastest of its neighbours takes on the same server at the same time.

use std::cell::Cell;

/// Runs on a connection of its own before a statement may be pipelined.
const TRIAL_RUNS: u32 = 3;
/// Answers larger than this are not pipelined.
const SMALL_BYTES: usize = 16 * 1024;
/// What a statement may always take more than the fastest one.
const TOLERANCE_US: f64 = 5_000.0;
/// What it may take beyond that, in times of the fastest one.
const TOLERANCE_RATIO: f64 = 8.0;
/// A run counts as at most this long, so that one long stall of the machine is not taken for a habit.
const STALL_US: f64 = 50_000.0;
/// Weight of one run in a statement's mean.
const WEIGHT: f64 = 1.0 / 16.0;
/// Runs for which a slow statement is kept away.
const COOL_DOWN_RUNS: u32 = 1_000;

/// True if a time is that of a slow statement where the fastest takes `fastest_us`.
fn is_slow(us: f64, fastest_us: f64) -> bool {
    us > fastest_us + TOLERANCE_US && us > fastest_us * TOLERANCE_RATIO
}

/// What was learned from the runs of one statement.
#[derive(Debug)]
pub(crate) struct Eligibility {
    /// It finds one row by a whole unique key.
    unique: bool,
    runs: Cell<u32>,
    best_us: Cell<f64>,
    mean_us: Cell<Option<f64>>,
    largest: Cell<usize>,
    cool_down: Cell<u32>,
}

impl Eligibility {
    /// Of a statement that has not run yet.
    pub(crate) fn new(unique: bool) -> Self {
        Self {
            unique,
            runs: Cell::new(0),
            best_us: Cell::new(f64::MAX),
            mean_us: Cell::new(None),
            largest: Cell::new(0),
            cool_down: Cell::new(0),
        }
    }

    /// True if the next run may be pipelined, where the fastest statement takes `fastest_us` on a connection
    /// of its own (0: not known). A run that is kept away counts.
    pub(crate) fn may_pipeline(&self, fastest_us: f64) -> bool {
        let cool_down = self.cool_down.get();
        if cool_down > 0 {
            self.cool_down.set(cool_down - 1);
            return false;
        }
        if self.largest.get() > SMALL_BYTES {
            return false;
        }
        let tried = self.runs.get() >= TRIAL_RUNS;
        self.unique || tried && !is_slow(self.best_us.get(), fastest_us)
    }

    /// Notes a run on a connection of its own.
    pub(crate) fn ran_alone(&self, micros: u64, bytes: usize, warnings: u16) {
        self.runs.set(self.runs.get().saturating_add(1));
        self.best_us.set(self.best_us.get().min(micros as f64));
        self.noted(bytes, warnings);
    }

    /// Notes a run in a pipeline whose fastest statement takes `fastest_us`; the mean of its runs.
    pub(crate) fn ran_pipelined(
        &self,
        service_us: u64,
        bytes: usize,
        warnings: u16,
        fastest_us: f64,
    ) -> f64 {
        let took = (service_us as f64).min(STALL_US);
        // The first run counts as little as any other: the mean begins with what is usual here.
        let usual = if fastest_us > 0.0 { fastest_us } else { took };
        let mean = self.mean_us.get().unwrap_or(took.min(usual));
        let mean = mean + (took - mean) * WEIGHT;
        self.mean_us.set(Some(mean));
        if !self.unique && is_slow(mean, fastest_us) {
            self.keep_away();
        }
        self.noted(bytes, warnings);
        mean
    }

    /// It held a pipeline up for so long that the others were sent elsewhere: it waits for something.
    pub(crate) fn stalled(&self) {
        self.keep_away();
    }

    fn keep_away(&self) {
        self.mean_us.set(None);
        // Never sooner than what was decided before.
        self.cool_down.set(self.cool_down.get().max(COOL_DOWN_RUNS));
    }

    fn noted(&self, bytes: usize, warnings: u16) {
        self.largest.set(self.largest.get().max(bytes));
        // Warnings are fetched from the connection that gave them, which a pipeline cannot do.
        if warnings > 0 {
            self.cool_down.set(u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a fast statement takes on a machine that is not busy.
    const FAST: f64 = 50.0;

    fn tried() -> Eligibility {
        let e = Eligibility::new(false);
        for _ in 0..TRIAL_RUNS {
            assert!(!e.may_pipeline(FAST));
            e.ran_alone(100, 100, 0);
        }
        assert!(e.may_pipeline(FAST));
        e
    }

    /// Runs until the statement is kept away, given what each takes and what the fastest takes then.
    fn runs_until_kept_away(took: impl Fn(u32) -> u64, fastest: f64) -> Option<u32> {
        let e = tried();
        (1..10_000).find(|n| {
            e.ran_pipelined(took(*n), 100, 0, fastest);
            !e.may_pipeline(fastest)
        })
    }

    #[test]
    fn a_slow_statement_is_kept_away_soon() {
        assert!(runs_until_kept_away(|_| 20_000, FAST).is_some_and(|n| n <= 6));
        let one_in_four = |n| if n % 4 == 0 { 40_000 } else { 50 };
        assert!(runs_until_kept_away(one_in_four, FAST).is_some_and(|n| n < 100));
    }

    #[test]
    fn a_busy_machine_keeps_nobody_away() {
        // Everything takes a hundred times as long, and stalls hit whoever is there.
        assert_eq!(runs_until_kept_away(|_| 5_000, 4_000.0), None);
        let stalls = |n| if n % 8 == 0 { 80_000 } else { 50 };
        assert_eq!(runs_until_kept_away(stalls, 6_000.0), None);
        // One long stall on a machine that is quiet otherwise.
        let once = |n| if n == 100 { 3_000_000 } else { 50 };
        assert_eq!(runs_until_kept_away(once, FAST), None);
    }

    #[test]
    fn a_trial_is_passed_on_a_busy_machine_too() {
        let e = Eligibility::new(false);
        (0..TRIAL_RUNS).for_each(|_| e.ran_alone(30_000, 100, 0));
        assert!(!e.may_pipeline(FAST), "slow where others are fast");
        assert!(e.may_pipeline(10_000.0), "as fast as anything here");
    }

    #[test]
    fn a_cool_down_ends() {
        let e = tried();
        while e.may_pipeline(FAST) {
            e.ran_pipelined(20_000, 100, 0, FAST);
        }
        let away = (0..2 * COOL_DOWN_RUNS).position(|_| e.may_pipeline(FAST));
        assert_eq!(away, Some(COOL_DOWN_RUNS as usize - 1));
    }

    #[test]
    fn a_unique_read_needs_no_trial_and_has_no_cool_down() {
        let e = Eligibility::new(true);
        for _ in 0..1_000 {
            assert!(e.may_pipeline(FAST));
            e.ran_pipelined(40_000, 100, 0, FAST);
        }
        // Unless somebody else has locked the table.
        e.stalled();
        assert!(!e.may_pipeline(FAST));
    }

    #[test]
    fn large_answers_and_warnings_are_never_pipelined() {
        for e in [tried(), Eligibility::new(true)] {
            e.ran_pipelined(100, SMALL_BYTES + 1, 0, FAST);
            assert!(!e.may_pipeline(FAST));
        }
        for e in [tried(), Eligibility::new(true)] {
            e.ran_pipelined(100, 100, 1, FAST);
            assert!(!e.may_pipeline(FAST));
        }
    }
}
