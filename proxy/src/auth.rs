//! Who may log in, and what they may do.

pub(crate) mod handshake;
pub(crate) mod rights;
pub mod users;
