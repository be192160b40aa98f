//! COM_STMT_SEND_LONG_DATA, which has no answer: an error shows at the execution.

use crate::session::{Outcome, Session};
use wire::command::send_long_data::LongDataPiece;

/// Keeps a piece of a parameter.
pub(super) fn run(s: &mut Session, body: &[u8]) -> Outcome {
    keep(s, body);
    Outcome::quiet()
}

fn keep(s: &Session, body: &[u8]) -> Option<()> {
    let LongDataPiece {
        id,
        parameter: n,
        bytes: data,
    } = LongDataPiece::decode(body).ok()?;
    let statement = s
        .client
        .statements
        .get(id, "mysqld_stmt_send_long_data")
        .ok()?;
    let max = s.worker.shared.config.max_allowed_packet_bytes;
    let mut long = statement.long.borrow_mut();
    let total: usize = long.iter().map(|(_, b)| b.len()).sum();
    if total + data.len() > max || usize::from(n) >= statement.params {
        return None;
    }
    match long.iter_mut().find(|(i, _)| *i == n) {
        Some((_, bytes)) => bytes.extend_from_slice(data),
        None => long.push((n, data.to_vec())),
    }
    Some(())
}
