//! A read that begins after a change was acknowledged has it.

use crate::sim::history::History;

pub fn check(history: &History) -> Result<(), String> {
    for read in &history.reads {
        for a in history.acknowledged.iter().filter(|a| a.at < read.from) {
            if !read.requests.contains(&a.request) {
                return Err(format!(
                    "{} was acknowledged at {:?} ({:?}), a read from {:?} to {:?} does not have it",
                    a.request, a.at, a.answer, read.from, read.until
                ));
            }
        }
    }
    Ok(())
}
