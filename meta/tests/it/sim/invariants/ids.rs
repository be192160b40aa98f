//! Blocks of ids of one table never overlap.

use crate::sim::history::History;
use catalog::Answer;

pub fn check(history: &History) -> Result<(), String> {
    let mut blocks: Vec<_> = history
        .acknowledged
        .iter()
        .filter_map(|a| match &a.answer {
            Answer::Ids(ids) => Some((ids.clone(), &a.request)),
            _ => None,
        })
        .collect();
    blocks.sort_by_key(|(ids, _)| ids.start);
    for pair in blocks.windows(2) {
        let ((a, of_a), (b, of_b)) = (&pair[0], &pair[1]);
        if a.end > b.start && of_a != of_b {
            return Err(format!("{of_a} got {a:?} and {of_b} got {b:?}"));
        }
    }
    Ok(())
}
