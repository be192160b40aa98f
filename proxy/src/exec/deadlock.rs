//! Deadlocks across shards: no server sees the whole circle, so a transaction with branches on several
//! shards does not wait for a row lock for long.
//!
//! A watch starts with a statement of such a transaction. If the statement still runs after
//! [`PATIENCE`] and its server says that it waits for a lock, it is ended, and the client gets 1213
//! (SQLSTATE 40001), which drivers and frameworks know to repeat. A statement that is merely slow
//! goes on. Single-shard transactions are left to the server's own detection.

use shard::{ConnClass, Login, ServerConn};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a statement may wait for a lock while its transaction holds locks on another shard.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Watches one statement until it is dropped.
pub(crate) struct Watch {
    /// Set when the statement was ended.
    pub fired: Rc<Cell<bool>>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Watches the statement that runs as `thread_id` on the shard of `login`.
    pub(crate) fn start(login: Login, thread_id: u32) -> Watch {
        let fired = Rc::new(Cell::new(false));
        let flag = fired.clone();
        let task = tokio::task::spawn_local(async move {
            // Threads differ in patience, so that of two that wait for each other one gives way first.
            let extra = Duration::from_millis(u64::from(thread_id % 16) * 25);
            tokio::time::sleep(PATIENCE + extra).await;
            if let Err(error) = end_if_waiting(&login, thread_id, &flag).await {
                tracing::debug!(%error, "a lock wait could not be looked at");
            }
        });
        Watch { fired, task }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn end_if_waiting(
    login: &Login,
    thread_id: u32,
    fired: &Cell<bool>,
) -> Result<(), shard::ShardError> {
    let mut conn = ServerConn::connect(login, ConnClass::default(), Rc::default(), 1).await?;
    loop {
        if conn.waits_for_lock(thread_id).await? {
            fired.set(true);
            return conn.kill_query(thread_id).await;
        }
        tokio::time::sleep(PATIENCE).await;
    }
}
