//! The MySQL client/server protocol as values and state machines: no sockets, no clock, no runtime.
//!
//! Layer 0. Everything here turns bytes into typed values and back. Input is never trusted: every
//! decoder returns an error for bytes that lie, none panics. What it refuses to do: I/O, buffering
//! policy, knowledge of SQL.

pub mod auth;
pub mod caps;
pub mod cells;
pub mod charset;
pub mod column;
pub mod command;
pub mod compress;
pub mod framer;
pub mod handshake;
pub mod packet;
pub mod password;
pub mod read;
pub mod reply;
pub mod result_writer;
pub mod resultset;
pub mod rows;
pub mod session_state;
pub mod value;

pub use packet::{HEADER_LEN, MAX_PAYLOAD};
pub use read::{Malformed, Reader};
