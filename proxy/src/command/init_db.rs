//! COM_INIT_DB.

use crate::session::{Done, Outcome, Session, error};

/// Makes a database current.
pub(super) fn run(s: &mut Session, body: &[u8]) -> Done {
    let name = std::str::from_utf8(body)
        .map_err(|_| error(1049, "42000", "Unknown database: the name is no UTF-8"))?;
    s.client.use_database(&s.worker, name)?;
    s.put_ok_with_database(0);
    Ok(Outcome::quiet())
}
