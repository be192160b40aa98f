//! The house rules that a compiler does not check: layers, sizes, names.
#![allow(clippy::unwrap_used, clippy::panic)]

mod error_packets;
mod layers;
mod names;
mod sizes;
mod source;
