//! The Raft log, the vote and the committed place, on a [`Disk`].

use super::{LogEntry, LogId, StorageError, TypeConfig, Vote};
use crate::disk::{Disk, DiskError, DiskResult, Durable};
use crate::sealed::{seal, unseal};
use openraft::StorageIOError;
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{AnyError, ErrorSubject, ErrorVerb, LogState, OptionalSend, RaftLogReader};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::Arc;

const VOTE: &str = "vote";
const COMMITTED: &str = "committed";
const PURGED: &str = "purged";

/// The log of one node.
#[derive(Clone)]
pub struct LogStore(pub Arc<dyn Disk>);

fn failed(subject: ErrorSubject<u64>, verb: ErrorVerb, e: DiskError) -> StorageError {
    StorageIOError::new(subject, verb, AnyError::new(&e)).into()
}

/// Runs what blocks on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    disk: &Arc<dyn Disk>,
    call: impl FnOnce(&dyn Disk) -> DiskResult<T> + Send + 'static,
) -> DiskResult<T> {
    let disk = disk.clone();
    tokio::task::spawn_blocking(move || call(&*disk))
        .await
        .unwrap_or_else(|e| Err(DiskError::new(Path::new("metadata"), e)))
}

pub(super) fn encode<T: Serialize>(name: &str, value: &T) -> DiskResult<Vec<u8>> {
    seal(value).map_err(|e| DiskError::new(Path::new(name), e))
}

pub(super) fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> DiskResult<T> {
    unseal(bytes).map_err(|e| DiskError::new(Path::new(name), e))
}

impl LogStore {
    async fn get<T: DeserializeOwned + Send + 'static>(
        &self,
        name: &'static str,
    ) -> DiskResult<Option<T>> {
        let bytes = blocking(&self.0, move |d| d.get(name)).await?;
        bytes.map(|b| decode(name, &b)).transpose()
    }

    async fn put<T: Serialize>(
        &self,
        name: &'static str,
        value: &T,
        durable: Durable,
    ) -> DiskResult<()> {
        let bytes = encode(name, value)?;
        blocking(&self.0, move |d| d.put(name, &bytes, durable)).await
    }

    /// A node that led when it ended stands for election again. Raft would let it go on leading in the
    /// same term, and it would answer reads by what it knows to be committed from its disk, which may be
    /// less than what it acknowledged: a new leader commits an entry of its own first.
    pub async fn lead_no_more(&self, id: u64) -> DiskResult<()> {
        let vote: Option<Vote> = self.get(VOTE).await?;
        match vote {
            Some(mut v) if v.committed && v.leader_id().voted_for() == Some(id) => {
                v.committed = false;
                self.put(VOTE, &v, Durable::Now).await
            }
            _ => Ok(()),
        }
    }

    async fn read(&self, from: u64, to: u64) -> DiskResult<Vec<LogEntry>> {
        let rows = blocking(&self.0, move |d| d.read(from, to)).await?;
        let entry = |(n, b): (u64, Vec<u8>)| decode(&format!("log entry {n}"), &b);
        rows.into_iter().map(entry).collect()
    }
}

fn bounds(range: impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(n) => *n,
        Bound::Excluded(n) => n.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(n) => n.saturating_add(1),
        Bound::Excluded(n) => *n,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<LogEntry>, StorageError> {
        let (from, to) = bounds(range);
        let read = self.read(from, to).await;
        read.map_err(|e| failed(ErrorSubject::Logs, ErrorVerb::Read, e))
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        let read = async {
            let purged: Option<LogId> = self.get(PURGED).await?;
            let last = match blocking(&self.0, |d| d.last()).await? {
                Some((n, b)) => Some(decode::<LogEntry>(&format!("log entry {n}"), &b)?.log_id),
                None => None,
            };
            Ok(LogState {
                last_purged_log_id: purged,
                // After a purge that took everything, or one that a crash cut in two.
                last_log_id: last.max(purged),
            })
        };
        let read: DiskResult<_> = read.await;
        read.map_err(|e| failed(ErrorSubject::Logs, ErrorVerb::Read, e))
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let put = self.put(VOTE, vote, Durable::Now).await;
        put.map_err(|e| failed(ErrorSubject::Vote, ErrorVerb::Write, e))
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        let got = self.get(VOTE).await;
        got.map_err(|e| failed(ErrorSubject::Vote, ErrorVerb::Read, e))
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        // Only to be quick after a restart: a leader finds out again what is committed.
        let put = self.put(COMMITTED, &committed, Durable::Later).await;
        put.map_err(|e| failed(ErrorSubject::Store, ErrorVerb::Write, e))
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        let got = self.get::<Option<LogId>>(COMMITTED).await;
        let got = got.map_err(|e| failed(ErrorSubject::Store, ErrorVerb::Read, e))?;
        Ok(got.flatten())
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: LogFlushed<TypeConfig>,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let rows: DiskResult<Vec<_>> = entries
            .into_iter()
            .map(|e| Ok((e.log_id.index, encode("log entry", &e)?)))
            .collect();
        let rows = rows.map_err(|e| failed(ErrorSubject::Logs, ErrorVerb::Write, e))?;
        // The callback tells others that the entries are safe, so it comes after the sync.
        match blocking(&self.0, move |d| d.append(&rows)).await {
            Ok(()) => {
                callback.log_io_completed(Ok(()));
                Ok(())
            }
            Err(e) => {
                callback.log_io_completed(Err(std::io::Error::other(e.to_string())));
                Err(failed(ErrorSubject::Logs, ErrorVerb::Write, e))
            }
        }
    }

    async fn truncate(&mut self, from: LogId) -> Result<(), StorageError> {
        let done = blocking(&self.0, move |d| d.truncate(from.index)).await;
        done.map_err(|e| failed(ErrorSubject::Log(from), ErrorVerb::Delete, e))
    }

    async fn purge(&mut self, through: LogId) -> Result<(), StorageError> {
        let purge = async {
            let mark = encode(PURGED, &through)?;
            blocking(&self.0, move |d| d.purge(through.index, PURGED, &mark)).await
        };
        let done: DiskResult<()> = purge.await;
        done.map_err(|e| failed(ErrorSubject::Log(through), ErrorVerb::Delete, e))
    }
}
