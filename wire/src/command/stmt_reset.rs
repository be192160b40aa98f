//! COM_STMT_RESET: a prepared statement's long data and cursor go.

use super::Command;

/// Appends the command.
pub fn put(out: &mut Vec<u8>, id: u32) {
    Command::StmtReset.put(out, &[&id.to_le_bytes()]);
}
