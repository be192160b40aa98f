//! The metadata service from outside: its disks, and whole clusters in one process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod cluster;
mod formats;
mod full_disk;
mod power;
mod sim;
mod storage;
mod upgrade;
