//! COM_INIT_DB.

use crate::session::{Done, Outcome, Session};
use errors::NameError;

/// Makes a database current.
pub(super) fn run(s: &mut Session, body: &[u8]) -> Done {
    let name = std::str::from_utf8(body).map_err(|_| NameError::DatabaseNotUtf8)?;
    s.client.use_database(&s.worker, name)?;
    s.put_ok_with_database(0);
    Ok(Outcome::quiet())
}
