//! COM_QUERY: a statement as text.

use super::ClientCommand;

/// Appends the command. The text may come in parts, so that something can stand before a client's.
pub fn put(out: &mut Vec<u8>, text: &[&[u8]]) {
    ClientCommand::Query.put(out, text);
}
