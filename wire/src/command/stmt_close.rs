//! COM_STMT_CLOSE: forgets a prepared statement. It has no answer.

use super::ClientCommand;

/// Appends the command.
pub fn put(out: &mut Vec<u8>, id: u32) {
    ClientCommand::StmtClose.put(out, &[&id.to_le_bytes()]);
}
