//! The shards of a process by name: how each is reached and how it is.

use crate::{InstanceHealth, Login};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A shard: how to reach it and how it is.
#[derive(Debug, Clone)]
pub struct ShardHandle {
    /// How to reach it, for statements on rows.
    pub login: Login,
    /// How to reach it to change structure, if another account does that.
    pub manager: Option<Login>,
    /// What the last check of it saw; shared by everybody who holds the handle.
    pub health: Arc<InstanceHealth>,
}

impl ShardHandle {
    /// The account that may do most there: the manager's, or the only one.
    pub fn strongest(&self) -> &Login {
        self.manager.as_ref().unwrap_or(&self.login)
    }
}

/// Shards by name, as they were at one moment.
pub type ShardMap = Arc<HashMap<String, ShardHandle>>;

/// The shards by name, as they are now. Written when one is added, moves, or is reached with another
/// account; read by every worker.
#[derive(Debug, Default)]
pub struct ShardDirectory {
    shards: RwLock<ShardMap>,
    version: AtomicU64,
}

impl ShardDirectory {
    /// With the shards that are known at the start.
    pub fn new(shards: HashMap<String, ShardHandle>) -> Self {
        Self {
            shards: RwLock::new(Arc::new(shards)),
            version: AtomicU64::new(0),
        }
    }

    /// The shards of this moment.
    pub fn all(&self) -> ShardMap {
        self.shards
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Adds a shard, or replaces the handle of the name.
    pub fn put(&self, name: &str, handle: ShardHandle) {
        let mut shards = self.shards.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut shards).insert(name.to_string(), handle);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The version of a server that has answered: what clients are shown, and how version comments are
    /// read.
    pub fn server_version(&self) -> String {
        let known = |h: &ShardHandle| Some(h.health.detail().version).filter(|v| !v.is_empty());
        self.all()
            .values()
            .find_map(known)
            .unwrap_or_else(|| "10.11.0-MariaDB".to_string())
    }
}
