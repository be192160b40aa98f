//! The default engine: redb, one file, copy-on-write, fsync on commit.

use super::{Disk, DiskError, DiskResult, Durable};
use redb::{
    Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};
use std::path::{Path, PathBuf};

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const BLOBS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("blobs");

/// A log and blobs in a redb file.
pub struct RedbDisk {
    path: PathBuf,
    db: Database,
}

impl RedbDisk {
    /// Opens the file, which is made if it is not there. One process at a time.
    pub fn open(path: &Path) -> DiskResult<Self> {
        let db = Database::create(path).map_err(|e| match e {
            DatabaseError::DatabaseAlreadyOpen => {
                DiskError::new(path, "it is in use by another process")
            }
            other => DiskError::new(path, other),
        })?;
        Self::over(db, path)
    }

    /// Over a database of any backend; `path` is for messages.
    pub fn over(db: Database, path: &Path) -> DiskResult<Self> {
        let disk = Self {
            path: path.to_path_buf(),
            db,
        };
        // Both tables exist from here on, so that readers need not ask.
        disk.write(Durable::Now, |_, _| Ok(()))?;
        Ok(disk)
    }

    fn error(&self, e: impl std::fmt::Display) -> DiskError {
        DiskError::new(&self.path, e)
    }

    fn write(
        &self,
        durable: Durable,
        change: impl FnOnce(&mut LogTable<'_>, &mut BlobTable<'_>) -> Result<(), redb::StorageError>,
    ) -> DiskResult<()> {
        let mut tx = self.db.begin_write().map_err(|e| self.error(e))?;
        if durable == Durable::Later {
            tx.set_durability(Durability::None)
                .map_err(|e| self.error(e))?;
        }
        self.change(&tx, change)?;
        tx.commit().map_err(|e| self.error(e))
    }

    fn change(
        &self,
        tx: &WriteTransaction,
        change: impl FnOnce(&mut LogTable<'_>, &mut BlobTable<'_>) -> Result<(), redb::StorageError>,
    ) -> DiskResult<()> {
        let mut log = tx.open_table(LOG).map_err(|e| self.error(e))?;
        let mut blobs = tx.open_table(BLOBS).map_err(|e| self.error(e))?;
        change(&mut log, &mut blobs).map_err(|e| self.error(e))
    }
}

type LogTable<'a> = redb::Table<'a, u64, &'static [u8]>;
type BlobTable<'a> = redb::Table<'a, &'static str, &'static [u8]>;

impl Disk for RedbDisk {
    fn append(&self, entries: &[(u64, Vec<u8>)]) -> DiskResult<()> {
        self.write(Durable::Now, |log, _| {
            for (n, bytes) in entries {
                log.insert(*n, bytes.as_slice())?;
            }
            Ok(())
        })
    }

    fn read(&self, from: u64, to: u64) -> DiskResult<Vec<(u64, Vec<u8>)>> {
        if from >= to {
            return Ok(Vec::new());
        }
        let tx = self.db.begin_read().map_err(|e| self.error(e))?;
        let log = tx.open_table(LOG).map_err(|e| self.error(e))?;
        let mut out = Vec::new();
        for row in log.range(from..to).map_err(|e| self.error(e))? {
            let (n, bytes) = row.map_err(|e| self.error(e))?;
            out.push((n.value(), bytes.value().to_vec()));
        }
        Ok(out)
    }

    fn last(&self) -> DiskResult<Option<(u64, Vec<u8>)>> {
        let tx = self.db.begin_read().map_err(|e| self.error(e))?;
        let log = tx.open_table(LOG).map_err(|e| self.error(e))?;
        let last = log.last().map_err(|e| self.error(e))?;
        Ok(last.map(|(n, bytes)| (n.value(), bytes.value().to_vec())))
    }

    fn truncate(&self, from: u64) -> DiskResult<()> {
        self.write(Durable::Now, |log, _| log.retain_in(from.., |_, _| false))
    }

    fn purge(&self, through: u64, name: &str, blob: &[u8]) -> DiskResult<()> {
        self.write(Durable::Now, |log, blobs| {
            log.retain_in(..=through, |_, _| false)?;
            blobs.insert(name, blob).map(drop)
        })
    }

    fn put(&self, name: &str, blob: &[u8], durable: Durable) -> DiskResult<()> {
        self.write(durable, |_, blobs| blobs.insert(name, blob).map(drop))
    }

    fn get(&self, name: &str) -> DiskResult<Option<Vec<u8>>> {
        let tx = self.db.begin_read().map_err(|e| self.error(e))?;
        let blobs = tx.open_table(BLOBS).map_err(|e| self.error(e))?;
        let found = blobs.get(name).map_err(|e| self.error(e))?;
        Ok(found.map(|b| b.value().to_vec()))
    }
}
