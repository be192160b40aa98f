//! A statement on a connection of the session's own: leased, prepared, relayed, given back.

use crate::deadlock::Watch;
use crate::metrics::count;
use crate::plans::CachedPlan;
use crate::relay::{RelayEnd, RelayError, RelayOptions, relay};
use crate::request::Request;
use crate::session::{Done, Session, Stop};
use crate::transaction::{Held, Pins};
use catalog::ShardId;
use router::Traits;
use shard::Login;
use std::time::Instant;
use wire::caps::SERVER_STATUS_IN_TRANS;

impl Session {
    /// A held connection to `shard`, as the session wants it and with its branch open; its index.
    pub async fn acquire(&mut self, shard: ShardId, user_variables: bool) -> Result<usize, Stop> {
        self.check_lost_branch().await?;
        let wanted = if user_variables {
            &self.settings
        } else {
            &self.plain_settings
        };
        let wanted = wanted.clone();
        let database = self.database.clone();
        let index = match self.held.iter().position(|h| h.shard == shard) {
            Some(i) => i,
            None => {
                let pool = self.worker.pool(shard)?;
                let lease = pool.lease(self.class, &wanted, database.as_ref()).await;
                let lease = match lease {
                    Ok(lease) => lease,
                    Err(e) => return Err(self.doom(e).await),
                };
                let pins = Pins::default();
                self.held.push(Held {
                    shard,
                    lease,
                    in_transaction: false,
                    pins,
                    prepared_names: Vec::new(),
                });
                self.held.len() - 1
            }
        };
        let held = &mut self.held[index];
        let pinned = !held.pins.is_empty();
        let ready = match held.lease.conn() {
            // User variables that only the pinned connection knows must not be reset.
            Ok(conn) if pinned => conn.prepare_for(&self.settings, database.as_ref()).await,
            Ok(conn) => conn.prepare_for(&wanted, database.as_ref()).await,
            Err(e) => Err(e),
        };
        let ready = match ready {
            Ok(()) => self.open_branch(index).await,
            Err(e) => Err(e),
        };
        if let Err(e) = ready {
            let stop = self.doom(e).await;
            self.drop_idle();
            return Err(stop);
        }
        Ok(index)
    }

    /// Gives back every connection that nothing keeps.
    pub fn drop_idle(&mut self) {
        for held in &mut self.held {
            held.in_transaction |= held.lease.in_transaction();
        }
        self.transaction.lost_branch |= self
            .held
            .iter()
            .any(|h| h.in_transaction && h.lease.is_dirty());
        self.held
            .retain(|h| !h.lease.is_dirty() && (h.in_transaction || !h.pins.is_empty()));
        if !self.in_transaction() && self.autocommit {
            self.transaction.savepoints.clear();
        }
    }

    /// Runs a request on one shard and passes the answer to the client.
    pub async fn run_exclusive(
        &mut self,
        shard: ShardId,
        request: &Request,
        traits: Traits,
        options: RelayOptions,
        plan: Option<&CachedPlan>,
    ) -> Result<RelayEnd, Stop> {
        count(&self.worker.shared.metrics.statements_exclusive);
        let started = Instant::now();
        let variables = traits.reads_user_variables || traits.writes_user_variables;
        let index = self.acquire(shard, variables).await?;
        self.tell_last_insert_id(index, traits).await?;
        let held = &mut self.held[index];
        let queued = match held.lease.conn() {
            Ok(conn) => request.queue(conn).await,
            Err(e) => Err(e),
        };
        match queued {
            Ok(Ok(())) => {}
            Ok(Err(err)) => {
                self.check_branch(index).await;
                self.drop_idle();
                return Err(Stop::Error(err));
            }
            Err(e) => {
                let stop = self.doom(e).await;
                self.drop_idle();
                return Err(stop);
            }
        }
        let end = self.relay_on(index, options).await?;
        self.settle(index, &end, traits).await?;
        if let Some(plan) = plan.filter(|_| end.err.is_none()) {
            plan.probation.ran_alone(
                started.elapsed().as_micros() as u64,
                end.bytes,
                end.warnings,
            );
        }
        Ok(end)
    }

    /// Relays the answer that is due on a held connection.
    pub async fn relay_on(
        &mut self,
        index: usize,
        mut options: RelayOptions,
    ) -> Result<RelayEnd, Stop> {
        let others = self
            .held
            .iter()
            .enumerate()
            .any(|(i, h)| i != index && h.in_transaction);
        if others {
            options.status_set |= SERVER_STATUS_IN_TRANS;
        }
        let held = &mut self.held[index];
        let login = held.lease.pool().login.clone();
        let watch = match others {
            true => Some(Watch::start(login.clone(), held.lease.conn()?.thread_id)),
            false => None,
        };
        options.deadlock = watch.as_ref().map(|w| w.fired.clone());
        let conn = held.lease.conn()?;
        let thread_id = conn.thread_id;
        let in_transaction = held.in_transaction;
        let relayed = relay(&mut self.io, conn, &self.info, options, &login).await;
        match relayed {
            Ok(end) => {
                if end.killed {
                    count(&self.worker.shared.metrics.cancelled);
                    // The KILL may have come too late and hit whatever runs here next.
                    if !in_transaction {
                        held.lease.discard();
                    }
                }
                // A statement that was done before the KILL came stands, and the client knows.
                if end.err.is_some() && watch.is_some_and(|w| w.fired.get()) {
                    // The server ended a statement only; on the other shards nothing must stay.
                    self.rollback_all().await;
                    self.note_state();
                }
                Ok(end)
            }
            Err(RelayError::Gone) => {
                if let Ok(conn) = held.lease.conn() {
                    conn.dirty = true;
                }
                spawn_kill(login, thread_id);
                count(&self.worker.shared.metrics.cancelled);
                Err(Stop::Gone)
            }
            Err(RelayError::Shard { error, resumable }) => {
                if let Ok(conn) = held.lease.conn() {
                    conn.dirty = true;
                }
                let stop = self.doom(error).await;
                self.drop_idle();
                if resumable {
                    Err(stop)
                } else {
                    Err(Stop::Gone)
                }
            }
        }
    }

    /// After an answer: what the session learned, and whether the connection stays.
    pub async fn settle(&mut self, index: usize, end: &RelayEnd, traits: Traits) -> Done {
        if let Some(err) = &end.err {
            self.diagnostics.set_error(err);
            self.row_count = -1;
            self.check_branch(index).await;
            self.drop_idle();
            self.note_state();
            return Ok(());
        }
        let Some(held) = self.held.get_mut(index) else {
            return Ok(());
        };
        let was_open = held.in_transaction;
        held.in_transaction = end.status & SERVER_STATUS_IN_TRANS != 0;
        if was_open && !held.in_transaction {
            // The statement committed by itself (a routine, an implicit commit).
            self.transaction.begin = None;
            self.transaction.savepoints.clear();
        }
        if !self.in_transaction() {
            // SET TRANSACTION was for this statement.
            self.transaction.next = None;
        }
        let held = &mut self.held[index];
        held.pins.user_variables |= traits.writes_user_variables;
        held.pins.named_locks |= traits.named_locks;
        if let Some(ok) = &end.ok {
            self.row_count = ok.affected_rows as i64;
        } else if end.has_columns {
            self.row_count = -1;
            self.found_rows = end.rows;
        }
        if traits.calc_found_rows {
            // Only this connection knows, and only until its next statement.
            self.found_rows = self
                .ask_number(index, "SELECT FOUND_ROWS()")
                .await?
                .unwrap_or(end.rows);
            self.diagnostics.set_unfetched(end.warnings);
        } else {
            self.note_warnings(index, end.warnings).await?;
        }
        if traits.sets_last_insert_id && end.ok.is_none() {
            // A result set does not tell it. Last, since asking changes what was asked above.
            self.take_last_insert_id(index).await?;
        }
        self.drop_idle();
        self.note_state();
        Ok(())
    }
}

impl Session {
    /// Tells a connection the session's LAST_INSERT_ID(), if the statement asks for it.
    pub async fn tell_last_insert_id(&mut self, index: usize, traits: Traits) -> Done {
        if !traits.last_insert_id {
            return Ok(());
        }
        let sql = format!("SET last_insert_id = {}", self.last_insert_id);
        if let Some(held) = self.held.get_mut(index) {
            held.lease.conn()?.run(&sql).await?;
        }
        Ok(())
    }

    /// After LAST_INSERT_ID(expression): what it set is the session's.
    pub async fn take_last_insert_id(&mut self, index: usize) -> Done {
        let id = self.ask_number(index, "SELECT LAST_INSERT_ID()").await?;
        self.last_insert_id = id.unwrap_or(self.last_insert_id);
        Ok(())
    }

    async fn ask_number(&mut self, index: usize, sql: &str) -> Result<Option<u64>, Stop> {
        let Some(held) = self.held.get_mut(index) else {
            return Ok(None);
        };
        let answer = held.lease.conn()?.run(sql).await?;
        let rows = answer.text_rows().unwrap_or_default();
        Ok(rows
            .first()
            .and_then(|r| r.first())
            .and_then(|n| n.parse().ok()))
    }
}

/// Ends a statement on its shard without making anybody wait for it.
pub fn spawn_kill(login: Login, thread_id: u32) {
    tokio::task::spawn_local(async move {
        if let Err(error) = shard::kill::kill_query(&login, thread_id).await {
            tracing::debug!(%error, "KILL QUERY did not reach the shard");
        }
    });
}
