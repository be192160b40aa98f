//! COM_FIELD_LIST: columns of a table, as old clients ask for them.

use super::ClientCommand;
use crate::read::{Malformed, Reader};

/// The table whose columns a body asks for; a pattern may follow it.
pub fn table(body: &[u8]) -> Result<&[u8], Malformed> {
    Reader::new(body).null_bytes("table")
}

/// Appends the command with a client's body.
pub fn put(out: &mut Vec<u8>, body: &[u8]) {
    ClientCommand::FieldList.put(out, &[body]);
}
