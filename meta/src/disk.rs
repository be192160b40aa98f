//! What a node keeps on disk: a numbered log and named blobs. One trait, several engines.

mod redb_disk;
#[cfg(feature = "sled")]
mod sled_disk;

pub use redb_disk::RedbDisk;
#[cfg(feature = "sled")]
pub use sled_disk::SledDisk;

use std::path::{Path, PathBuf};

/// A disk that does not do what it is told.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub struct DiskError {
    /// The file or folder.
    pub path: PathBuf,
    /// What went wrong.
    pub what: String,
}

impl DiskError {
    /// With any text.
    pub fn new(path: &Path, what: impl std::fmt::Display) -> Self {
        Self {
            path: path.to_path_buf(),
            what: what.to_string(),
        }
    }
}

/// Result of everything here.
pub type DiskResult<T> = Result<T, DiskError>;

/// When a blob must be safe from a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// When the call returns.
    Now,
    /// With the next call that says `Now`.
    Later,
}

/// One node's log and blobs. Calls block; unless said otherwise, what a call wrote survives a power cut
/// from when it returns, and a call is done whole or not at all.
pub trait Disk: Send + Sync + 'static {
    /// Appends entries; their numbers follow each other.
    fn append(&self, entries: &[(u64, Vec<u8>)]) -> DiskResult<()>;

    /// Entries with numbers in `from..to`, ascending; numbers that are not there are left out.
    fn read(&self, from: u64, to: u64) -> DiskResult<Vec<(u64, Vec<u8>)>>;

    /// The last entry.
    fn last(&self) -> DiskResult<Option<(u64, Vec<u8>)>>;

    /// Drops entries from this number on.
    fn truncate(&self, from: u64) -> DiskResult<()>;

    /// Drops entries up to this number, and sets a blob with it.
    fn purge(&self, through: u64, name: &str, blob: &[u8]) -> DiskResult<()>;

    /// Sets a blob.
    fn put(&self, name: &str, blob: &[u8], durable: Durable) -> DiskResult<()>;

    /// A blob.
    fn get(&self, name: &str) -> DiskResult<Option<Vec<u8>>>;
}
