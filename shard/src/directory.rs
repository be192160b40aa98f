//! The shards of a process by name: how each is reached and how it is.

use crate::account::AccountBook;
use crate::health::Detail;
use crate::{InstanceHealth, Login, ServerKind};
use sql::Flavor;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A shard: how to reach it and how it is.
#[derive(Debug, Clone)]
pub struct ShardHandle {
    /// How to reach it with the process's own account; [`Login::with_account`] gives those of clients.
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
    /// The kind that all are of.
    pub kind: ServerKind,
    shards: RwLock<ShardMap>,
    version: AtomicU64,
    /// The sets of rights that have accounts there.
    pub accounts: Arc<AccountBook>,
}

impl ShardDirectory {
    /// With the shards that are known at the start, which are of this kind.
    pub fn new(
        shards: HashMap<String, ShardHandle>,
        kind: ServerKind,
        accounts: Arc<AccountBook>,
    ) -> Self {
        Self {
            kind,
            shards: RwLock::new(Arc::new(shards)),
            version: AtomicU64::new(0),
            accounts,
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

    /// What the servers that have answered can do all of them; what a usual one can, while none has.
    pub fn flavor(&self) -> Flavor {
        let shards = self.all();
        let known = shards.values().filter_map(|h| h.health.known());
        let all = known.map(|d| d.flavor).reduce(Flavor::and);
        all.unwrap_or_default()
    }

    /// The oldest server that has answered: clients are told its version, and sessions have its settings.
    pub fn oldest(&self) -> Option<Detail> {
        let shards = self.all();
        let known = shards.iter();
        let known = known.filter_map(|(name, h)| Some((name, h.health.known()?)));
        let oldest =
            known.min_by(|(a, x), (b, y)| (x.flavor.version, a).cmp(&(y.flavor.version, b)));
        oldest.map(|(_, detail)| detail)
    }
}
