//! SHOW statements that the proxy answers: one file each.

pub(crate) mod databases;
pub(crate) mod diagnostics;
pub(crate) mod grants;
pub(crate) mod jobs;
pub(crate) mod list;
pub(crate) mod plan;
pub(crate) mod processlist;
pub(crate) mod routine;
pub(crate) mod sessions;
pub(crate) mod sharded_tables;
pub(crate) mod shards;
pub(crate) mod status;
pub(crate) mod unsupported;

use crate::exec::Run;
use crate::session::{Outcome, Session};
use wire::resultset::ResultSet;

/// Answers with a result that the proxy made.
pub(crate) fn answer(s: &mut Session, set: &ResultSet, run: Run<'_>) -> Outcome {
    let (caps, status) = (s.io.capabilities, s.status() | run.more);
    s.io.put_packets(|out, seq| set.encode(out, seq, caps, status, run.format()));
    Outcome {
        found_rows: Some(set.rows.len() as u64),
        row_count: Some(-1),
        ..Outcome::quiet()
    }
}
