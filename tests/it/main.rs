//! End-to-end tests: the real binary over real MariaDB servers, through clients nobody here wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clients;
mod cluster;
mod compare;
mod ddl;
mod protocol;
mod sessions;
mod transactions;
