//! Gather: rows that a statement needs are copied to one server, and the statement runs there unchanged.
//!
//! On a connection of its own, temporary tables take the names of the real ones and hide them; filled with
//! the rows that the statement may use, they give the engine's own answer, whatever the statement is. The
//! tables go when it ends: dropped, or with their connection.

mod fill;
mod scratch;
mod source;

use super::relay::RelayOptions;
use super::{Run, one};
use crate::session::outcome::{Conditions, Path};
use crate::session::waiting::unless_ended;
use crate::session::{Done, Outcome, Session, Stop};
use router::plan::gather::GatherRoute;
use scratch::Scratch;

/// Gathers the rows and runs the statement on them.
pub(super) async fn run(s: &mut Session, route: &GatherRoute, run: Run<'_>) -> Done {
    let mut scratch = Scratch::open(s, route.scratch).await?;
    let gathered = {
        let Session {
            worker,
            io,
            client,
            branches,
            ..
        } = s;
        let work = fill::all(worker, client, branches, &mut scratch, (route, run.bound));
        unless_ended(worker, io, &client.info, work).await?
    };
    let bytes = gathered?;
    let mut outcome = answer(s, &mut scratch, run).await?;
    outcome.bytes = bytes;
    outcome.shards = route.shards();
    scratch.close(&s.worker).await;
    Ok(outcome)
}

/// Runs the client's statement on the scratch connection and passes its answer on.
async fn answer(s: &mut Session, scratch: &mut Scratch, run: Run<'_>) -> Done {
    let mut traits = run.plan.traits;
    let request = one::request(s, run);
    (traits.session_values, traits.diagnostics) = (false, false);
    let pool = scratch.pool();
    let conn = scratch.conn()?;
    let (all, database) = (&s.client.settings.all, s.client.database.as_ref());
    conn.plan_session(all, database);
    if traits.last_insert_id {
        conn.plan_last_insert_id(s.client.last.insert_id);
    }
    let queued = unless_ended(&s.worker, &s.io, &s.client.info, request.queue(conn)).await?;
    if let Err(err) = queued? {
        return Err(Stop::Server(err));
    }
    let options = RelayOptions {
        status_set: run.more | s.status(),
        ..Default::default()
    };
    let relayed = super::relay::relay(&mut s.io, conn, &s.client.info, options, &pool).await;
    let end = relayed.map_err(|e| one::relay_failed(e, conn))?;
    let mut outcome = Outcome {
        path: Path::Several,
        ..Default::default()
    };
    if let Some(err) = end.err {
        outcome.error = Some(Box::new(err));
        return Ok(outcome);
    }
    outcome.row_count = Some(-1);
    outcome.found_rows = Some(end.rows);
    outcome.conditions = match (traits.calc_found_rows, end.warnings) {
        (true, warnings) => {
            let found = conn.found_rows().await?;
            outcome.found_rows = Some(found.unwrap_or(end.rows));
            Conditions::Unfetched(warnings)
        }
        (false, 0) => Conditions::Cleared,
        (false, _) => crate::session::diagnostics::fetch(conn).await?.into(),
    };
    if traits.sets_last_insert_id {
        outcome.insert_id = conn.last_insert_id().await?;
    }
    Ok(outcome)
}
