//! COM_STMT_FETCH, and cursors: one lives on one connection, which stays with the session until it is
//! closed.

use crate::command::execute::malformed_execute;
use crate::exec::one;
use crate::exec::relay::RelayOptions;
use crate::session::statements::ClientStatement;
use crate::session::{Done, Outcome, Session};
use catalog::ShardId;
use errors::PrepareError;
use wire::caps::SERVER_STATUS_LAST_ROW_SENT;
use wire::command::fetch::Fetch;
use wire::framer::Expect;

/// Passes the next rows of a cursor on.
pub(super) async fn run(s: &mut Session, body: &[u8]) -> Done {
    let asked = Fetch::decode(body).map_err(malformed_execute)?;
    let id = asked.id;
    let statement = s.client.statements.get(id, "mysqld_stmt_fetch")?;
    let open = statement.cursor.get();
    let branch = open.and_then(|(shard, _)| s.branches.get(shard));
    let privileges = &statement.plan.borrow().1.clone().privileges;
    s.client.authorize(&s.worker.catalog(), privileges)?;
    let (Some((shard, cursor)), Some(branch)) = (open, branch) else {
        return Err(PrepareError::NoCursor { id }.into());
    };
    let wanted = Fetch {
        id: cursor,
        ..asked
    };
    branch.conn()?.fetch(wanted).await?;
    let options = RelayOptions {
        expect: Expect::Rows,
        ..Default::default()
    };
    let end = one::relay_on(s, shard, options).await?;
    if end.err.is_some() || end.status & SERVER_STATUS_LAST_ROW_SENT != 0 {
        close_cursor(s, &statement);
    }
    Ok(Outcome {
        error: end.err.map(Box::new),
        bytes: end.bytes,
        ..Outcome::quiet()
    })
}

/// Closes the cursor of a statement, if one is open.
pub(super) fn close_cursor(s: &mut Session, statement: &ClientStatement) {
    let Some((shard, cursor)) = statement.cursor.take() else {
        return;
    };
    statement.cursor_uses.take();
    // A server statement with an open cursor cannot be executed by others: close it.
    if let Some(conn) = s.branches.get(shard).and_then(|b| b.lease.conn().ok()) {
        conn.queue_close(cursor);
        conn.prepared.clear();
    }
    unpin(s, shard);
}

/// The connection goes back, unless another cursor is open on it.
pub(super) fn unpin(s: &mut Session, shard: ShardId) {
    if s.client.statements.has_cursor_on(shard) {
        return;
    }
    if let Some(branch) = s.branches.get(shard) {
        branch.pins.cursor = false;
    }
}
