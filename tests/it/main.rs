//! End-to-end tests: the real binary over real MariaDB servers, through clients nobody here wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Nothing of a test is public: here `pub` says that other files of it use something.
#![allow(unreachable_pub)]

mod accounts;
mod admin;
mod binaries;
mod clients;
mod cluster;
mod compare;
mod configured;
mod ddl;
mod definitions;
mod drivers;
mod dumps;
mod epochs;
mod error_catalogue;
mod escapes;
mod failures;
mod folder;
mod frozen;
mod gather;
mod homes;
mod ids;
mod import;
mod key_values;
mod locks;
mod logins;
mod logs;
mod lossy;
mod merge;
mod meta;
#[cfg(feature = "mysql-server")]
mod mysql;
mod objects;
mod overload;
mod peers;
mod pipelines;
mod pitfalls;
mod prefixes;
mod protocol;
mod random;
mod rights;
mod session_state;
mod sessions;
mod shardctl;
mod transactions;
mod users;
