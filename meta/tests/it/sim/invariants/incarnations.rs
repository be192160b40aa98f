//! No two registrations get one number, and one that a read missed once never comes back.

use crate::sim::history::History;
use std::collections::BTreeMap;

pub fn check(history: &History) -> Result<(), String> {
    let mut of: BTreeMap<u64, &str> = BTreeMap::new();
    for a in &history.acknowledged {
        if let Some(n) = a.answer.incarnation()
            && let Some(other) = of.insert(n, &a.request)
            && other != a.request
        {
            return Err(format!(
                "{other} and {} both got incarnation {n}",
                a.request
            ));
        }
    }
    for (i, earlier) in history.reads.iter().enumerate() {
        let last = earlier.incarnations.last().copied().unwrap_or(0);
        for later in history.reads[i..].iter().filter(|l| l.from > earlier.until) {
            let back = later
                .incarnations
                .range(..last)
                .find(|n| !earlier.incarnations.contains(n));
            if let Some(n) = back {
                return Err(format!("incarnation {n} was fenced and is back"));
            }
        }
    }
    Ok(())
}
