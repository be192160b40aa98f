//! Who may log in, and what they may do.

mod account;
pub(crate) mod handshake;
pub(crate) mod rights;
pub mod users;
