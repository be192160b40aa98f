//! COM_STMT_CLOSE, which has no answer.

use crate::command::fetch::close_cursor;
use crate::session::{Outcome, Session};

/// Forgets a statement.
pub(super) fn run(s: &mut Session, body: &[u8]) -> Outcome {
    let id = wire::command::execute::statement_id(body).ok();
    if let Some(statement) = id.and_then(|id| s.client.statements.remove(id)) {
        close_cursor(s, &statement);
    }
    Outcome::quiet()
}
