//! Connections of one worker to one shard. They are leased, one session at a time and first come first
//! served, or carry a pipeline; pipelines come first, because each of them serves many sessions.

mod lease;
mod slots;

pub use lease::Lease;

use crate::conn::{ConnClass, ServerConn};
use crate::error::ShardError;
use crate::health::{Answers, InstanceHealth};
use crate::login::Login;
use crate::pace::Pace;
use crate::pipeline::Pipeline;
use crate::profile::Profile;
use crate::settings::Settings;
use errors::AvailabilityError;
use slots::{Slots, Waiter};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Bounds of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Connections of this worker to this shard.
    pub connections_max: usize,
    /// How many of them are kept for pipelines: leases never take them.
    pub pipelines_reserved: usize,
    /// How many of them may be pipelines.
    pub pipelines_max: usize,
    /// Statements that may wait for one.
    pub waiters_max: usize,
    /// How long one waits.
    pub wait: Duration,
    /// How long a client may take nothing of its answer while one waits.
    pub slow_client: Duration,
    /// Statements prepared on one connection.
    pub prepared_max: usize,
    /// Idle connections are closed after this time.
    pub idle: Duration,
}

impl PoolLimits {
    /// At least one connection is left for leases, without which no transaction could run.
    fn checked(mut self) -> Self {
        self.connections_max = self.connections_max.max(1);
        self.pipelines_max = self.pipelines_max.min(self.connections_max - 1);
        self.pipelines_reserved = self.pipelines_reserved.min(self.pipelines_max);
        self
    }
}

/// What a connection is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// One session at a time.
    Exclusive,
    /// A pipeline.
    Pipeline,
}

/// How many connections a pool has, and who waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Leased to sessions.
    pub leased: usize,
    /// Used by pipelines.
    pub pipelines: usize,
    /// Used by nobody.
    pub idle: usize,
    /// Statements that wait for a connection.
    pub waiting: usize,
}

/// The pool.
pub struct ShardPool {
    /// How connections are made, with the process's own account.
    pub login: Login,
    /// What the checks say of the shard.
    pub health: Arc<InstanceHealth>,
    limits: PoolLimits,
    fresh: Rc<Settings>,
    slots: RefCell<Slots>,
    pipelines: RefCell<Vec<Weak<Pipeline>>>,
    /// What statements on leased connections take.
    pub alone: Pace,
    /// Leases that had to wait.
    pub waits: Cell<u64>,
}

impl ShardPool {
    /// An empty pool. `fresh` are the settings of a new connection, interned.
    pub fn new(
        login: Login,
        health: Arc<InstanceHealth>,
        limits: PoolLimits,
        fresh: Rc<Settings>,
    ) -> Rc<Self> {
        let limits = limits.checked();
        Rc::new(Self {
            login,
            health,
            limits,
            fresh,
            slots: RefCell::new(Slots::new(&limits)),
            alone: Pace::default(),
            pipelines: RefCell::default(),
            waits: Cell::new(0),
        })
    }

    /// Ends what waits here when the instance counts as down, and calls `wake` for those who wait for an
    /// answer; for as long as the pool is used.
    pub fn follow_health(self: &Rc<Self>, wake: impl Fn() + 'static) {
        let (pool, mut answers) = (Rc::downgrade(self), self.health.follow());
        tokio::task::spawn_local(async move {
            while answers.changed().await.is_ok() {
                let Some(pool) = pool.upgrade() else {
                    return;
                };
                if *answers.borrow_and_update() == Answers::Down {
                    pool.give_up();
                    wake();
                }
            }
        });
    }

    /// Nobody waits for the instance any more: neither for a connection nor in a pipeline.
    fn give_up(&self) {
        let pipelines = std::mem::take(&mut *self.pipelines.borrow_mut());
        pipelines
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|p| p.give_up());
        // What is dropped here looks at nothing of the pool.
        let gone = self.slots.borrow_mut().give_up();
        drop(gone);
    }

    /// A pipeline over one of the connections.
    pub(crate) fn note_pipeline(&self, pipeline: &Rc<Pipeline>) {
        let mut all = self.pipelines.borrow_mut();
        all.retain(|p| p.strong_count() > 0);
        all.push(Rc::downgrade(pipeline));
    }

    fn down(&self) -> Option<ShardError> {
        self.health.is_down().then(|| {
            let (shard, why) = (self.login.shard.to_string(), self.health.detail().error);
            AvailabilityError::Down { shard, why }.into()
        })
    }

    /// The bounds, as they are kept.
    pub fn limits(&self) -> &PoolLimits {
        &self.limits
    }

    /// Leases a connection, if possible one that needs no change for `settings` and `database`.
    pub async fn lease(
        self: &Rc<Self>,
        class: ConnClass,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
    ) -> Result<Lease, ShardError> {
        let profile = Profile {
            class,
            settings: settings.clone(),
            database: database.cloned(),
        };
        self.take(Purpose::Exclusive, &profile).await
    }

    /// A connection that can be brought to `profile`.
    pub(crate) async fn take(
        self: &Rc<Self>,
        purpose: Purpose,
        profile: &Profile,
    ) -> Result<Lease, ShardError> {
        if let Some(down) = self.down() {
            return Err(down);
        }
        let at_once = self.slots.borrow_mut().take_at_once(purpose, profile);
        let mut lease = match at_once {
            Some(conn) => Lease::new(self.clone(), purpose, conn),
            None => self.wait(purpose, profile).await?,
        };
        // From here on the slot is ours: the lease gives it back if we fail or are dropped.
        if !lease.has_live(profile) {
            let (fresh, prepared_max) = (self.fresh.clone(), self.limits.prepared_max);
            let login = self.login.with_account(profile.class.account);
            let conn = ServerConn::connect(&login, profile.class, fresh, prepared_max).await;
            let mut conn = conn.map_err(|e| self.down().unwrap_or(e))?;
            conn.watch(self.health.clone());
            lease.put_conn(conn);
        }
        Ok(lease)
    }

    async fn wait(
        self: &Rc<Self>,
        purpose: Purpose,
        profile: &Profile,
    ) -> Result<Lease, ShardError> {
        let started = Instant::now();
        let receiver = {
            let mut slots = self.slots.borrow_mut();
            if purpose == Purpose::Exclusive && slots.has_many_waiters(self.limits.waiters_max) {
                return Err(self.exhausted(started, slots.waiting()));
            }
            let (sender, receiver) = oneshot::channel();
            let profile = profile.clone();
            slots.enqueue(purpose, Waiter { sender, profile });
            receiver
        };
        self.waits.set(self.waits.get() + 1);
        match tokio::time::timeout(self.limits.wait, receiver).await {
            Ok(Ok(lease)) => Ok(lease),
            // The instance went down, or the time is over.
            _ => {
                if let Some(down) = self.down() {
                    return Err(down);
                }
                let waiting = self.slots.borrow_mut().waiting();
                Err(self.exhausted(started, waiting))
            }
        }
    }

    fn exhausted(&self, started: Instant, waiting: usize) -> ShardError {
        AvailabilityError::PoolExhausted {
            shard: self.login.shard.to_string(),
            max: self.limits.connections_max,
            waited_ms: started.elapsed().as_millis() as u64,
            waiting,
        }
        .into()
    }

    /// A lease is over: its connection, if it can be used again, and its slot go to whoever waits.
    fn give_back(self: &Rc<Self>, purpose: Purpose, conn: Option<ServerConn>) {
        self.slots.borrow_mut().give_back(purpose, conn);
        self.serve_waiters();
    }

    /// A pipeline's connection is used by one session from now on; another pipeline may take its place.
    fn pipeline_is_lease(self: &Rc<Self>) {
        self.slots.borrow_mut().pipeline_is_lease();
        self.serve_waiters();
    }

    fn serve_waiters(self: &Rc<Self>) {
        loop {
            let next = self.slots.borrow_mut().next_served();
            let Some((sender, purpose, conn)) = next else {
                return;
            };
            // A waiter that left since drops the lease, which comes back here.
            drop(sender.send(Lease::new(self.clone(), purpose, conn)));
        }
    }

    /// Closes connections that were idle too long.
    pub fn close_idle(&self) {
        self.slots.borrow_mut().close_idle(self.limits.idle);
    }

    /// Connections and waiters now.
    pub fn counts(&self) -> PoolCounts {
        self.slots.borrow_mut().counts()
    }
}

#[cfg(test)]
mod tests;
