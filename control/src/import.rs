//! A table that the shards have already enters the catalog, once every row is known to be where its rule
//! says. While that is looked at, a job keeps everybody from the table.

mod rows;

use crate::Cluster;
use crate::probe::connect;
use catalog::{
    Answer, Catalog, Change, Command, JobId, NewJob, NewJobKind, Placement, Rejected, ShardId,
    ShardProgress, Table, TableDefinition, TableId, TableName,
};
use meta_client::MetaError;
use schema::users::{Spread, in_the_way};
use schema::{difference, key, read, rule, server_changes};
use shard::{Login, ServerConn, ShardError};
use sql::ident::quote_qualified;
use sql::shard_by::{Rule, ShardBy};
use std::time::Duration;

/// How long statements and locks on the table are waited for, in seconds.
const LOCK_WAIT_S: u32 = 10;

/// What an import did, or would do.
pub(crate) struct Imported {
    /// What the metadata service answered.
    pub answer: Answer,
    /// What was found on the shards.
    pub notes: Vec<String>,
}

/// What is to be imported, by whom.
pub(crate) struct Wanted {
    /// The table.
    pub name: TableName,
    /// Its rule.
    pub rule: Rule,
    /// The rule as it was written.
    pub clause: String,
    /// Who asks.
    pub who: String,
    /// Only look.
    pub dry_run: bool,
}

fn refused(why: impl Into<String>) -> MetaError {
    Rejected::Invalid(why.into()).into()
}

struct Broken(String);

impl From<ShardError> for Broken {
    fn from(e: ShardError) -> Self {
        Broken(e.to_string())
    }
}

impl From<Broken> for MetaError {
    fn from(e: Broken) -> Self {
        refused(e.0)
    }
}

/// One shard of the table, and how to reach it.
struct Part {
    id: ShardId,
    name: String,
    login: Login,
}

/// Imports a table, or says what is in the way.
pub(crate) async fn import(cluster: &Cluster, wanted: Wanted) -> Result<Imported, MetaError> {
    let catalog = cluster.catalog();
    check_names(&catalog, &wanted)?;
    let parts = parts(cluster, &catalog, &wanted)?;
    if wanted.dry_run {
        let found = look(&catalog, &wanted, &parts).await?;
        let answer = Answer::Done {
            epoch: catalog.epoch,
        };
        let notes = found.notes();
        return Ok(Imported { answer, notes });
    }
    let job = start(cluster, &wanted, &parts).await?;
    let found = match look(&cluster.catalog(), &wanted, &parts).await {
        Ok(found) => found,
        Err(e) => {
            propose(cluster, &wanted, Command::AbandonJob { job }).await?;
            return Err(e);
        }
    };
    for p in &parts {
        let (shard, progress) = (p.id, ShardProgress::Done);
        let done = Command::Progress {
            job,
            shard,
            progress,
        };
        propose(cluster, &wanted, done).await?;
    }
    let notes = found.notes();
    let change = Change::FinishImport {
        job,
        table: Box::new((&found.table).into()),
        next: found.next,
    };
    let answer = cluster.meta.submit(&wanted.who, change, None).await?;
    drop(found);
    Ok(Imported { answer, notes })
}

fn check_names(catalog: &Catalog, wanted: &Wanted) -> Result<(), MetaError> {
    let name = &wanted.name;
    if catalog.tables.contains_key(name) {
        return Err(Rejected::Exists(format!("table {name}")).into());
    }
    if !catalog.databases.contains_key(&name.database) {
        return Err(refused(format!(
            "the catalog does not know the database {}: CREATE DATABASE IF NOT EXISTS {} through a proxy \
             makes it known",
            name.database, name.database
        )));
    }
    let checked = rule::check_shard_names(catalog, &wanted.rule.by);
    checked.map_err(|e| refused(e.to_string()))
}

/// The shards that must have the table.
fn parts(cluster: &Cluster, catalog: &Catalog, wanted: &Wanted) -> Result<Vec<Part>, MetaError> {
    let ids = match &wanted.rule.by {
        ShardBy::Single { shard: Some(name) } => catalog
            .shard_named(name)
            .map(|s| s.id)
            .into_iter()
            .collect(),
        ShardBy::Single { shard: None } => {
            let home = catalog.default_shard(Some(&wanted.name.database));
            home.into_iter().collect()
        }
        _ => catalog.shard_ids(),
    };
    let handles = cluster.shards.all();
    let part = |id: ShardId| {
        let name = catalog.shard_name(id).to_string();
        let handle = handles.get(&name);
        let handle = handle.ok_or_else(|| refused(format!("no account for shard {name}")))?;
        let login = handle.strongest().clone();
        Ok(Part { id, name, login })
    };
    ids.into_iter().map(part).collect()
}

async fn propose(cluster: &Cluster, wanted: &Wanted, command: Command) -> Result<u64, MetaError> {
    let change = Change::Catalog(command);
    match cluster.meta.submit(&wanted.who, change, None).await? {
        Answer::Done { epoch } => Ok(epoch),
        _ => Ok(0),
    }
}

/// Keeps everybody from the table: names of a running job are unknown to statements.
async fn start(cluster: &Cluster, wanted: &Wanted, parts: &[Part]) -> Result<JobId, MetaError> {
    let objects = vec![wanted.name.clone()];
    let command = Command::StartJob(NewJob {
        database: Some(wanted.name.database.clone()),
        objects: objects.clone(),
        shards: parts.iter().map(|p| p.id).collect(),
        kind: NewJobKind::Import(wanted.clause.clone()),
    });
    let epoch = propose(cluster, wanted, command).await?;
    let ours = || {
        let catalog = cluster.catalog();
        let found = catalog.jobs.values().find(|j| j.objects == objects);
        found.map(|j| j.id)
    };
    let statements = Duration::from_secs(LOCK_WAIT_S.into());
    let settled = cluster.settle(epoch, objects.clone(), statements).await;
    let Some(job) = ours() else {
        return Err(refused("the import was cancelled by somebody else"));
    };
    if let Err(why) = settled {
        propose(cluster, wanted, Command::AbandonJob { job }).await?;
        return Err(refused(format!(
            "{why}; nothing was changed. Repeat it once that is over, or once the proxy is fenced (shardctl \
             proxy list, fence)"
        )));
    }
    Ok(job)
}

/// What the look found.
struct Found {
    table: Table,
    next: Option<u64>,
    rows: u64,
    /// Connections that lock the table until they end.
    _locks: Vec<ServerConn>,
}

impl Found {
    fn notes(&self) -> Vec<String> {
        let kind = self.table.placement.kind();
        let mut notes = vec![match &self.table.placement {
            Placement::Sharded(_) => format!("{kind}: {} rows are where the rule says", self.rows),
            Placement::Reference => format!("{kind}: {} rows, the same on every shard", self.rows),
            _ => format!("{kind}: its rows are not looked at"),
        }];
        notes.extend(self.next.map(|n| format!("the next id is {n}")));
        notes
    }
}

async fn look(catalog: &Catalog, wanted: &Wanted, parts: &[Part]) -> Result<Found, MetaError> {
    let name = &wanted.name;
    let mut infos: Vec<(&Part, TableDefinition, ServerConn)> = Vec::new();
    for p in parts {
        let visit = async {
            let mut conn = connect(&p.login).await?;
            let info = read::table(&mut conn, name).await?;
            Ok::<_, ShardError>((info, conn))
        };
        let (info, conn) = visit.await.map_err(|e| refused(e.to_string()))?;
        let info =
            info.ok_or_else(|| refused(format!("there is no table {name} on {}", p.name)))?;
        infos.push((p, info.definition, conn));
    }
    let Some((_, model, _)) = infos.first() else {
        return Err(refused("there is no shard"));
    };
    let model = &model.clone();
    for (p, here, _) in &infos[1..] {
        if let Some(what) = difference(here, model, &parts[0].name) {
            return Err(refused(format!("{name} differs on {}: {what}", p.name)));
        }
    }
    let placement = match &wanted.rule.by {
        ShardBy::Single { .. } => Placement::Single(parts[0].id),
        ShardBy::Reference => Placement::Reference,
        _ => {
            rule::placement(catalog, Some(&name.database), &wanted.rule, model).map_err(refused)?
        }
    };
    server_changes::check(catalog, name, &placement, model).map_err(refused)?;
    let table = Table {
        id: TableId(0),
        name: name.clone(),
        placement,
        definition: model.clone().into(),
        auto_increment: key::auto_increment(model),
    };
    if let Some(spread) = Spread::of(&table.placement) {
        not_used_inside(name, spread, &mut infos).await?;
    }
    let (mut rows, mut next) = (0, None);
    if !wanted.dry_run && !matches!(table.placement, Placement::Single(_)) {
        lock(name, &mut infos).await?;
    }
    match &table.placement {
        Placement::Single(_) | Placement::View(_) => {}
        Placement::Reference => {
            no_foreign_keys(name, &mut infos).await?;
            rows = rows::same_rows(name, &mut infos).await?;
            next = rows::next_id(name, &table.auto_increment, &mut infos).await?;
        }
        Placement::Sharded(s) => {
            // Rows that are there already may have equal ids on two shards.
            key::check_unique_keys(model, &s.key, None).map_err(refused)?;
            no_foreign_keys(name, &mut infos).await?;
            for (p, _, conn) in &mut infos {
                rows += rows::rows_in_place(catalog, name, s, p, conn).await?;
            }
            next = rows::next_id(name, &table.auto_increment, &mut infos).await?;
        }
    }
    let _locks = infos.into_iter().map(|(_, _, conn)| conn).collect();
    Ok(Found {
        table,
        next,
        rows,
        _locks,
    })
}

/// Waits for transactions that have written the table, and lets no other write it.
async fn lock(name: &TableName, infos: &mut Looked<'_>) -> Result<(), MetaError> {
    for (p, _, conn) in infos {
        let locked = async {
            let wait = format!("SET SESSION lock_wait_timeout = {LOCK_WAIT_S}");
            conn.run(&wait).await?;
            let sql = format!("LOCK TABLES {} READ", quoted(name));
            conn.run(&sql).await
        };
        let locked: Result<_, ShardError> = locked.await;
        locked.map_err(|e| refused(format!("{name} on {} cannot be locked: {e}", p.name)))?;
    }
    Ok(())
}

/// Views and routines would go on to see the rows of their own server.
async fn not_used_inside(
    name: &TableName,
    spread: Spread,
    infos: &mut Looked<'_>,
) -> Result<(), MetaError> {
    for (p, _, conn) in infos {
        let found = in_the_way(conn, name, spread).await.map_err(Broken::from)?;
        if let Some(first) = found.first() {
            return Err(refused(format!(
                "the {first} on {} uses {name} inside that server, where it would see or change a part: \
                 drop it",
                p.name
            )));
        }
    }
    Ok(())
}

type Looked<'a> = [(&'a Part, TableDefinition, ServerConn)];

/// ALTER TABLE through the proxy checks that a foreign key stays on one shard; an import does not.
async fn no_foreign_keys(name: &TableName, infos: &mut Looked<'_>) -> Result<(), MetaError> {
    for (p, definition, conn) in infos {
        let own = definition.foreign_keys.first().map(|k| k.name.clone());
        let found = match own {
            Some(own) => Some(own),
            None => read::referring(conn, name)
                .await
                .map_err(Broken::from)?
                .pop(),
        };
        if let Some(key) = found {
            return Err(refused(format!(
                "the foreign key {key} of or to {name} on {} may cross shards: drop it, import the table, \
                 and add it again by ALTER TABLE through a proxy, which checks it",
                p.name
            )));
        }
    }
    Ok(())
}

fn quoted(name: &TableName) -> String {
    quote_qualified(&name.database, &name.table)
}
