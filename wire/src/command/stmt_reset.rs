//! COM_STMT_RESET: a prepared statement's long data and cursor go.

use super::ClientCommand;

/// Appends the command.
pub fn put(out: &mut Vec<u8>, id: u32) {
    ClientCommand::StmtReset.put(out, &[&id.to_le_bytes()]);
}
