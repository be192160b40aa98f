//! The house rules that a compiler does not check: layers, sizes, names.
#![allow(clippy::unwrap_used, clippy::panic)]
// Nothing of a test is public: here `pub` says that other files of it use something.
#![allow(unreachable_pub)]

mod error_packets;
mod layers;
mod names;
mod sizes;
mod source;
