//! Deadlocks across shards: no server sees the whole circle, so a transaction with branches on several
//! shards does not wait for a row lock for long.
//!
//! Statements of such transactions stand in a list. What is still there after [`PATIENCE`] and, as its server
//! says, waits for a lock is ended, and the client gets 1213 (SQLSTATE 40001), which drivers and frameworks
//! know to repeat. A statement that is merely slow goes on. Single-shard transactions are left to the
//! server's own detection.

use shard::account::AccountId;
use shard::{ConnClass, ServerConn, ShardError, ShardPool};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// How long a statement may wait for a lock while its transaction holds locks on another shard.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);
/// How often the list is looked at. A statement only enters and leaves it, which is all that most ever do.
const LOOK: Duration = Duration::from_millis(100);
/// Statements differ in patience by up to so many looks, so that of two that wait for each other one gives
/// way first.
const SPREAD: u32 = 8;

struct Watched {
    pool: Rc<ShardPool>,
    account: AccountId,
    thread_id: u32,
    /// Looks until somebody asks the server.
    looks_left: u32,
    fired: Rc<Cell<bool>>,
    /// Asks the server.
    task: Option<AbortHandle>,
}

/// Statements that may wait for a lock while their transaction holds others elsewhere.
#[derive(Default)]
pub(crate) struct LockWaits {
    list: RefCell<Vec<Option<Watched>>>,
    free: RefCell<Vec<usize>>,
    is_looked_at: Cell<bool>,
}

/// A statement's place in the list, until it is dropped.
pub(crate) struct Watch {
    all: Rc<LockWaits>,
    at: usize,
    /// Set when the statement was ended.
    pub fired: Rc<Cell<bool>>,
}

impl LockWaits {
    /// Watches the statement that runs as `thread_id` on a connection of `pool` with this account.
    pub(crate) fn watch(
        self: &Rc<Self>,
        pool: &Rc<ShardPool>,
        account: AccountId,
        thread_id: u32,
    ) -> Watch {
        let fired = Rc::new(Cell::new(false));
        let looks = PATIENCE.as_millis() / LOOK.as_millis();
        let entry = Some(Watched {
            pool: pool.clone(),
            account,
            thread_id,
            looks_left: looks as u32 + thread_id % SPREAD,
            fired: fired.clone(),
            task: None,
        });
        let mut list = self.list.borrow_mut();
        let at = match self.free.borrow_mut().pop() {
            Some(at) => {
                list[at] = entry;
                at
            }
            None => {
                list.push(entry);
                list.len() - 1
            }
        };
        if !self.is_looked_at.replace(true) {
            tokio::task::spawn_local(self.clone().look());
        }
        let all = self.clone();
        Watch { all, at, fired }
    }

    /// Looks at the list for as long as there is something on it.
    async fn look(self: Rc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let mut list = self.list.borrow_mut();
            if list.iter().all(Option::is_none) {
                list.clear();
                self.free.borrow_mut().clear();
                self.is_looked_at.set(false);
                return;
            }
            for w in list.iter_mut().flatten() {
                w.looks_left = w.looks_left.saturating_sub(1);
                if w.looks_left == 0 && w.task.is_none() {
                    w.task = Some(w.ask());
                }
            }
        }
    }
}

impl Watched {
    /// Asks its server from time to time.
    fn ask(&self) -> AbortHandle {
        let (pool, thread_id, fired) = (self.pool.clone(), self.thread_id, self.fired.clone());
        let account = self.account;
        let task = tokio::task::spawn_local(async move {
            if let Err(error) = end_if_waiting(&pool, account, thread_id, &fired).await {
                tracing::debug!(%error, "a lock wait could not be looked at");
            }
        });
        task.abort_handle()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut list = self.all.list.borrow_mut();
        let entry = list.get_mut(self.at).and_then(Option::take);
        drop(list);
        if let Some(task) = entry.and_then(|w| w.task) {
            task.abort();
        }
        self.all.free.borrow_mut().push(self.at);
    }
}

async fn end_if_waiting(
    pool: &ShardPool,
    account: AccountId,
    thread_id: u32,
    fired: &Cell<bool>,
) -> Result<(), ShardError> {
    let class = ConnClass::default();
    // Who waits for whom is shown to the proxy's own account; a statement is ended by its own.
    let mut conn = ServerConn::connect(&pool.login, class, Rc::default(), 1).await?;
    loop {
        if conn.waits_for_lock(thread_id).await? {
            fired.set(true);
            return shard::kill_query(&pool.login.with_account(account), thread_id).await;
        }
        tokio::time::sleep(PATIENCE).await;
    }
}
