//! The state machine on a node: it applies what is committed, tells watchers, and writes snapshots.

use super::log_store::{blocking, decode, encode};
use super::{LogEntry, LogId, StorageError, TypeConfig};
use crate::disk::{Disk, DiskError, DiskResult, Durable};
use catalog::{Answer, Catalog, Change, Command, State};
use openraft::storage::{RaftStateMachine, Snapshot};
use openraft::{
    AnyError, BasicNode, EntryPayload, ErrorSubject, ErrorVerb, OptionalSend, RaftSnapshotBuilder,
    SnapshotMeta, StorageIOError, StoredMembership,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::io::Cursor;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

const SNAPSHOT: &str = "snapshot";
/// Catalog changes kept for watchers; one that is further behind gets the whole catalog.
const CHANGES_KEPT: usize = 4_096;

type Membership = StoredMembership<u64, BasicNode>;

#[derive(Serialize, Deserialize)]
struct Stored {
    meta: SnapshotMeta<u64, BasicNode>,
    state: State,
}

/// What is applied, and where that is in the log.
#[derive(Debug, Clone, Default)]
struct Applied {
    last: Option<LogId>,
    membership: Membership,
    state: State,
}

/// What a watcher gets.
#[derive(Debug, Clone)]
pub enum News {
    /// The changes behind the epoch it has, in order.
    Changes(Vec<Command>),
    /// The whole catalog: its epoch is too old for changes, or unknown here.
    Whole(Arc<Catalog>),
}

struct Inner {
    applied: Mutex<Applied>,
    /// Changes with the epoch that each led to.
    changes: Mutex<VecDeque<(u64, Command)>>,
    catalog: watch::Sender<Arc<Catalog>>,
}

/// A handle on the state machine.
#[derive(Clone)]
pub struct Machine {
    disk: Arc<dyn Disk>,
    inner: Arc<Inner>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // States are replaced whole or changed by code without panics.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(subject: ErrorSubject<u64>, verb: ErrorVerb, e: DiskError) -> StorageError {
    StorageIOError::new(subject, verb, AnyError::new(&e)).into()
}

impl Machine {
    /// From the last snapshot on disk; Raft applies the log behind it again.
    pub fn open(disk: Arc<dyn Disk>) -> DiskResult<Self> {
        let applied = match disk.get(SNAPSHOT)? {
            Some(bytes) => {
                let stored: Stored = decode(SNAPSHOT, &bytes)?;
                Applied {
                    last: stored.meta.last_log_id,
                    membership: stored.meta.last_membership,
                    state: stored.state,
                }
            }
            None => Applied::default(),
        };
        let catalog = Arc::new(applied.state.catalog.clone());
        let inner = Inner {
            applied: Mutex::new(applied),
            changes: Mutex::default(),
            catalog: watch::Sender::new(catalog),
        };
        Ok(Self {
            disk,
            inner: Arc::new(inner),
        })
    }

    /// The applied state.
    pub fn state(&self) -> State {
        lock(&self.inner.applied).state.clone()
    }

    /// Looks at the applied state.
    pub fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.inner.applied).state)
    }

    /// The applied catalog, and news of later ones.
    pub fn watch(&self) -> watch::Receiver<Arc<Catalog>> {
        self.inner.catalog.subscribe()
    }

    /// What somebody lacks who has the catalog of `epoch`; `None` if nothing.
    pub fn news_since(&self, epoch: u64) -> Option<News> {
        let now = self.inner.catalog.borrow().clone();
        if now.epoch == epoch {
            return None;
        }
        let changes = lock(&self.inner.changes);
        let first = changes.front().map(|(e, _)| *e);
        let last = changes.back().map(|(e, _)| *e);
        if epoch < now.epoch && first.is_some_and(|f| f <= epoch + 1) && last == Some(now.epoch) {
            let news = changes.iter().filter(|(e, _)| *e > epoch);
            return Some(News::Changes(news.map(|(_, c)| c.clone()).collect()));
        }
        Some(News::Whole(now))
    }

    fn apply_one(&self, entry: LogEntry) -> Answer {
        let mut applied = lock(&self.inner.applied);
        applied.last = Some(entry.log_id);
        let before = applied.state.catalog.epoch;
        match entry.payload {
            EntryPayload::Blank => Answer::Done { epoch: before },
            EntryPayload::Membership(m) => {
                applied.membership = StoredMembership::new(Some(entry.log_id), m);
                Answer::Done { epoch: before }
            }
            EntryPayload::Normal(proposal) => {
                let answer = applied.state.apply(&proposal);
                let now = applied.state.catalog.epoch;
                if now != before {
                    let mut changes = lock(&self.inner.changes);
                    match proposal.change {
                        Change::Catalog(command) => {
                            changes.push_back((now, command));
                            if changes.len() > CHANGES_KEPT {
                                changes.pop_front();
                            }
                        }
                        // The catalog was replaced whole.
                        _ => changes.clear(),
                    }
                    drop(changes);
                    self.publish(&applied.state.catalog);
                }
                answer
            }
        }
    }

    fn publish(&self, catalog: &Catalog) {
        self.inner.catalog.send_replace(Arc::new(catalog.clone()));
    }

    fn stored(&self) -> Stored {
        let applied = lock(&self.inner.applied).clone();
        let id = match &applied.last {
            Some(l) => format!("{}-{}-{}", l.leader_id.term, l.leader_id.node_id, l.index),
            None => "empty".to_string(),
        };
        let meta = SnapshotMeta {
            last_log_id: applied.last,
            last_membership: applied.membership,
            snapshot_id: id,
        };
        Stored {
            meta,
            state: applied.state,
        }
    }

    async fn save(&self, bytes: Vec<u8>) -> DiskResult<()> {
        blocking(&self.disk, move |d| d.put(SNAPSHOT, &bytes, Durable::Now)).await
    }
}

impl RaftSnapshotBuilder<TypeConfig> for Machine {
    async fn build_snapshot(&mut self) -> Result<Snapshot<TypeConfig>, StorageError> {
        let build = async {
            let stored = self.stored();
            let meta = stored.meta.clone();
            let bytes = tokio::task::spawn_blocking(move || encode(SNAPSHOT, &stored)).await;
            let bytes = bytes.map_err(|e| DiskError::new(SNAPSHOT.as_ref(), e))??;
            self.save(bytes.clone()).await?;
            Ok(Snapshot {
                meta,
                snapshot: Box::new(Cursor::new(bytes)),
            })
        };
        let built: DiskResult<_> = build.await;
        built.map_err(|e| failed(ErrorSubject::Snapshot(None), ErrorVerb::Write, e))
    }
}

impl RaftStateMachine<TypeConfig> for Machine {
    type SnapshotBuilder = Machine;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership), StorageError> {
        let applied = lock(&self.inner.applied);
        Ok((applied.last, applied.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Answer>, StorageError>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        Ok(entries.into_iter().map(|e| self.apply_one(e)).collect())
    }

    async fn get_snapshot_builder(&mut self) -> Machine {
        self.clone()
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, StorageError> {
        Ok(Box::new(Cursor::new(Vec::new())))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, BasicNode>,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError> {
        let install = async {
            let bytes = snapshot.into_inner();
            // Read and saved whole before anything of it is used.
            let mut stored: Stored = decode("a snapshot from the leader", &bytes)?;
            stored.meta = meta.clone();
            self.save(encode(SNAPSHOT, &stored)?).await?;
            let mut applied = lock(&self.inner.applied);
            *applied = Applied {
                last: meta.last_log_id,
                membership: meta.last_membership.clone(),
                state: stored.state,
            };
            lock(&self.inner.changes).clear();
            self.publish(&applied.state.catalog);
            Ok(())
        };
        let done: DiskResult<()> = install.await;
        let subject = ErrorSubject::Snapshot(Some(meta.signature()));
        done.map_err(|e| failed(subject, ErrorVerb::Write, e))
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<TypeConfig>>, StorageError> {
        let read = async {
            let Some(bytes) = blocking(&self.disk, |d| d.get(SNAPSHOT)).await? else {
                return Ok(None);
            };
            let stored: Stored = decode(SNAPSHOT, &bytes)?;
            Ok(Some(Snapshot {
                meta: stored.meta,
                snapshot: Box::new(Cursor::new(bytes)),
            }))
        };
        let read: DiskResult<_> = read.await;
        read.map_err(|e| failed(ErrorSubject::Snapshot(None), ErrorVerb::Read, e))
    }
}
