//! openraft, behind our own types: nothing outside this crate knows which Raft it is.

pub mod log_store;
pub mod machine;
pub mod network;

use catalog::{Answer, Proposal};
use std::io::Cursor;
use std::time::Duration;

openraft::declare_raft_types!(
    /// What is replicated and how.
    pub TypeConfig:
        D = Proposal,
        R = Answer,
        NodeId = u64,
        Node = openraft::BasicNode,
);

/// A running Raft.
pub type Raft = openraft::Raft<TypeConfig>;
/// Its errors of storage.
pub type StorageError = openraft::StorageError<u64>;
/// Place of an entry in the log.
pub type LogId = openraft::LogId<u64>;
/// A term and who leads it.
pub type Vote = openraft::Vote<u64>;
/// An entry of the log: a proposal, a change of members, or nothing, which a new leader writes.
pub type LogEntry = openraft::Entry<TypeConfig>;

/// Time between heartbeats. A fail-over takes the election time-out and a vote: below 3 s.
const HEARTBEAT: Duration = Duration::from_millis(200);
/// Shortest and longest silence after which a follower stands for election.
const ELECTION: [Duration; 2] = [Duration::from_millis(700), Duration::from_millis(1_200)];
/// Entries after which the state is written whole and the log shortened.
const SNAPSHOT_EVERY: u64 = 5_000;
/// Entries kept behind a snapshot, so that a node that was away briefly needs no snapshot.
const KEPT_ENTRIES: u64 = 1_000;
/// Bytes of a snapshot in one message.
const SNAPSHOT_CHUNK_BYTES: u64 = 1 << 20;

/// The settings of Raft.
pub fn config() -> Result<openraft::Config, String> {
    openraft::Config {
        cluster_name: "shardwright".to_string(),
        heartbeat_interval: HEARTBEAT.as_millis() as u64,
        election_timeout_min: ELECTION[0].as_millis() as u64,
        election_timeout_max: ELECTION[1].as_millis() as u64,
        snapshot_policy: openraft::SnapshotPolicy::LogsSinceLast(SNAPSHOT_EVERY),
        max_in_snapshot_log_to_keep: KEPT_ENTRIES,
        snapshot_max_chunk_size: SNAPSHOT_CHUNK_BYTES,
        install_snapshot_timeout: 5_000,
        max_payload_entries: 500,
        ..Default::default()
    }
    .validate()
    .map_err(|e| e.to_string())
}
