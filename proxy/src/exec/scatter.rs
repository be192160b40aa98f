//! A read on several shards: all work at once, and their rows follow each other.

use super::relay::{Part, RelayOptions};
use super::{Run, one};
use crate::session::diagnostics::{self, Diagnostics};
use crate::session::outcome::Path;
use crate::session::{Done, Outcome, Session, Stop};
use catalog::ShardId;
use wire::caps::SERVER_STATUS_IN_TRANS;

/// Sends the statement to each shard and passes the rows on, one shard's after the other's.
pub(crate) async fn run(s: &mut Session, shards: &[ShardId], run: Run<'_>) -> Done {
    send(s, shards, run).await?;
    let mut outcome = Outcome {
        path: Path::Several,
        shards: shards.into(),
        row_count: Some(-1),
        ..Default::default()
    };
    let (mut rows, mut warnings, last) = (0, 0u16, shards.len() - 1);
    for (i, &shard) in shards.iter().enumerate() {
        let part = match i {
            0 => Part::First,
            i if i == last => Part::Last,
            _ => Part::Middle,
        };
        let options = RelayOptions {
            part,
            status_set: run.more,
            warnings_before: warnings,
            ..Default::default()
        };
        let end = one::relay_on(s, shard, options).await?;
        outcome.bytes += end.bytes;
        if let Some(err) = end.err {
            // The other answers are on their way: take them, or their connections were lost.
            discard(s, &shards[i + 1..]).await?;
            outcome.error = Some(Box::new(err));
            let autocommit = s.client.settings.autocommit;
            s.branches.check_after_error(shard, autocommit).await;
            return Ok(outcome);
        }
        s.branches.held(shard)?.open = end.status & SERVER_STATUS_IN_TRANS != 0;
        rows += end.rows;
        warnings = warnings.saturating_add(end.warnings);
    }
    outcome.found_rows = Some(rows);
    let mut diagnostics = Diagnostics::default();
    if warnings > 0 {
        for &shard in shards {
            let more = diagnostics::fetch(s.branches.held(shard)?.conn()?).await?;
            diagnostics.add(more);
        }
    }
    outcome.conditions = diagnostics.into();
    if !s.branches.in_transaction() {
        s.branches.next = None;
    }
    Ok(outcome)
}

/// Sends the statement to each shard, in ascending order, so that two sessions never wait for each other's
/// connections.
async fn send(s: &mut Session, shards: &[ShardId], run: Run<'_>) -> Result<(), Stop> {
    let request = run.request();
    let traits = run.plan.traits;
    for &shard in shards {
        let variables = traits.reads_user_variables;
        let queued = one::send(s, shard, &request, traits, variables).await?;
        queued.map_err(Stop::Server)?;
        let sent = s.branches.held(shard)?.conn()?.flush().await;
        if let Err(e) = sent {
            return Err(s.branches.abort(e).await);
        }
    }
    Ok(())
}

async fn discard(s: &mut Session, shards: &[ShardId]) -> Result<(), Stop> {
    for &shard in shards {
        let options = RelayOptions {
            part: Part::Discard,
            ..Default::default()
        };
        one::relay_on(s, shard, options).await?;
    }
    Ok(())
}
