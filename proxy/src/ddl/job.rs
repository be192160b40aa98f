//! Runs a job: the statement on each shard in turn, noted before and after.

use super::Change;
use crate::exec::Run;
use crate::exec::write::add_info;
use crate::session::Stop;
use crate::session::diagnostics::{self, Diagnostics};
use crate::session::waiting::Ending;
use catalog::job::Effect;
use catalog::{
    Catalog, Command, JobId, JobKind, NewJob, NewJobKind, ShardId, ShardProgress, TableName,
};
use errors::{AvailabilityError, DdlError};
use router::plan::ddl::steps::JobStep;
use shard::{Login, ServerConn, ShardError};
use sql::ObjectName;
use std::sync::Arc;
use wire::reply::OkPacket;

/// Errors that say "it is done already", when a job is taken up again.
const DONE_ALREADY: [u16; 10] = [1007, 1008, 1050, 1051, 1060, 1061, 1091, 1146, 1017, 1826];

/// What ends a statement on a shard before it is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ends {
    /// The client's leaving, and KILL.
    WithClient,
    /// KILL alone.
    WithKill,
}

impl Ends {
    fn on(self, login: Login, thread_id: u32) -> Ending {
        match self {
            Ends::WithClient => Ending::with_client(login, thread_id),
            Ends::WithKill => Ending::with_kill(login, thread_id),
        }
    }
}

/// A job that was started or taken up.
pub(super) struct Running {
    pub id: JobId,
    shards: Vec<(ShardId, ShardProgress)>,
    resumed: bool,
    on_database: bool,
}

impl Running {
    /// Shards that have not begun, in the order in which they will; none if others have done it already.
    pub(super) fn pending(&self) -> Vec<ShardId> {
        match self.resumed {
            true => Vec::new(),
            false => self.shards.iter().map(|(s, _)| *s).collect(),
        }
    }

    /// This shard goes first.
    pub(super) fn put_first(&mut self, shard: ShardId) {
        self.shards.sort_by_key(|(s, _)| *s != shard);
    }
}

impl Change<'_> {
    /// Changes the catalog. This worker plans by it from now on, others soon.
    pub(super) async fn propose(&mut self, command: Command) -> Result<Arc<Catalog>, Stop> {
        let catalog = self
            .worker
            .shared
            .meta
            .propose_as(&self.client.user.name, command, None)
            .await;
        let catalog = catalog?;
        self.worker.set_catalog(catalog.clone());
        Ok(catalog)
    }

    /// Starts a job, or takes up the one that the same statement began.
    pub(super) async fn start_job(
        &mut self,
        statement: &str,
        objects: Vec<TableName>,
        shards: &[ShardId],
    ) -> Result<Running, Stop> {
        let catalog = self.worker.catalog();
        let on_database = objects.iter().any(|o| o.table.is_empty());
        let same = catalog.jobs.values().find_map(|j| match &j.kind {
            JobKind::Ddl(d) if d.statement == statement && j.objects == objects => Some((j.id, d)),
            _ => None,
        });
        if let Some((id, job)) = same {
            return Ok(Running {
                id,
                shards: job.shards.clone(),
                resumed: true,
                on_database,
            });
        }
        let database = self.client.database.as_deref().map(str::to_string);
        let command = Command::StartJob(NewJob {
            database,
            objects: objects.clone(),
            shards: shards.to_vec(),
            kind: NewJobKind::Ddl(statement.to_string()),
        });
        let catalog = self.propose(command).await?;
        // The catalog may have gone on since: the job is known by what it locks, not by its number.
        let ours = catalog.jobs.values().find(|j| j.objects == objects);
        let Some(id) = ours.map(|j| j.id) else {
            return Err(DdlError::JobCancelled.into());
        };
        let shards = shards
            .iter()
            .map(|s| (*s, ShardProgress::Pending))
            .collect();
        let job = Running {
            id,
            shards,
            resumed: false,
            on_database,
        };
        // Who does not know of the job may plan against the old structure while it changes.
        if let Err(why) = self.settled(catalog.epoch, &objects).await {
            self.abandon_job(&job).await?;
            return Err(why);
        }
        Ok(job)
    }

    /// Runs the statement on every shard that has not done it. On the first failure with nothing done
    /// anywhere the job is given up and the shard's own error returned; else the error tells how far
    /// each shard is, and the same statement takes the job up again.
    pub(super) async fn run_job(&mut self, job: &mut Running, sql: &str) -> Result<(), Stop> {
        self.run_job_or_undo(job, sql, None).await
    }

    /// The same; what takes the statement back, if anything does, runs where it was done before another shard
    /// refused it.
    pub(super) async fn run_job_or_undo(
        &mut self,
        job: &mut Running,
        sql: &str,
        undo: Option<&str>,
    ) -> Result<(), Stop> {
        let mut failed: Option<ShardError> = None;
        for i in 0..job.shards.len() {
            let (shard, progress) = job.shards[i].clone();
            if progress == ShardProgress::Done {
                continue;
            }
            // A statement that is done on a shard is not ended by the client's leaving.
            let begun = job.shards.iter().any(|(_, p)| *p == ShardProgress::Done);
            let ends = match begun || job.resumed {
                true => Ends::WithKill,
                false => Ends::WithClient,
            };
            let result = self.run_on(shard, sql, ends).await;
            let maybe_done = job.resumed && progress == ShardProgress::Pending;
            if let Ok(ok) = &result {
                self.note_ddl_ok(ok, job.on_database);
            }
            let progress = match &result {
                Ok(_) => ShardProgress::Done,
                Err(ShardError::Server { err, .. })
                    if maybe_done && DONE_ALREADY.contains(&err.code) =>
                {
                    ShardProgress::Done
                }
                Err(e) => ShardProgress::Failed(e.to_string()),
            };
            job.shards[i].1 = progress.clone();
            if let (ShardProgress::Failed(_), Err(e)) = (&progress, result) {
                failed.get_or_insert(e);
                let nothing_done = job
                    .shards
                    .iter()
                    .all(|(_, p)| !matches!(p, ShardProgress::Done));
                if nothing_done && !job.resumed {
                    break;
                }
            }
            self.propose(Command::Progress {
                job: job.id,
                shard,
                progress,
            })
            .await?;
            if failed.is_some() && undo.is_some() {
                break;
            }
        }
        let Some(first) = failed else { return Ok(()) };
        // Of a shard that was lost nobody knows what it did.
        let refused = matches!(&first, ShardError::Server { .. }) && !job.resumed;
        if let Some(undo) = undo.filter(|_| refused)
            && self.undo_job(job, undo).await
        {
            self.abandon_job(job).await?;
            return Err(first.into());
        }
        if !job.shards.iter().any(|(_, p)| *p == ShardProgress::Done) {
            self.propose(Command::AbandonJob { job: job.id }).await?;
            return Err(first.into());
        }
        Err(self.half_done(job))
    }

    /// Rows and texts of the shards add up, but a database is one object on however many shards.
    fn note_ddl_ok(&mut self, ok: &OkPacket, once: bool) {
        let sum = &mut self.ok;
        if once && *sum != OkPacket::default() {
            return;
        }
        sum.affected_rows = sum.affected_rows.saturating_add(ok.affected_rows);
        sum.info = add_info(&sum.info, &ok.info);
    }

    /// Runs a statement with an account that may change structure; also what it warned of.
    pub(super) async fn run_as(
        &self,
        login: &Login,
        sql: &str,
        ends: Ends,
    ) -> Result<(OkPacket, Diagnostics), ShardError> {
        let mut conn =
            ServerConn::connect(login, self.client.class, self.worker.fresh.clone(), 1).await?;
        let (settings, database) = (
            self.client.settings.all.clone(),
            self.client.database.clone(),
        );
        match conn.use_session(&settings, database.as_ref()).await {
            Ok(()) => {}
            // The current database is the one that is being made: run without it.
            Err(ShardError::Server { err, .. }) if err.code == 1049 => {}
            Err(e) => return Err(e),
        }
        let ending = ends.on(login.clone(), conn.thread_id);
        let answer = ending
            .waits(self.io, &self.client.info, conn.run(sql))
            .await;
        let ok = answer?.ok.unwrap_or_default();
        let warnings = match ok.warnings {
            0 => Diagnostics::default(),
            _ => diagnostics::fetch(&mut conn).await?,
        };
        Ok((ok, warnings))
    }

    /// Makes, changes or drops what runs later: with the management account if it gets a definer.
    pub(super) async fn define(
        &self,
        manager: &Login,
        shard: ShardId,
        name: &ObjectName,
        run: Run<'_>,
    ) -> Result<(OkPacket, Diagnostics), Stop> {
        if let Some(sql) = self.drops_trigger(name, run)? {
            return Ok(self.run_as(manager, &sql, Ends::WithClient).await?);
        }
        if let Some((definer, text)) = self.with_definer(run)? {
            self.let_define(&definer, shard).await?;
            let text = String::from_utf8_lossy(&text);
            return Ok(self.run_as(manager, &text, Ends::WithClient).await?);
        }
        let text = String::from_utf8_lossy(run.text);
        let login = self.structure_login(shard)?;
        Ok(self.run_as(&login, &text, Ends::WithClient).await?)
    }

    /// How the user's changes of structure log in to a shard: with those rights and no others.
    fn structure_login(&self, shard: ShardId) -> Result<Login, ShardError> {
        let pool = self.worker.pool(shard)?;
        Ok(pool
            .login
            .with_account(self.client.class.account.structure()))
    }

    /// The management account of a shard, if there is one.
    pub(super) fn manager_of(&self, shard: ShardId) -> Option<Login> {
        let catalog = self.worker.catalog();
        let shards = self.worker.shared.shards();
        shards.get(catalog.shard_name(shard))?.manager.clone()
    }

    pub(super) async fn run_on(
        &mut self,
        shard: ShardId,
        sql: &str,
        ends: Ends,
    ) -> Result<OkPacket, ShardError> {
        if let Some(manager) = self.manager_of(shard) {
            let login = match self.defines {
                true => manager,
                false => self.structure_login(shard)?,
            };
            return self.run_as(&login, sql, ends).await.map(|(ok, _)| ok);
        }
        if self.branches.locked().any(|s| s == shard) {
            return self.run_under_locks(shard, sql, ends).await;
        }
        let pool = self.worker.pool(shard)?;
        let database = self.client.database.clone();
        let mut lease = pool
            .lease(
                self.client.class,
                &self.client.settings.all,
                database.as_ref(),
            )
            .await?;
        let settings = self.client.settings.all.clone();
        let conn = lease.conn()?;
        match conn.use_session(&settings, database.as_ref()).await {
            Ok(()) => {}
            // The current database is the one that is being made: run without it.
            Err(ShardError::Server { err, .. }) if err.code == 1049 => {}
            Err(e) => return Err(e),
        }
        let ending = ends.on(pool.login.with_account(conn.class.account), conn.thread_id);
        let answer = ending
            .waits(self.io, &self.client.info, conn.run(sql))
            .await;
        // DROP DATABASE may have taken the current database away.
        conn.dirty |= answer.is_err();
        answer.map(|a| a.ok.unwrap_or_default())
    }

    /// On the session's own connection, which holds the locks: another would wait for them.
    async fn run_under_locks(
        &mut self,
        shard: ShardId,
        sql: &str,
        ends: Ends,
    ) -> Result<OkPacket, ShardError> {
        let (settings, database) = (&self.client.settings.plain, self.client.database.as_ref());
        let lost = || ShardError::from(AvailabilityError::Disconnected);
        let branch = self.branches.get(shard).ok_or_else(lost)?;
        let login = branch.lease.login();
        let conn = branch.conn()?;
        conn.use_session(settings, database).await?;
        let ending = ends.on(login, conn.thread_id);
        let answer = ending
            .waits(self.io, &self.client.info, conn.run(sql))
            .await;
        answer.map(|a| a.ok.unwrap_or_default())
    }

    fn half_done(&self, job: &Running) -> Stop {
        let catalog = self.worker.catalog();
        let progress = job.shards.iter().map(|(s, p)| {
            let name = catalog.shard_name(*s);
            match p {
                ShardProgress::Done => format!("{name}: done"),
                ShardProgress::Pending => format!("{name}: not tried"),
                ShardProgress::Failed(why) => format!("{name}: {why}"),
            }
        });
        DdlError::JobHalfDone {
            job: job.id.0,
            progress: progress.collect::<Vec<_>>().join("; "),
        }
        .into()
    }

    /// Ends a job whose statement is done everywhere.
    pub(super) async fn finish_job(&mut self, job: &Running, effect: Effect) -> Result<(), Stop> {
        let catalog = self
            .propose(Command::FinishJob {
                job: job.id,
                effect,
            })
            .await?;
        self.followed(catalog.epoch).await;
        Ok(())
    }

    /// Gives a job up; what it did on the shards must have been undone.
    pub(super) async fn abandon_job(&mut self, job: &Running) -> Result<(), Stop> {
        self.propose(Command::AbandonJob { job: job.id })
            .await
            .map(|_| ())
    }

    /// Undoes what a job did, where it did it; false if a shard did not let it, which the operator's log
    /// shows.
    pub(super) async fn undo_job(&mut self, job: &Running, sql: &str) -> bool {
        let mut undone = true;
        for (shard, progress) in job.shards.clone() {
            if progress == ShardProgress::Done
                && let Err(e) = self.run_on(shard, sql, Ends::WithKill).await
            {
                tracing::warn!(error = %e, sql, "what was done could not be undone");
                undone = false;
            }
        }
        undone
    }

    /// A whole job without anything special.
    pub(super) async fn step(&mut self, step: JobStep, effect: Effect) -> Result<(), Stop> {
        let JobStep {
            objects,
            shards,
            sql,
        } = step;
        let mut job = self.start_job(&sql, objects, &shards).await?;
        self.run_job(&mut job, &sql).await?;
        self.finish_job(&job, effect).await
    }
}
