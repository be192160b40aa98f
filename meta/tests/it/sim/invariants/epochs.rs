//! A read that begins after another one ended sees no older state.

use crate::sim::history::History;

pub fn check(history: &History) -> Result<(), String> {
    for (i, earlier) in history.reads.iter().enumerate() {
        for later in history.reads[i..].iter().filter(|l| l.from > earlier.until) {
            if later.epoch < earlier.epoch || later.changes < earlier.changes {
                return Err(format!(
                    "epoch {} and {} changes were read until {:?}, and {} and {} from {:?}",
                    earlier.epoch,
                    earlier.changes,
                    earlier.until,
                    later.epoch,
                    later.changes,
                    later.from
                ));
            }
        }
    }
    Ok(())
}
