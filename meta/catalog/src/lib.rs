//! The catalog: shards, databases, tables, how rows are placed, and the jobs that change it.
//!
//! Layer 0, pure: values and functions over them. A catalog is immutable and has an epoch; a change
//! is a typed [`Command`] that makes the next catalog or says why not. No clock, no randomness and no
//! I/O here, so that every node of the metadata service computes the same.

pub mod command;
pub mod definition;
pub mod earlier;
pub mod function;
pub mod group;
pub mod incarnation;
pub mod job;
pub mod key;
pub mod model;
pub mod record;
pub mod rights_set;
pub mod settings;
pub mod shard;
pub mod slot;
pub mod state;
mod stored;
pub mod temporal;
pub mod text;
pub mod user;

pub use command::{Command, Redefined, Rejected};
pub use definition::TableDefinition;
pub use function::{Function, FunctionKind, NoPartition, RangeBound, Upper};
pub use group::{Partition, PartitionId, Sharding, TableGroup};
pub use incarnation::{Fence, Incarnation, PeerPort, Registration};
pub use job::{Job, JobId, JobKind, NewJob, NewJobKind, ShardProgress};
pub use key::{KeyType, KeyValue, Unroutable, Use};
pub use model::{
    AutoIncrement, Catalog, Database, GroupId, KeyColumn, PendingRule, Placement, ShardId, Table,
    TableId, TableName,
};
pub use record::TableRecord;
pub use rights_set::RightsSet;
pub use shard::{Instance, InstanceId, Role, Shard};
pub use state::{Answer, Change, Proposal, State};
pub use text::TextRule;
pub use user::{Right, Rights, User, Verifiers};
