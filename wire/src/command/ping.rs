//! COM_PING: is the server there?

use super::ClientCommand;

/// Appends the command.
pub fn put(out: &mut Vec<u8>) {
    ClientCommand::Ping.put(out, &[]);
}
