//! The engine of the cargo feature `sled`. Its flush does not fsync, so the files are synced behind it.

use super::{Disk, DiskError, DiskResult, Durable};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A log and blobs in a sled folder.
pub struct SledDisk {
    path: PathBuf,
    db: sled::Db,
    log: sled::Tree,
    blobs: sled::Tree,
}

impl SledDisk {
    /// Opens the folder, which is made if it is not there. One process at a time.
    pub fn open(path: &Path) -> DiskResult<Self> {
        let error = |e: sled::Error| DiskError::new(path, e);
        // No flushing in the background: every call below flushes and syncs itself.
        let db = sled::Config::new()
            .path(path)
            .flush_every_ms(None)
            .open()
            .map_err(error)?;
        let (log, blobs) = (
            db.open_tree("log").map_err(error)?,
            db.open_tree("blobs").map_err(error)?,
        );
        let disk = Self {
            path: path.to_path_buf(),
            db,
            log,
            blobs,
        };
        disk.sync()?;
        Ok(disk)
    }

    fn error(&self, e: impl std::fmt::Display) -> DiskError {
        DiskError::new(&self.path, e)
    }

    fn sync(&self) -> DiskResult<()> {
        self.db.flush().map_err(|e| self.error(e))?;
        for entry in std::fs::read_dir(&self.path).map_err(|e| self.error(e))? {
            let path = entry.map_err(|e| self.error(e))?.path();
            File::open(&path)
                .and_then(|f| f.sync_all())
                .map_err(|e| DiskError::new(&path, e))?;
        }
        File::open(&self.path)
            .and_then(|d| d.sync_all())
            .map_err(|e| self.error(e))
    }

    fn number(&self, key: &[u8]) -> DiskResult<u64> {
        let bytes = key
            .try_into()
            .map_err(|_| self.error("a key of the log is damaged"))?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn drop_range(&self, from: u64, through: u64, batch: &mut sled::Batch) -> DiskResult<()> {
        for row in self.log.range(from.to_be_bytes()..=through.to_be_bytes()) {
            batch.remove(row.map_err(|e| self.error(e))?.0);
        }
        Ok(())
    }
}

impl Disk for SledDisk {
    fn append(&self, entries: &[(u64, Vec<u8>)]) -> DiskResult<()> {
        let mut batch = sled::Batch::default();
        for (n, bytes) in entries {
            batch.insert(&n.to_be_bytes(), bytes.as_slice());
        }
        self.log.apply_batch(batch).map_err(|e| self.error(e))?;
        self.sync()
    }

    fn read(&self, from: u64, to: u64) -> DiskResult<Vec<(u64, Vec<u8>)>> {
        let mut out = Vec::new();
        if from < to {
            for row in self.log.range(from.to_be_bytes()..to.to_be_bytes()) {
                let (n, bytes) = row.map_err(|e| self.error(e))?;
                out.push((self.number(&n)?, bytes.to_vec()));
            }
        }
        Ok(out)
    }

    fn last(&self) -> DiskResult<Option<(u64, Vec<u8>)>> {
        match self.log.last().map_err(|e| self.error(e))? {
            Some((n, bytes)) => Ok(Some((self.number(&n)?, bytes.to_vec()))),
            None => Ok(None),
        }
    }

    fn truncate(&self, from: u64) -> DiskResult<()> {
        let mut batch = sled::Batch::default();
        self.drop_range(from, u64::MAX, &mut batch)?;
        self.log.apply_batch(batch).map_err(|e| self.error(e))?;
        self.sync()
    }

    fn purge(&self, through: u64, name: &str, blob: &[u8]) -> DiskResult<()> {
        // The mark first: entries that stay below it are only space, missing ones above it a hole.
        self.blobs.insert(name, blob).map_err(|e| self.error(e))?;
        self.sync()?;
        let mut batch = sled::Batch::default();
        self.drop_range(0, through, &mut batch)?;
        self.log.apply_batch(batch).map_err(|e| self.error(e))?;
        self.sync()
    }

    fn put(&self, name: &str, blob: &[u8], durable: Durable) -> DiskResult<()> {
        self.blobs.insert(name, blob).map_err(|e| self.error(e))?;
        if durable == Durable::Now {
            self.sync()
        } else {
            Ok(())
        }
    }

    fn get(&self, name: &str) -> DiskResult<Option<Vec<u8>>> {
        let found = self.blobs.get(name).map_err(|e| self.error(e))?;
        Ok(found.map(|b| b.to_vec()))
    }
}
