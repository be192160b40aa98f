//! SHOW PROXY SESSIONS.

use crate::session::{Session, Stop};
use catalog::Catalog;
use wire::column::Column;
use wire::resultset::ResultSet;

/// The sessions that the user may see, with transaction and pins.
pub(crate) fn rows(s: &Session, catalog: &Catalog) -> Result<ResultSet, Stop> {
    let names = [
        "Id",
        "User",
        "Host",
        "Database",
        "Worker",
        "Command",
        "Time",
        "Transaction",
        "Pinned",
    ];
    let mut set = ResultSet::with_text_columns(&names);
    set.columns[0] = Column::number("Id", false);
    for r in s.client.visible_sessions(catalog, &s.worker)? {
        let transaction = if r.in_transaction { "open" } else { "" };
        set.row([
            r.id.to_string(),
            r.user,
            r.host,
            r.database,
            r.worker.to_string(),
            r.command.to_string(),
            r.seconds.to_string(),
            transaction.to_string(),
            r.pins,
        ]);
    }
    Ok(set)
}
