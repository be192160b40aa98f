//! COM_PING: is the server there?

use super::Command;

/// Appends the command.
pub fn put(out: &mut Vec<u8>) {
    Command::Ping.put(out, &[]);
}
