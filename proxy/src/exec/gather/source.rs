//! The connections that rows are read from: the session's own branches, so that its changes are seen, or
//! leases with one read view for all tables of a shard.

use super::scratch::copying_settings;
use crate::exec::streams::ServerConns;
use crate::session::Stop;
use crate::session::branches::Branches;
use crate::session::client_state::ClientState;
use crate::worker::Worker;
use catalog::ShardId;
use errors::AvailabilityError;
use shard::{Begin, Lease, ServerConn, Settings};
use std::rc::Rc;

/// Where rows come from.
pub(super) struct Sources<'s> {
    worker: &'s Worker,
    client: &'s ClientState,
    branches: &'s mut Branches,
    settings: Rc<Settings>,
    /// The session's transaction sees its own changes.
    of_session: bool,
    /// Several tables are read from each shard.
    one_view: bool,
    leases: Vec<(ShardId, Lease)>,
}

impl<'s> Sources<'s> {
    /// For a statement with `tables` tables; `filtered` if conditions of the client's text are sent along.
    pub(super) fn new(
        worker: &'s Worker,
        client: &'s ClientState,
        branches: &'s mut Branches,
        (tables, filtered): (usize, bool),
    ) -> Self {
        let of_session = branches.in_transaction() || !client.settings.autocommit;
        // Another value of autocommit would end the transaction.
        let mut settings = copying_settings(match of_session {
            true => (*client.settings.plain).clone(),
            false => Settings::default(),
        });
        if filtered {
            // What is only read is not checked, and the conditions mean what they mean to the client.
            let mode = client.settings.all.get("sql_mode");
            settings.set("sql_mode", mode.unwrap_or("DEFAULT"));
        }
        let settings = worker.intern(settings);
        Self {
            worker,
            client,
            branches,
            settings,
            of_session,
            one_view: tables > 1,
            leases: Vec::new(),
        }
    }

    /// The connection to read a shard's rows from.
    pub(super) async fn conn(&mut self, shard: ShardId) -> Result<&mut ServerConn, Stop> {
        if self.of_session {
            let acquired = self
                .branches
                .acquire(self.worker, self.client, shard, false);
            let conn = acquired.await?.conn()?;
            conn.plan_session(&self.settings, None);
            return Ok(conn);
        }
        if !self.leases.iter().any(|(s, _)| *s == shard) {
            self.lease(shard).await?;
        }
        self.open(shard)
    }

    /// One that was used before.
    fn open(&mut self, shard: ShardId) -> Result<&mut ServerConn, Stop> {
        if self.of_session {
            return Ok(self.branches.held(shard)?.conn()?);
        }
        let lease = self.leases.iter_mut().find(|(s, _)| *s == shard);
        match lease {
            Some((_, lease)) => Ok(lease.conn()?),
            None => {
                let shard = self.worker.catalog().shard_name(shard).to_string();
                Err(AvailabilityError::ConnectionLost { shard }.into())
            }
        }
    }

    async fn lease(&mut self, shard: ShardId) -> Result<(), Stop> {
        let pool = self.worker.pool(shard)?;
        let lease = pool.lease(self.client.class, &self.settings, None);
        let mut lease = lease.await?;
        let conn = lease.conn()?;
        conn.plan_session(&self.settings, None);
        if self.one_view {
            let begin = Begin {
                snapshot: true,
                read_only: Some(true),
            };
            conn.plan_transaction(None, Some(begin), &[]);
        }
        conn.confirm().await?;
        self.leases.push((shard, lease));
        Ok(())
    }

    /// All rows are read: read views end, connections go back.
    pub(super) async fn close(&mut self) -> Result<(), Stop> {
        for (_, lease) in &mut self.leases {
            if self.one_view {
                lease.conn()?.rollback().await?;
            }
        }
        self.leases.clear();
        Ok(())
    }
}

impl ServerConns for Sources<'_> {
    fn server_conn(&mut self, shard: ShardId) -> Result<&mut ServerConn, Stop> {
        self.open(shard)
    }
}
