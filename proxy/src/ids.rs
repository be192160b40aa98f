//! AUTO_INCREMENT values of sharded tables, from blocks leased ahead.

use catalog::{Table, TableId};
use meta_client::{MetaError, MetaService};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Smallest and largest block.
const BLOCK_MIN: u64 = 100;
const BLOCK_MAX: u64 = 100_000;
/// A block that lasts less than this is followed by a larger one.
const BLOCK_TIME: Duration = Duration::from_secs(5);

/// The largest ids that statements of this process gave themselves, by table: blocks that its workers hold
/// are used from behind them.
#[derive(Debug, Default)]
pub(crate) struct GivenIds(Mutex<HashMap<TableId, Arc<AtomicU64>>>);

impl GivenIds {
    fn of(&self, table: TableId) -> Arc<AtomicU64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(table).or_default().clone()
    }
}

#[derive(Debug)]
struct Block {
    given: Arc<AtomicU64>,
    free: Range<u64>,
    size: u64,
    leased: Instant,
}

/// Why there is no id.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdError {
    /// The service gave none.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// ER_AUTOINC_READ_FAILED: the column's type is used up.
    #[error("the column is full at {0}")]
    Full(u64),
}

/// Blocks of one worker.
pub(crate) struct IdBlocks {
    meta: Arc<dyn MetaService>,
    given: Arc<GivenIds>,
    blocks: RefCell<HashMap<TableId, Block>>,
    leasing: RefCell<HashMap<TableId, Rc<tokio::sync::Mutex<()>>>>,
}

impl IdBlocks {
    /// Without any block yet.
    pub(crate) fn new(meta: Arc<dyn MetaService>, given: Arc<GivenIds>) -> Self {
        Self {
            meta,
            given,
            blocks: RefCell::default(),
            leasing: RefCell::default(),
        }
    }

    /// `count` consecutive ids, if the block at hand has them.
    pub(crate) fn take(&self, table: TableId, count: u64) -> Option<Range<u64>> {
        let mut blocks = self.blocks.borrow_mut();
        let b = blocks.get_mut(&table)?;
        let behind = b.given.load(Ordering::Relaxed).saturating_add(1);
        b.free.start = b.free.start.max(behind.min(b.free.end));
        if b.free.end - b.free.start < count {
            return None;
        }
        let out = b.free.start..b.free.start + count;
        b.free.start = out.end;
        Some(out)
    }

    /// `count` consecutive ids; leases a block if need be.
    pub(crate) async fn get(&self, table: &Table, count: u64) -> Result<Range<u64>, IdError> {
        let max = table.auto_increment.as_ref().map_or(u64::MAX, |a| a.max);
        // Another session may take from a new block first, so look more than once, but not for ever:
        // at the end of the number range a block is empty.
        for _ in 0..16 {
            if let Some(ids) = self.take(table.id, count) {
                return if ids.end - 1 > max {
                    Err(IdError::Full(max))
                } else {
                    Ok(ids)
                };
            }
            self.lease(table.id, 0, count).await?;
        }
        Err(IdError::Full(max))
    }

    /// One lease at a time a table: the others wait and find its block.
    async fn lease(&self, table: TableId, at_least: u64, count: u64) -> Result<(), IdError> {
        let gate = self.leasing.borrow_mut().entry(table).or_default().clone();
        let _held = gate.lock().await;
        let size = {
            let blocks = self.blocks.borrow();
            match blocks.get(&table) {
                Some(b) if b.free.end - b.free.start >= count && b.free.start >= at_least => {
                    return Ok(());
                }
                Some(b) if b.leased.elapsed() < BLOCK_TIME => (b.size * 4).min(BLOCK_MAX),
                Some(b) => (b.size / 2).max(BLOCK_MIN),
                None => BLOCK_MIN,
            }
        };
        let free = self
            .meta
            .lease_ids(table, at_least, size.max(count))
            .await?;
        let block = Block {
            given: self.given.of(table),
            free,
            size,
            leased: Instant::now(),
        };
        self.blocks.borrow_mut().insert(table, block);
        Ok(())
    }

    /// A statement gives ids itself: later generated ones must lie above, as on one server. Of blocks that
    /// other proxies hold nothing is known here.
    pub(crate) async fn observe(&self, table: TableId, given: u64) -> Result<(), IdError> {
        self.given.of(table).fetch_max(given, Ordering::Relaxed);
        {
            let mut blocks = self.blocks.borrow_mut();
            if let Some(b) = blocks.get_mut(&table) {
                if given < b.free.start {
                    return Ok(());
                }
                if given + 1 < b.free.end {
                    b.free.start = given + 1;
                    return Ok(());
                }
            }
        }
        self.lease(table, given.saturating_add(1), 1).await
    }
}
