//! State on disk: a snapshot and the log of entries behind it, in one locked folder.

use crate::log::{Damaged, put_record, records};
use crate::state::{Entry, Outcome, State};
use catalog::Rejected;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Version of both files; a newer one is not read.
const FORMAT: u32 = 1;
/// Log bytes after which the state is written whole.
const LOG_BYTES_MAX: u64 = 4 << 20;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Another process has the folder.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// The file does not match its checksums.
    #[error("{path} is damaged: {what}. Nothing was loaded; restore the file from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Written by a newer version.
    #[error("{path} has format {found}, this version reads up to {FORMAT}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The change is refused; nothing was written.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    format: u32,
    body: T,
}

/// A state and its files.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    log: File,
    log_bytes: u64,
    /// The newest state; everything in it is synced.
    pub state: State,
    _lock: File,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError + '_ {
    move |error| StoreError::Io {
        path: path.to_path_buf(),
        error,
    }
}

impl Store {
    /// Opens the folder, which is made if it is not there.
    pub fn open(dir: &Path) -> Result<Store, StoreError> {
        std::fs::create_dir_all(dir).map_err(io(dir))?;
        let lock_path = dir.join("lock");
        let lock = File::create(&lock_path).map_err(io(&lock_path))?;
        lock.try_lock()
            .map_err(|_| StoreError::Locked(dir.to_path_buf()))?;
        let mut state = read_snapshot(&dir.join("snapshot"))?;
        let log_path = dir.join("log");
        let mut log = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&log_path)
            .map_err(io(&log_path))?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes).map_err(io(&log_path))?;
        let good = replay(&mut state, &bytes, &log_path)?;
        if good < bytes.len() {
            tracing::warn!(
                dropped_bytes = bytes.len() - good,
                "the log ends in an unfinished record"
            );
            log.set_len(good as u64).map_err(io(&log_path))?;
            log.sync_all().map_err(io(&log_path))?;
        }
        sync_dir(dir)?;
        let dir = dir.to_path_buf();
        Ok(Store {
            dir,
            log,
            log_bytes: good as u64,
            state,
            _lock: lock,
        })
    }

    /// Carries out an entry and makes it durable before anybody sees it.
    pub fn apply(&mut self, entry: &Entry) -> Result<Outcome, StoreError> {
        let mut next = self.state.clone();
        let outcome = next.apply(entry)?;
        let path = self.dir.join("log");
        let body = Versioned {
            format: FORMAT,
            body: (next.index, entry),
        };
        let json = serde_json::to_vec(&body).map_err(|e| damaged(&path, e))?;
        let mut record = Vec::with_capacity(json.len() + 8);
        put_record(&mut record, &json);
        if let Err(e) = self
            .log
            .write_all(&record)
            .and_then(|()| self.log.sync_data())
        {
            // Take back what may have been written, or the next record would stand behind rubbish.
            let _ = self.log.set_len(self.log_bytes);
            return Err(io(&path)(e));
        }
        self.log_bytes += record.len() as u64;
        self.state = next;
        if self.log_bytes > LOG_BYTES_MAX {
            self.compact()?;
        }
        Ok(outcome)
    }

    /// Writes the state whole and starts the log anew.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        let (path, tmp) = (self.dir.join("snapshot"), self.dir.join("snapshot.new"));
        let body = Versioned {
            format: FORMAT,
            body: &self.state,
        };
        let json = serde_json::to_vec(&body).map_err(|e| damaged(&path, e))?;
        let mut bytes = Vec::with_capacity(json.len() + 8);
        put_record(&mut bytes, &json);
        let mut file = File::create(&tmp).map_err(io(&tmp))?;
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .map_err(io(&tmp))?;
        std::fs::rename(&tmp, &path).map_err(io(&path))?;
        sync_dir(&self.dir)?;
        // Entries are numbered: a crash before this only replays what the snapshot already has.
        self.log
            .set_len(0)
            .and_then(|()| self.log.sync_all())
            .map_err(io(&self.dir.join("log")))?;
        self.log_bytes = 0;
        Ok(())
    }
}

fn damaged(path: &Path, what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged {
        path: path.to_path_buf(),
        what: what.to_string(),
    }
}

fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(io(dir))
}

fn decode<T: for<'de> Deserialize<'de>>(path: &Path, json: &[u8]) -> Result<T, StoreError> {
    #[derive(Deserialize)]
    struct OnlyFormat {
        format: u32,
    }
    let OnlyFormat { format } = serde_json::from_slice(json).map_err(|e| damaged(path, e))?;
    if format > FORMAT {
        return Err(StoreError::Newer {
            path: path.to_path_buf(),
            found: format,
        });
    }
    let v: Versioned<T> = serde_json::from_slice(json).map_err(|e| damaged(path, e))?;
    Ok(v.body)
}

fn read_snapshot(path: &Path) -> Result<State, StoreError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(State::default()),
        Err(e) => return Err(io(path)(e)),
    };
    match records(&bytes) {
        Ok((list, good)) if list.len() == 1 && good == bytes.len() => decode(path, list[0]),
        Ok(_) => Err(damaged(path, "it is cut short or its checksum is wrong")),
        Err(e) => Err(damaged(path, e)),
    }
}

fn replay(state: &mut State, bytes: &[u8], path: &Path) -> Result<usize, StoreError> {
    let (list, good) = records(bytes).map_err(|e: Damaged| damaged(path, e))?;
    for record in list {
        let (index, entry): (u64, Entry) = decode(path, record)?;
        if index <= state.index {
            continue;
        }
        if index != state.index + 1 {
            return Err(damaged(
                path,
                format!("entry {} is missing", state.index + 1),
            ));
        }
        state.apply(&entry).map_err(|e| damaged(path, e))?;
    }
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{Command, TableId};

    fn put(n: u32) -> Entry {
        let name = format!("s{n}");
        Entry::Change(Command::PutShard {
            name,
            host: "127.0.0.1".into(),
            port: 3306,
        })
    }

    fn temp(name: &str) -> PathBuf {
        let dir =
            std::env::temp_dir().join(format!("shardwright-store-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        dir
    }

    #[test]
    fn what_was_acknowledged_is_there_again() {
        let dir = temp("reopen");
        let want = {
            let mut s = Store::open(&dir).unwrap();
            for n in 0..10 {
                s.apply(&put(n)).unwrap();
            }
            s.compact().unwrap();
            s.apply(&Entry::Lease {
                table: TableId(3),
                at_least: 0,
                count: 100,
            })
            .unwrap();
            assert!(matches!(Store::open(&dir), Err(StoreError::Locked(_))));
            s.state.clone()
        };
        assert_eq!(Store::open(&dir).unwrap().state, want);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_torn_log_opens_and_a_damaged_one_does_not() {
        let dir = temp("torn");
        {
            let mut s = Store::open(&dir).unwrap();
            s.apply(&put(1)).unwrap();
            s.apply(&put(2)).unwrap();
        }
        let log = dir.join("log");
        let bytes = std::fs::read(&log).unwrap();
        std::fs::write(&log, &bytes[..bytes.len() - 3]).unwrap();
        assert_eq!(Store::open(&dir).unwrap().state.index, 1);
        let mut bad = bytes.clone();
        bad[12] ^= 1;
        std::fs::write(&log, &bad).unwrap();
        let e = Store::open(&dir).unwrap_err().to_string();
        assert!(e.contains("damaged") && e.contains("byte 0"), "{e}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
