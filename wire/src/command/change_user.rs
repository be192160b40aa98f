//! COM_CHANGE_USER: another login on the same connection.

use crate::caps::{CLIENT_CONNECT_ATTRS, CLIENT_PLUGIN_AUTH};
use crate::handshake::{HandshakeResponse, decode_attributes, text};
use crate::read::{Malformed, Reader};

/// Reads a body; what a client's capabilities say is there follows the database.
pub fn decode(body: &[u8], capabilities: u64) -> Result<HandshakeResponse, Malformed> {
    let mut r = Reader::new(body);
    let user = text(r.null_bytes("user name")?, "user name is not utf-8")?;
    let n = r.u8("auth response length")?;
    let auth = r.bytes(n.into(), "auth response")?.to_vec();
    let database = text(r.null_bytes("database")?, "database name is not utf-8")?;
    let mut out = HandshakeResponse {
        capabilities,
        user,
        auth,
        database: Some(database).filter(|d| !d.is_empty()),
        ..Default::default()
    };
    if !r.is_empty() {
        out.collation = r.u16("collation")?;
    }
    if capabilities & CLIENT_PLUGIN_AUTH != 0 && !r.is_empty() {
        out.plugin = Some(text(r.null_bytes("plugin")?, "plugin name is not utf-8")?);
    }
    if capabilities & CLIENT_CONNECT_ATTRS != 0 && !r.is_empty() {
        out.attributes = decode_attributes(&mut r)?;
    }
    Ok(out)
}
