//! One worker: what the sessions of one thread share. Nothing here is ever touched by another thread.

use crate::ids::IdBlocks;
use crate::plans::CachedPlan;
use crate::server::Shared;
use catalog::{Catalog, Shard, ShardId};
use router::PlanCache;
use shard::settings::Interner;
use shard::{ConnClass, Pipeline, PoolLimits, Settings, ShardError, ShardPool};
use sql::{Flavor, LexMode, Lexed};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Lexers that are kept for the next statements.
const LEXERS_MAX: usize = 64;
/// SET texts that a shard has accepted and that need not be asked about again.
const ACCEPTED_SETS_MAX: usize = 1_000;
/// Texts of prepared statements that are known by number.
const TEXTS_MAX: usize = 20_000;

/// Prepared statements whose columns are known without asking a shard.
const DEFINITIONS_MAX: usize = 4_000;

/// Shared connections to one shard for sessions with equal settings.
struct SharedKind {
    shard: ShardId,
    class: ConnClass,
    settings: Rc<Settings>,
    database: Option<Rc<str>>,
    pipes: Vec<Rc<Pipeline>>,
    connecting: bool,
}

/// A worker.
pub struct Worker {
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// Its number.
    pub index: usize,
    catalog: RefCell<Arc<Catalog>>,
    pools: RefCell<HashMap<ShardId, Rc<ShardPool>>>,
    /// The version of the shards' accounts and addresses that the pools are for.
    pools_of: Cell<u64>,
    kinds: RefCell<Vec<SharedKind>>,
    /// Plans by digest.
    pub plans: RefCell<PlanCache<CachedPlan>>,
    /// Equal settings are one value.
    pub interner: RefCell<Interner>,
    /// Settings of a fresh connection.
    pub fresh: Rc<Settings>,
    /// AUTO_INCREMENT blocks.
    pub ids: IdBlocks,
    /// How version comments are read.
    pub flavor: Cell<Flavor>,
    default_mode: Cell<LexMode>,
    no_auto_value_on_zero: Cell<bool>,
    lexers: RefCell<Vec<Lexed>>,
    databases: RefCell<Vec<Rc<str>>>,
    accepted_sets: RefCell<std::collections::HashSet<String>>,
    texts: RefCell<HashMap<Rc<[u8]>, u64>>,
    next_text: Cell<u64>,
    definitions: RefCell<(u64, HashMap<u64, Rc<wire::prepare::Prepared>>)>,
}

impl Worker {
    /// A worker with the newest catalog.
    pub fn new(shared: Arc<Shared>, index: usize) -> Rc<Self> {
        let mut interner = Interner::default();
        let fresh = interner.intern(Settings::default());
        let catalog = shared.meta.watch().borrow().clone();
        let plan_bytes = shared.config.plan_cache_bytes;
        let worker = Rc::new(Self {
            index,
            catalog: RefCell::new(catalog),
            pools: RefCell::default(),
            pools_of: Cell::new(shared.directory.version()),
            kinds: RefCell::default(),
            plans: RefCell::new(PlanCache::new(plan_bytes)),
            interner: RefCell::new(interner),
            fresh,
            ids: IdBlocks::new(shared.meta.clone()),
            flavor: Cell::new(shared.flavor()),
            default_mode: Cell::default(),
            no_auto_value_on_zero: Cell::new(false),
            lexers: RefCell::default(),
            databases: RefCell::default(),
            accepted_sets: RefCell::default(),
            texts: RefCell::default(),
            next_text: Cell::new(1),
            definitions: RefCell::default(),
            shared,
        });
        worker.shared.worker_reached(index, worker.epoch());
        worker.refresh_modes();
        worker
    }

    /// Follows the catalog and looks after the pools, for as long as the runtime lives.
    pub fn start_tasks(self: Rc<Self>, interval: Duration) {
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
    pub fn set_catalog(&self, catalog: Arc<Catalog>) {
        if catalog.epoch > self.catalog.borrow().epoch {
            let moved = |id: &ShardId, old: &Shard| match catalog.shards.get(id) {
                Some(new) => (&new.host, new.port) != (&old.host, old.port),
                None => true,
            };
            for (id, old) in &self.catalog().shards {
                if moved(id, old) {
                    // Leases that are out end with their statements or transactions.
                    self.pools.borrow_mut().remove(id);
                    self.kinds.borrow_mut().retain(|k| k.shard != *id);
                }
            }
            self.shared.worker_reached(self.index, catalog.epoch);
            *self.catalog.borrow_mut() = catalog;
            self.plans.borrow_mut().clear();
        }
    }

    /// The catalog that statements are planned against.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.borrow().clone()
    }

    /// Its epoch.
    pub fn epoch(&self) -> u64 {
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
    pub fn default_mode(&self) -> (LexMode, bool) {
        (self.default_mode.get(), self.no_auto_value_on_zero.get())
    }

    fn housekeeping(&self) {
        self.refresh_modes();
        let idle_ms = self.shared.config.idle_timeout_s.saturating_mul(1000);
        self.shared.registry.end_idle(self.index, idle_ms);
        for pool in self.pools.borrow().values() {
            pool.close_idle();
        }
        let idle = Duration::from_secs(self.shared.pool.idle_s.min(60));
        self.kinds.borrow_mut().retain_mut(|k| {
            k.pipes.retain(|p| {
                let keep = !p.is_closed() && p.last_use().elapsed() < idle;
                if !keep {
                    p.close();
                }
                keep
            });
            !k.pipes.is_empty() || k.connecting
        });
        let m = &self.shared.metrics;
        let mut plans = self.plans.borrow_mut();
        let (hits, misses) = (
            std::mem::take(&mut plans.hits),
            std::mem::take(&mut plans.misses),
        );
        m.plan_cache_hits
            .fetch_add(hits, std::sync::atomic::Ordering::Relaxed);
        m.plan_cache_misses
            .fetch_add(misses, std::sync::atomic::Ordering::Relaxed);
    }

    /// The pool of a shard.
    pub fn pool(&self, shard: ShardId) -> Result<Rc<ShardPool>, ShardError> {
        let version = self.shared.directory.version();
        if self.pools_of.replace(version) != version {
            self.drop_old_accounts();
        }
        if let Some(p) = self.pools.borrow().get(&shard) {
            return Ok(p.clone());
        }
        let catalog = self.catalog();
        let name = catalog.shard_name(shard);
        let shards = self.shared.shards();
        let unreachable = |why: &str| ShardError::Unreachable {
            shard: name.to_string(),
            why: why.to_string(),
        };
        let handle = shards.get(name).ok_or_else(|| {
            unreachable("it is in the catalog but this proxy has no account for it")
        })?;
        let at = catalog.shards.get(&shard).map(|s| (&*s.host, s.port));
        if at != Some((&*handle.login.host, handle.login.port)) {
            return Err(unreachable("it is moving to another address; try again"));
        }
        let config = &self.shared.pool;
        let limits = PoolLimits {
            connections_max: config
                .connections_per_shard
                .div_ceil(self.shared.workers)
                .max(1),
            waiters_max: config.waiters_max,
            wait: Duration::from_millis(config.wait_ms),
            prepared_max: config.prepared_per_connection_max,
            idle: Duration::from_secs(config.idle_s),
        };
        let (login, health) = (handle.login.clone(), handle.health.clone());
        let pool = ShardPool::new(login, health, limits, self.fresh.clone());
        self.pools.borrow_mut().insert(shard, pool.clone());
        Ok(pool)
    }

    /// Pools whose account has been replaced go; leases that are out end with their work.
    fn drop_old_accounts(&self) {
        let handles = self.shared.shards();
        let is_old = |pool: &ShardPool| {
            let now = handles.get(&*pool.login.shard).map(|h| &h.login);
            now.is_none_or(|l| (&l.user, &l.password) != (&pool.login.user, &pool.login.password))
        };
        let mut pools = self.pools.borrow_mut();
        let old: Vec<_> = pools
            .iter()
            .filter(|(_, p)| is_old(p))
            .map(|(id, _)| *id)
            .collect();
        pools.retain(|id, _| !old.contains(id));
        self.kinds.borrow_mut().retain(|k| !old.contains(&k.shard));
    }

    /// A shared connection for sessions with these settings, if one is open. If there should be one,
    /// it is opened in the background.
    pub fn pipeline(
        self: &Rc<Self>,
        shard: ShardId,
        class: ConnClass,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
    ) -> Option<Rc<Pipeline>> {
        let config = &self.shared.pool;
        if config.shared_per_worker == 0 {
            return None;
        }
        let mut kinds = self.kinds.borrow_mut();
        let at = kinds.iter().position(|k| {
            k.shard == shard
                && k.class == class
                && Rc::ptr_eq(&k.settings, settings)
                && k.database.as_ref() == database
        });
        let at = match at {
            Some(at) => at,
            None => {
                if kinds.iter().filter(|k| k.shard == shard).count() >= config.shared_kinds_max {
                    return None;
                }
                kinds.push(SharedKind {
                    shard,
                    class,
                    settings: settings.clone(),
                    database: database.cloned(),
                    pipes: Vec::new(),
                    connecting: false,
                });
                kinds.len() - 1
            }
        };
        let kind = &mut kinds[at];
        kind.pipes.retain(|p| !p.is_closed());
        if kind.pipes.len() < config.shared_per_worker && !kind.connecting {
            kind.connecting = true;
            let (settings, database) = (settings.clone(), database.cloned());
            let worker = self.clone();
            tokio::task::spawn_local(async move {
                let pipe = worker
                    .open_pipeline(shard, class, &settings, database.as_ref())
                    .await;
                worker.opened(shard, class, &settings, database.as_ref(), pipe);
            });
        }
        kind.pipes.iter().min_by_key(|p| p.depth()).cloned()
    }

    async fn open_pipeline(
        &self,
        shard: ShardId,
        class: ConnClass,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
    ) -> Result<Rc<Pipeline>, ShardError> {
        let pool = self.pool(shard)?;
        let name = pool.login.shard.to_string();
        let full = ShardError::Unreachable {
            shard: name,
            why: "the pool is full".to_string(),
        };
        let mut lease = pool.reserve().ok_or(full.clone())?;
        pool.fill(&mut lease, class).await?;
        lease.conn()?.prepare_for(settings, database).await?;
        let max = self.shared.pool.prepared_per_connection_max;
        Pipeline::start(lease, max).ok_or(full)
    }

    fn opened(
        &self,
        shard: ShardId,
        class: ConnClass,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
        pipe: Result<Rc<Pipeline>, ShardError>,
    ) {
        let mut kinds = self.kinds.borrow_mut();
        let kind = kinds.iter_mut().find(|k| {
            k.shard == shard
                && k.class == class
                && Rc::ptr_eq(&k.settings, settings)
                && k.database.as_ref() == database
        });
        let Some(kind) = kind else { return };
        kind.connecting = false;
        match pipe {
            Ok(p) => kind.pipes.push(p),
            Err(error) => tracing::debug!(%error, "no shared connection"),
        }
    }

    /// A lexer to fill; give it back with [`Self::put_lexer`].
    pub fn take_lexer(&self) -> Lexed {
        self.lexers.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes a lexer back; one that grew large is dropped.
    pub fn put_lexer(&self, lexed: Lexed) {
        let mut all = self.lexers.borrow_mut();
        if all.len() < LEXERS_MAX && lexed.tokens.capacity() < 10_000 {
            all.push(lexed);
        }
    }

    /// One value for equal database names.
    pub fn database_name(&self, name: &str) -> Rc<str> {
        let mut all = self.databases.borrow_mut();
        if let Some(d) = all.iter().find(|d| &***d == name) {
            return d.clone();
        }
        all.retain(|d| Rc::strong_count(d) > 1);
        let d: Rc<str> = name.into();
        all.push(d.clone());
        d
    }

    /// True if a shard has accepted this assignment before.
    pub fn is_accepted_set(&self, text: &str) -> bool {
        self.accepted_sets.borrow().contains(text)
    }

    /// Notes an assignment that a shard has accepted.
    pub fn accept_set(&self, text: String) {
        let mut all = self.accepted_sets.borrow_mut();
        if all.len() < ACCEPTED_SETS_MAX {
            all.insert(text);
        }
    }

    /// The number of a statement text (with database and settings folded in), for prepared statements
    /// on server connections.
    pub fn text_number(&self, key: &[u8]) -> u64 {
        if let Some(n) = self.texts.borrow().get(key) {
            return *n;
        }
        let n = self.next_text.get();
        self.next_text.set(n + 1);
        let mut all = self.texts.borrow_mut();
        if all.len() >= TEXTS_MAX {
            // Numbers are never reused, so forgetting only means preparing again.
            all.clear();
        }
        all.insert(key.into(), n);
        n
    }

    /// What a shard said of a statement when it was prepared, under this epoch of the catalog.
    pub fn prepared_definitions(
        &self,
        epoch: u64,
        key: u64,
    ) -> Option<Rc<wire::prepare::Prepared>> {
        let all = self.definitions.borrow();
        if all.0 == epoch {
            all.1.get(&key).cloned()
        } else {
            None
        }
    }

    /// Keeps what a shard said of a statement.
    pub fn keep_prepared_definitions(
        &self,
        epoch: u64,
        key: u64,
        prepared: &wire::prepare::Prepared,
    ) {
        let mut all = self.definitions.borrow_mut();
        if all.0 != epoch || all.1.len() >= DEFINITIONS_MAX {
            *all = (epoch, HashMap::new());
        }
        all.1.insert(key, Rc::new(prepared.clone()));
    }

    /// Interns settings.
    pub fn intern(&self, settings: Settings) -> Rc<Settings> {
        self.interner.borrow_mut().intern(settings)
    }

    /// Connections, idle ones and waiting statements, by shard.
    pub fn pool_counts(&self) -> Vec<(ShardId, (usize, usize, usize))> {
        self.pools
            .borrow()
            .iter()
            .map(|(s, p)| (*s, p.counts()))
            .collect()
    }
}
