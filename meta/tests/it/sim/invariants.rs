//! What must hold, whatever happens.

mod acknowledged;
mod election;
mod epochs;
mod ids;
mod incarnations;

use super::history::History;

/// Checks everything; the seed repeats the faults.
pub fn check(history: &History, seed: u64) {
    for (what, check) in [
        (
            "election safety",
            election::check as fn(&History) -> Result<(), String>,
        ),
        ("no acknowledged change is lost", acknowledged::check),
        ("epochs never go back", epochs::check),
        ("incarnations are unique", incarnations::check),
        ("no id is leased twice", ids::check),
    ] {
        if let Err(why) = check(history) {
            panic!("{what}: {why} (seed {seed})");
        }
    }
}
