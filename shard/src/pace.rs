//! What a statement takes now, whatever that is on this machine under this load.

use std::cell::Cell;

/// By how much an old observation is trusted less with each new one.
const FADE: f64 = 1.0 / 200.0;

/// The time that the fastest kind of statement has taken of late. A machine that stalls
/// slows every kind down, so others are compared with it instead of with a clock.
#[derive(Debug, Default)]
pub struct Pace {
    fastest_us: Cell<Option<f64>>,
}

impl Pace {
    /// Notes what one kind of statement takes now.
    pub fn note(&self, took_us: f64) {
        let faded = self.fastest_us.get().map(|f| f * (1.0 + FADE) + FADE);
        self.fastest_us
            .set(Some(faded.map_or(took_us, |f| f.min(took_us))));
    }

    /// Microseconds, once something is known.
    pub fn fastest_us(&self) -> Option<f64> {
        self.fastest_us.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_fastest_kind() {
        let pace = Pace::default();
        for _ in 0..100 {
            pace.note(20_000.0);
            pace.note(50.0);
        }
        assert!(pace.fastest_us().is_some_and(|f| f < 51.0));
        // The fast kind is gone, or the machine got slow.
        (0..10_000).for_each(|_| pace.note(20_000.0));
        assert!(pace.fastest_us().is_some_and(|f| f > 15_000.0));
    }
}
