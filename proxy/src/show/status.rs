//! SHOW PROXY STATUS.

use crate::session::Session;
use wire::resultset::ResultSet;

/// The proxy's counters with their meanings.
pub(crate) fn rows(s: &Session) -> ResultSet {
    let mut set = ResultSet::with_text_columns(&["Name", "Value", "Meaning"]);
    for (name, meaning, value) in s.worker.shared.metrics.all() {
        set.row([name.to_string(), value.to_string(), meaning.to_string()]);
    }
    set
}
