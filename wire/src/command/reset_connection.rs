//! COM_RESET_CONNECTION: the state of a session as after its login.

use super::Command;

/// Appends the command.
pub fn put(out: &mut Vec<u8>) {
    Command::ResetConnection.put(out, &[]);
}
