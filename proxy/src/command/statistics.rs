//! COM_STATISTICS.

use crate::session::{Outcome, Session};

/// A line of text, as `mysqladmin status` shows it.
pub(super) fn run(s: &mut Session) -> Outcome {
    let r = &s.worker.shared.registry;
    let text = format!("Uptime: {}  Threads: {}", r.now_ms() / 1000, r.count());
    s.io.put(text.as_bytes());
    Outcome::quiet()
}
