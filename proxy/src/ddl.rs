//! Statements that change structure: each is one resumable job over the shards concerned.

pub(crate) mod account;
mod alter;
mod check;
mod counter;
mod create;
mod define;
mod functions;
mod job;
mod read_again;
mod references;
mod rehearsal;
mod settled;
mod tables;
mod temporary;
mod under_locks;
mod users;

use crate::exec::{Run, default_shard, one, scatter, transaction};
use crate::session::branches::Branches;
use crate::session::client_io::ClientIo;
use crate::session::client_state::ClientState;
use crate::session::diagnostics::Diagnostics;
use crate::session::{Done, Outcome, Session, Stop};
use crate::worker::Worker;
use catalog::{Command, JobId, PendingRule, ShardId, Table, TableName};
use errors::{ClientError, DdlError};
use router::names::{Common, named};
use router::plan::Pin;
use router::plan::ddl::steps;
use sql::ObjectName;
use sql::ddl::{CreateTable, Ddl};
use sql::shard_by::RuleStatement;
use std::rc::Rc;
use std::sync::Arc;
use wire::reply::OkPacket;

/// A change of structure that runs as a job, and what it has gathered for the answer.
struct Change<'s> {
    worker: Rc<Worker>,
    io: &'s ClientIo,
    client: &'s mut ClientState,
    branches: &'s mut Branches,
    /// What runs is a definition with a definer of its own, which the management account stores.
    defines: bool,
    /// What the shards said, added up.
    ok: OkPacket,
    /// Notes and warnings for the client.
    notes: Diagnostics,
}

impl<'s> Change<'s> {
    fn of(s: &'s mut Session) -> Self {
        Self {
            worker: s.worker.clone(),
            io: &s.io,
            client: &mut s.client,
            branches: &mut s.branches,
            defines: false,
            ok: OkPacket::default(),
            notes: Diagnostics::default(),
        }
    }
}

/// Runs a DDL statement.
pub(crate) async fn run(s: &mut Session, ddl: &Ddl, run: Run<'_>) -> Done {
    if let Some(done) = temporary::run(s, ddl, run).await {
        return done;
    }
    if s.branches.locked().next().is_some() && under_locks::stands_still(s, ddl, run)? {
        s.put_ok(OkPacket::default(), run.more);
        return Ok(Outcome::nothing());
    }
    if let Some(done) = on_one_shard(s, ddl, run).await {
        return done;
    }
    // DDL commits what is open, before it starts.
    transaction::commit_all(s).await?;
    s.branches.close_handlers();
    let mut change = Change::of(s);
    change.run(ddl, run).await?;
    let Change { ok, notes, .. } = change;
    Ok(answer(s, ok, notes, run))
}

/// Answers with what the shards said and the notes.
fn answer(s: &mut Session, ok: OkPacket, mut notes: Diagnostics, run: Run<'_>) -> Outcome {
    if s.client.settings.all.get("sql_notes") == Some("0") {
        notes.forget_notes();
    }
    let outcome = Outcome {
        row_count: Some(ok.affected_rows as i64),
        ..Outcome::nothing()
    };
    let warnings = notes.count() as u16;
    s.put_ok(OkPacket { warnings, ..ok }, run.more);
    Outcome {
        conditions: notes.into(),
        ..outcome
    }
}

/// DDL that one shard alone answers; `None` if it is a job.
async fn on_one_shard(s: &mut Session, ddl: &Ddl, run: Run<'_>) -> Option<Done> {
    match ddl {
        Ddl::CreateTable(t) if t.temporary => Some(temporary_table(s, t, run).await),
        Ddl::DropTable {
            temporary: true, ..
        } => Some(on_database_shard(s, run).await),
        Ddl::Routine(name) => Some(routine(s, name, run).await),
        Ddl::Maintain(tables) => Some(maintain(s, tables, run).await),
        _ => None,
    }
}

async fn on_database_shard(s: &mut Session, run: Run<'_>) -> Done {
    let shard = default_shard(&s.client, run.catalog)?;
    one::run(s, shard, None, run).await
}

/// A temporary table lives on one connection, which stays with the session.
async fn temporary_table(s: &mut Session, t: &CreateTable, run: Run<'_>) -> Done {
    let database = s.client.database.as_deref();
    let names = named(run.catalog, database, run.text, &run.lexed.tokens);
    let home = default_shard(&s.client, run.catalog)?;
    match names.common() {
        Common::Nothing | Common::Reference => {}
        Common::OneShard(shard) if shard == home => {}
        _ => {
            return Err(DdlError::TemporaryApart.into());
        }
    }
    temporary::check_name(s, t, home)?;
    one::run(s, home, Some(Pin::TemporaryTables), run).await
}

/// Routines and the like live on their database's shard, and may only use tables there.
async fn routine(s: &mut Session, name: &ObjectName, run: Run<'_>) -> Done {
    let database = name.database.as_deref().or(s.client.database.as_deref());
    let home = run.catalog.default_shard(database);
    let home = home.ok_or_else(router::plan::no_shards)?;
    let names = named(run.catalog, database, run.text, &run.lexed.tokens);
    if let Some(t) = &names.pending {
        return Err(ClientError::no_such_table(&t.database, &t.table).into());
    }
    let common = names.common();
    match common {
        Common::Nothing => {}
        Common::OneShard(shard) if shard == home => {}
        _ => {
            let routine = name.to_string();
            return Err(DdlError::RoutineApart { routine }.into());
        }
    }
    check::check_routine(run)?;
    transaction::commit_all(s).await?;
    let change = Change::of(s);
    let tables = change.with_trigger(name, run);
    let Some(manager) = change.manager_of(home) else {
        let done = one::run(s, home, None, run).await?;
        let mut change = Change::of(s);
        if done.error.is_none() && common == Common::Nothing {
            change.on_other_shards(name, home, run).await?;
        }
        change.read_again(&tables).await;
        return Ok(done);
    };
    let (ok, warnings) = change.define(&manager, home, name, run).await?;
    let mut change = Change::of(s);
    if common == Common::Nothing {
        change.on_other_shards(name, home, run).await?;
    }
    change.read_again(&tables).await;
    Ok(answer(s, ok, warnings, run))
}

/// ANALYZE and the like: the answers of all shards, one after the other.
async fn maintain(s: &mut Session, tables: &[ObjectName], run: Run<'_>) -> Done {
    transaction::commit_all(s).await?;
    let mut shards: Vec<ShardId> = Vec::new();
    for (i, t) in tables.iter().enumerate() {
        let change = Change::of(s);
        let of_table = match change.table(t) {
            Ok((_, table)) => change.shards_of(&table),
            Err(_) => vec![default_shard(&s.client, run.catalog)?],
        };
        if i > 0 && of_table != shards {
            return Err(DdlError::MaintainApart.into());
        }
        shards = of_table;
    }
    let first = run.lexed.tokens.first();
    let checksum = first.is_some_and(|t| router::traits::is_word(run.text, *t, b"CHECKSUM"));
    match shards.as_slice() {
        [shard] => one::run(s, *shard, None, run).await,
        _ if checksum => Err(DdlError::ChecksumOfSeveral.into()),
        many => scatter::run(s, many, run).await,
    }
}

/// CREATE and DROP SHARDING RULE, CANCEL DDL JOB.
pub(crate) async fn rule(s: &mut Session, statement: &RuleStatement, run: Run<'_>) -> Done {
    let change = Change::of(s);
    let command = match statement {
        RuleStatement::Create { table, rule } => {
            let table = change.full_name(table)?;
            change.check_shard_names(&rule.by)?;
            let at = run.lexed.tokens.iter().position(|t| {
                let by = ["HASH", "RANGE", "LIST", "REFERENCE", "SINGLE"];
                by.iter()
                    .any(|w| router::traits::is_word(run.text, *t, w.as_bytes()))
            });
            let start = at.map_or(0, |i| run.lexed.tokens[i].start as usize);
            let clause = String::from_utf8_lossy(&run.text[start..]).into_owned();
            Command::PutRule {
                table,
                rule: PendingRule { clause },
            }
        }
        RuleStatement::Drop { table } => Command::DropRule {
            table: change.full_name(table)?,
        },
        RuleStatement::CancelJob { id } => Command::AbandonJob { job: JobId(*id) },
    };
    transaction::commit_all(s).await?;
    let mut change = Change::of(s);
    let catalog = change.propose(command).await?;
    change.followed(catalog.epoch).await;
    let Change { ok, notes, .. } = change;
    Ok(answer(s, ok, notes, run))
}

impl Change<'_> {
    async fn run(&mut self, ddl: &Ddl, run: Run<'_>) -> Result<(), Stop> {
        match ddl {
            Ddl::CreateTable(t) => self.create_table(t, run).await,
            Ddl::DropTable {
                tables, if_exists, ..
            } => self.drop_tables(tables, *if_exists).await,
            Ddl::AlterTable {
                table, if_exists, ..
            } if *if_exists && self.is_missing(table)? => Ok(()),
            Ddl::AlterTable { table, actions, .. } => self.alter_table(table, actions, run).await,
            Ddl::RenameTable { pairs, if_exists } => {
                self.rename_tables(pairs, *if_exists, run).await
            }
            Ddl::Truncate(table) => self.truncate(table).await,
            Ddl::CreateIndex {
                table,
                unique,
                columns,
            } => self.create_index(table, *unique, columns, run).await,
            Ddl::DropIndex(table) => self.alter_plain(table, run).await,
            Ddl::CreateDatabase {
                name,
                if_not_exists,
                shard,
            } => {
                let shard = shard.as_ref();
                self.create_database(name, *if_not_exists, shard, run).await
            }
            Ddl::DropDatabase { name, if_exists } => self.drop_database(name, *if_exists).await,
            Ddl::AlterDatabase(name) => self.alter_database(name.as_deref(), run).await,
            Ddl::CreateView {
                view,
                replace,
                query,
                if_not_exists,
            } => match *if_not_exists && self.is_there(view)? {
                true => Ok(()),
                false => self.create_view(view, *replace, *query, run).await,
            },
            Ddl::DropView { views, if_exists } => self.drop_views(views, *if_exists).await,
            // The planner refuses the first; one shard alone answers the others.
            Ddl::Routine(_) | Ddl::Maintain(_) => Ok(()),
        }
    }

    /// Database and name of a table, with the current database filled in.
    pub(crate) fn full_name(&self, name: &ObjectName) -> Result<TableName, Stop> {
        let database = name.database.as_deref().or(self.client.database.as_deref());
        let database = database.ok_or_else(ClientError::no_database)?;
        Ok(TableName::new(database, name.name.clone()))
    }

    pub(crate) fn find(&self, name: &TableName) -> Option<Arc<Table>> {
        self.worker.catalog().tables.get(name).cloned()
    }

    /// A table that must be there.
    pub(crate) fn table(&self, name: &ObjectName) -> Result<(TableName, Arc<Table>), Stop> {
        let full = self.full_name(name)?;
        let table = self.find(&full);
        let table = table.ok_or_else(|| ClientError::no_such_table(&full.database, &full.table))?;
        Ok((full, table))
    }

    /// True for a name that nothing has, with the note that IF EXISTS makes of it.
    fn is_missing(&mut self, name: &ObjectName) -> Result<bool, Stop> {
        let full = self.full_name(name)?;
        let missing = self.find(&full).is_none();
        if missing {
            let error = ClientError::no_such_table(&full.database, &full.table);
            self.notes.note(&error);
        }
        Ok(missing)
    }

    /// True for a name that is taken, with the note that IF NOT EXISTS makes of it.
    fn is_there(&mut self, name: &ObjectName) -> Result<bool, Stop> {
        let full = self.full_name(name)?;
        let taken = self.find(&full).is_some();
        if taken {
            self.notes.note(&create::exists(&full).into());
        }
        Ok(taken)
    }

    /// Every shard that has the table's definition.
    pub(crate) fn shards_of(&self, table: &Table) -> Vec<ShardId> {
        steps::shards_of(&self.worker.catalog(), table)
    }
}
