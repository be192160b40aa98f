//! One worker: what the sessions of one thread share. Nothing here is ever touched by another thread.

pub(crate) mod in_use;
pub(crate) mod lock_waits;
mod pipelines;
mod pools;
pub(crate) mod questions;
mod texts;

use self::in_use::InUse;
use self::lock_waits::LockWaits;
use self::pipelines::Pipelines;
use self::pools::InstancePool;
use self::texts::Texts;
use crate::exec::merge::weights::Pads;
use crate::ids::IdBlocks;
use crate::plans::CachedPlan;
use crate::server::Shared;
use catalog::{Catalog, InstanceId};
use router::PlanCache;
use shard::Settings;
use shard::settings::Interner;
use sql::{Flavor, LexMode, Lexed};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Lexers that are kept for the next statements.
const LEXERS_MAX: usize = 64;
/// A worker.
pub(crate) struct Worker {
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// Its number.
    pub index: usize,
    catalog: RefCell<Arc<Catalog>>,
    pools: RefCell<HashMap<InstanceId, InstancePool>>,
    /// Statements that may be part of a deadlock over several shards.
    pub lock_waits: Rc<LockWaits>,
    /// The version of the shards' accounts and addresses that the pools are for.
    pools_of: Cell<u64>,
    pipelines: Pipelines,
    /// Plans by digest.
    pub plans: RefCell<PlanCache<CachedPlan>>,
    /// Equal settings are one value.
    pub interner: RefCell<Interner>,
    /// The catalogs that statements use.
    pub(crate) in_use: Rc<InUse>,
    /// Settings of a fresh connection.
    pub fresh: Rc<Settings>,
    /// AUTO_INCREMENT blocks.
    pub ids: IdBlocks,
    /// What is known of collations.
    pub pads: Pads,
    /// How version comments are read.
    pub flavor: Cell<Flavor>,
    default_mode: Cell<LexMode>,
    no_auto_value_on_zero: Cell<bool>,
    lexers: RefCell<Vec<Lexed>>,
    databases: RefCell<Vec<Rc<str>>>,
    known: Texts,
}

impl Worker {
    /// A worker with the newest catalog.
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Rc<Self> {
        let mut interner = Interner::default();
        let fresh = interner.intern(Settings::default());
        let catalog = shared.meta.watch().borrow().clone();
        let plan_bytes = shared.config.plan_cache_bytes;
        let worker = Rc::new(Self {
            index,
            catalog: RefCell::new(catalog),
            pools: RefCell::default(),
            lock_waits: Rc::default(),
            pools_of: Cell::new(shared.directory.version()),
            pipelines: Pipelines::default(),
            plans: RefCell::new(PlanCache::new(plan_bytes)),
            interner: RefCell::new(interner),
            in_use: Rc::default(),
            fresh,
            ids: IdBlocks::new(shared.meta.clone(), shared.given_ids.clone()),
            pads: Pads::default(),
            flavor: Cell::new(shared.flavor()),
            default_mode: Cell::default(),
            no_auto_value_on_zero: Cell::new(false),
            lexers: RefCell::default(),
            databases: RefCell::default(),
            known: Texts::default(),
            shared,
        });
        worker.shared.worker_reached(index, worker.epoch());
        worker.refresh_modes();
        worker
    }

    /// Follows the catalog and looks after the pools, for as long as the runtime lives.
    pub(crate) fn start_tasks(self: Rc<Self>, interval: Duration) {
        let worker = self.clone();
        tokio::task::spawn_local(async move {
            let mut news = worker.shared.meta.watch();
            while news.changed().await.is_ok() {
                let catalog = news.borrow_and_update().clone();
                worker.set_catalog(catalog);
            }
        });
        let worker = self;
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(interval).await;
                worker.housekeeping();
            }
        });
    }

    /// Plans against another catalog from now on, unless it is older.
    pub(crate) fn set_catalog(&self, catalog: Arc<Catalog>) {
        if catalog.epoch > self.catalog.borrow().epoch {
            self.drop_moved_instances(&catalog);
            self.shared.worker_reached(self.index, catalog.epoch);
            *self.catalog.borrow_mut() = catalog;
            self.plans.borrow_mut().clear();
        }
    }

    /// The catalog that statements are planned against.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.catalog.borrow().clone()
    }

    /// Its epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.catalog.borrow().epoch
    }

    fn refresh_modes(&self) {
        self.flavor.set(self.shared.flavor());
        let mode = self.shared.default_sql_mode();
        self.default_mode.set(LexMode::from_sql_mode(&mode));
        self.no_auto_value_on_zero
            .set(mode.contains("NO_AUTO_VALUE_ON_ZERO"));
    }

    /// How text of a session with the servers' own sql_mode is read, and NO_AUTO_VALUE_ON_ZERO.
    pub(crate) fn default_mode(&self) -> (LexMode, bool) {
        (self.default_mode.get(), self.no_auto_value_on_zero.get())
    }

    fn housekeeping(&self) {
        self.refresh_modes();
        let idle_ms = self.shared.config.idle_timeout_s.saturating_mul(1000);
        self.shared.registry.end_idle(self.index, idle_ms);
        self.close_idle_connections();
        self.publish_counts();
    }

    /// What only this thread can count, for whoever asks for metrics.
    fn publish_counts(&self) {
        let (m, mut plans) = (&self.shared.metrics, self.plans.borrow_mut());
        m.plan_cache_hits.inc_by(std::mem::take(&mut plans.hits));
        let misses = std::mem::take(&mut plans.misses);
        m.plan_cache_misses.inc_by(misses);
        let catalog = self.catalog();
        let named = |(id, counts)| (catalog.shard_name(id).to_string(), counts);
        let pools = self.pool_counts().into_iter().map(named);
        self.shared.pools.publish(self.index, pools.collect());
    }

    /// A lexer to fill; give it back with [`Self::put_lexer`].
    pub(crate) fn take_lexer(&self) -> Lexed {
        self.lexers.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes a lexer back; one that grew large is dropped.
    pub(crate) fn put_lexer(&self, lexed: Lexed) {
        let mut all = self.lexers.borrow_mut();
        if all.len() < LEXERS_MAX && lexed.tokens.capacity() < 10_000 {
            all.push(lexed);
        }
    }

    /// One value for equal database names.
    pub(crate) fn database_name(&self, name: &str) -> Rc<str> {
        let mut all = self.databases.borrow_mut();
        if let Some(d) = all.iter().find(|d| &***d == name) {
            return d.clone();
        }
        all.retain(|d| Rc::strong_count(d) > 1);
        let d: Rc<str> = name.into();
        all.push(d.clone());
        d
    }

    /// Interns settings.
    pub(crate) fn intern(&self, settings: Settings) -> Rc<Settings> {
        self.interner.borrow_mut().intern(settings)
    }
}
