//! COM_SET_OPTION: several statements in one COM_QUERY, on or off.

use crate::session::{Done, Outcome, Session};
use errors::ProtocolError;
use wire::reply::OkPacket;

/// Switches multi-statements.
pub(super) fn run(s: &mut Session, body: &[u8]) -> Done {
    match body {
        [0, 0] => s.client.multi_statements = true,
        [1, 0] => s.client.multi_statements = false,
        _ => return Err(ProtocolError::UnknownOption.into()),
    }
    let status = s.status();
    match s.client.class.deprecate_eof {
        true => s.put_ok(OkPacket::default(), 0),
        false => s.io.put_with(|b| wire::reply::put_eof(b, 0, status)),
    }
    Ok(Outcome::quiet())
}
