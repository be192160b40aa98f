//! COM_SET_OPTION: several statements in one COM_QUERY, on or off.

use crate::session::{Done, Outcome, Session};
use errors::ProtocolError;
use wire::command::set_option;
use wire::reply::OkPacket;

/// Switches multi-statements.
pub(super) fn run(s: &mut Session, body: &[u8]) -> Done {
    let on = set_option::multi_statements(body);
    s.client.multi_statements = on.map_err(|_| ProtocolError::UnknownOption)?;
    let status = s.status();
    match s.client.class.deprecate_eof {
        true => s.put_ok(OkPacket::default(), 0),
        false => s.io.put_with(|b| wire::reply::put_eof(b, 0, status)),
    }
    Ok(Outcome::quiet())
}
