//! COM_INIT_DB: another current database.

use super::Command;

/// Appends the command.
pub fn put(out: &mut Vec<u8>, database: &str) {
    Command::InitDb.put(out, &[database.as_bytes()]);
}
