//! COM_STMT_RESET.

use crate::command::execute::malformed_execute;
use crate::command::fetch::close_cursor;
use crate::session::{Done, Outcome, Session};
use wire::reply::OkPacket;

/// Forgets long data and closes the cursor of a statement.
pub(super) fn run(s: &mut Session, body: &[u8]) -> Done {
    let id = wire::command::execute::statement_id(body).map_err(malformed_execute)?;
    let statement = s.client.statements.get(id, "mysqld_stmt_reset")?;
    statement.long.borrow_mut().clear();
    close_cursor(s, &statement);
    s.put_ok(OkPacket::default(), 0);
    Ok(Outcome::quiet())
}
