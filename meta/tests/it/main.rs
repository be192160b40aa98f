//! The metadata service from outside: its disks, and whole clusters in one process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// Nothing of a test is public: here `pub` says that other files of it use something.
#![allow(unreachable_pub)]

mod cluster;
mod formats;
mod full_disk;
mod power;
mod sim;
mod storage;
mod upgrade;
