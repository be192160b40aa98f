//! COM_CHANGE_USER: another login on the same connection. Its body is that of a handshake response.

pub use crate::handshake::decode_change_user as decode;
