//! COM_INIT_DB: another current database.

use super::ClientCommand;

/// Appends the command.
pub fn put(out: &mut Vec<u8>, database: &str) {
    ClientCommand::InitDb.put(out, &[database.as_bytes()]);
}
