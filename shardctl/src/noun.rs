//! One file for each noun of the command line: its verbs, what they ask, how the answer is shown.

pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod database;
pub(crate) mod inspect;
pub(crate) mod proxy;
pub(crate) mod rule;
pub(crate) mod sequence;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod shard;
pub(crate) mod table;
pub(crate) mod user;
pub(crate) mod version;
