//! COM_RESET_CONNECTION: the state of a session as after its login.

use super::ClientCommand;

/// Appends the command.
pub fn put(out: &mut Vec<u8>) {
    ClientCommand::ResetConnection.put(out, &[]);
}
