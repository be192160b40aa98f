//! SHOW PROCESSLIST.

use crate::session::{Session, Stop};
use catalog::Catalog;
use wire::column::Column;
use wire::resultset::ResultSet;

/// Characters of a statement that are shown without FULL.
const INFO_CHARS: usize = 100;

/// The sessions that the user may see, as a server lists them.
pub(crate) fn rows(s: &Session, catalog: &Catalog, full: bool) -> Result<ResultSet, Stop> {
    let names = [
        "Id", "User", "Host", "db", "Command", "Time", "State", "Info",
    ];
    let mut set = ResultSet::with_text_columns(&names);
    set.columns[0] = Column::number("Id", false);
    set.columns[5] = Column::number("Time", false);
    for r in s.client.visible_sessions(catalog, &s.worker)? {
        let cut = |text: String| match full {
            true => text,
            false => text.chars().take(INFO_CHARS).collect(),
        };
        let database = Some(r.database).filter(|d| !d.is_empty());
        set.rows.push(vec![
            Some(r.id.to_string()),
            Some(r.user),
            Some(r.host),
            database,
            Some(r.command.to_string()),
            Some(r.seconds.to_string()),
            Some(String::new()),
            r.statement.map(cut),
        ]);
    }
    Ok(set)
}
