//! SHOW CREATE PROCEDURE and the like. A server shows the body to its definer, as whom nobody logs in, and to
//! those who may read every body there is: that is the proxy's own account, after the user's right to look
//! into the database was checked.

use crate::exec::relay::{RelayOptions, relay};
use crate::exec::{Run, one};
use crate::session::diagnostics::fetch;
use crate::session::outcome::{Conditions, Path};
use crate::session::{Done, Outcome, Session, Stop};
use catalog::ShardId;
use shard::ConnClass;
use shard::account::AccountId;

/// Runs the statement on the shard, with the proxy's own account.
pub(crate) async fn run(s: &mut Session, shard: ShardId, run: Run<'_>) -> Done {
    let pool = s.worker.pool(shard)?;
    let class = ConnClass {
        account: AccountId::OWN,
        ..s.client.class
    };
    let (settings, database) = (&s.client.settings.plain, s.client.database.as_ref());
    let mut lease = pool.lease(class, settings, database).await?;
    let conn = lease.conn()?;
    conn.plan_session(settings, database);
    if let Err(err) = run.request().queue(conn).await? {
        return Err(Stop::Server(err));
    }
    let options = RelayOptions {
        status_set: run.more | s.status(),
        ..Default::default()
    };
    let relayed = relay(&mut s.io, conn, &s.client.info, options, &pool).await;
    let end = relayed.map_err(|e| one::relay_failed(e, conn))?;
    let mut outcome = Outcome {
        path: Path::Exclusive,
        bytes: end.bytes,
        error: end.err.map(Box::new),
        ..Default::default()
    };
    outcome.shards.push(shard);
    if outcome.error.is_none() {
        outcome.row_count = Some(-1);
        outcome.found_rows = Some(end.rows);
        outcome.conditions = match end.warnings {
            0 => Conditions::Cleared,
            _ => fetch(conn).await?.into(),
        };
    }
    Ok(outcome)
}
