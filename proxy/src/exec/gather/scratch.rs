//! The connection that temporary tables live on.

use crate::session::{Session, Stop};
use crate::worker::Worker;
use catalog::ShardId;
use errors::ReadError;
use router::Refusal;
use shard::{Lease, ServerConn, Settings, ShardError, ShardPool};
use sql::ident::quote_name;
use std::rc::Rc;

/// Settings under which rows are copied: what is stored is taken as it is (zero dates, a 0 in an
/// AUTO_INCREMENT column), and moments mean the same on both sides.
pub(super) fn copying_settings(mut settings: Settings) -> Settings {
    settings.set_names("utf8mb4", None);
    settings.set("sql_mode", "'NO_AUTO_VALUE_ON_ZERO'");
    settings.set("time_zone", "'+00:00'");
    settings
}

fn copying(worker: &Worker) -> Rc<Settings> {
    worker.intern(copying_settings(Settings::default()))
}

/// A leased connection with temporary tables of its own. Dropped without [`Scratch::close`], it is closed,
/// and the server drops the tables.
pub(super) struct Scratch {
    lease: Lease,
    /// Database and table of each.
    tables: Vec<(String, String)>,
    closed: bool,
}

impl Scratch {
    /// Leases one, in a state to copy into.
    pub(super) async fn open(s: &Session, shard: ShardId) -> Result<Self, Stop> {
        let settings = copying(&s.worker);
        let pool = s.worker.pool(shard)?;
        let lease = pool.lease(s.client.class, &settings, s.client.database.as_ref());
        let mut scratch = Self {
            lease: lease.await?,
            tables: Vec::new(),
            closed: false,
        };
        let database = s.client.database.as_ref();
        scratch.conn()?.plan_session(&settings, database);
        scratch.keep_out_of_the_log(&s.worker, shard).await?;
        Ok(scratch)
    }

    /// Temporary tables are written to the binary log unless it has rows only; replicas need them not.
    async fn keep_out_of_the_log(&mut self, worker: &Worker, shard: ShardId) -> Result<(), Stop> {
        if !self.lease.conn()?.logs_temporary_tables().await? {
            return Ok(());
        }
        let shard = worker.catalog().shard_name(shard).to_string();
        Err(Refusal::from(ReadError::GatherLogged { shard }).into())
    }

    /// The connection.
    pub(super) fn conn(&mut self) -> Result<&mut ServerConn, ShardError> {
        self.lease.conn()
    }

    /// The pool that it comes from.
    pub(super) fn pool(&self) -> Rc<ShardPool> {
        self.lease.pool().clone()
    }

    /// Makes a temporary table.
    pub(super) async fn create(
        &mut self,
        name: &catalog::TableName,
        sql: &str,
    ) -> Result<(), ShardError> {
        self.conn()?.run(sql).await?;
        let name = (name.database.clone(), name.table.clone());
        self.tables.push(name);
        Ok(())
    }

    /// Drops the tables and gives the connection back; one that cannot do that is closed.
    pub(super) async fn close(mut self, worker: &Worker) {
        self.closed = self.drop_tables(worker).await.is_ok();
    }

    async fn drop_tables(&mut self, worker: &Worker) -> Result<(), ShardError> {
        let names: Vec<String> = self
            .tables
            .iter()
            .map(|(d, t)| format!("{}.{}", quote_name(d), quote_name(t)))
            .collect();
        let settings = copying(worker);
        let conn = self.conn()?;
        conn.plan_session(&settings, None);
        // What was prepared on them means nothing on the real ones.
        conn.forget_prepared();
        if !names.is_empty() {
            let sql = format!("DROP TEMPORARY TABLE {}", names.join(", "));
            conn.run(&sql).await?;
        }
        // All that changed were those tables.
        conn.state_is_known();
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.closed {
            self.lease.discard();
        }
    }
}
