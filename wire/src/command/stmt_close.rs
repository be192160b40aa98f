//! COM_STMT_CLOSE: forgets a prepared statement. It has no answer.

use super::Command;

/// Appends the command.
pub fn put(out: &mut Vec<u8>, id: u32) {
    Command::StmtClose.put(out, &[&id.to_le_bytes()]);
}
