//! Answers that are not read to their end.

use crate::exec::one::spawn_kill;
use crate::exec::streams::Streams;
use crate::session::{Session, Stop};
use std::time::Duration;

/// How long the rest of an answer may take before it is cut short: longer than it takes to connect anew.
const DRAIN_WAIT: Duration = Duration::from_millis(50);

/// Ends all answers. Connections of a transaction stay with it.
pub(super) async fn stop(s: &mut Session, streams: &mut Streams) -> Result<(), Stop> {
    for n in 0..streams.len() {
        let (shard, stream) = streams.get(n);
        let is_over = stream.end().is_some();
        let Some(branch) = s.branches.get(shard).filter(|_| !is_over) else {
            continue;
        };
        let keep = branch.open || !branch.pins.is_empty();
        let Ok(conn) = branch.conn() else {
            continue;
        };
        let thread_id = conn.thread_id;
        let login = branch.lease.login();
        let drain = streams.drain(n, &mut s.branches);
        if let Ok(Ok(())) = tokio::time::timeout(DRAIN_WAIT, drain).await {
            continue;
        }
        let mut drained = false;
        if keep {
            if let Err(error) = shard::kill_query(&login, thread_id).await {
                tracing::debug!(%error, "KILL QUERY did not reach the shard");
            }
            drained = streams.drain(n, &mut s.branches).await.is_ok();
        } else {
            spawn_kill(login, thread_id);
        }
        if drained {
            continue;
        }
        let branch = s.branches.held(shard)?;
        let lost = branch.conn().map(|conn| conn.lost());
        branch.lease.discard();
        if keep && let Ok(lost) = lost {
            return Err(s.branches.abort(lost).await);
        }
    }
    Ok(())
}
