//! A table that the shards have already enters the catalog, once every row is known to be where its rule
//! says. While that is looked at, a job keeps everybody from the table.

use crate::Cluster;
use crate::cluster::SETTLE_STEP;
use crate::probe::connect;
use catalog::{
    Answer, AutoIncrement, Catalog, Change, Command, JobId, KeyType, KeyValue, Placement, Rejected,
    ShardId, ShardProgress, Sharding, Table, TableId, TableName, Use,
};
use meta_client::MetaError;
use schema::introspect::{TableInfo, table_info};
use schema::rule;
use shard::{Login, ServerConn, ShardError};
use sql::ident::{quote_name, quote_string};
use sql::shard_by::{Rule, ShardBy};
use std::collections::BTreeMap;

/// How long a lock on the table is waited for, in seconds.
const LOCK_WAIT_S: u32 = 10;

/// A table that the shards have already is to enter the catalog.
pub struct ImportOrder {
    /// The table.
    pub table: TableName,
    /// What would follow SHARD BY.
    pub clause: String,
    /// Who asks, for the audit.
    pub who: String,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// What an import did, or would do.
pub struct Imported {
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
        table: Box::new(found.table.clone()),
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
    rule::check_shard_names(catalog, &wanted.rule.by).map_err(refused)
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
    let command = Command::StartJob {
        database: Some(wanted.name.database.clone()),
        statement: format!("import of {} as {}", wanted.name, wanted.clause),
        objects: objects.clone(),
        shards: parts.iter().map(|p| p.id).collect(),
    };
    let epoch = propose(cluster, wanted, command).await?;
    let ours = || {
        let catalog = cluster.catalog();
        let found = catalog.jobs.values().find(|j| j.objects == objects);
        found.map(|j| j.id)
    };
    let everybody = cluster.settle(epoch).await;
    let Some(job) = ours() else {
        return Err(refused("the import was cancelled by somebody else"));
    };
    if !everybody {
        propose(cluster, wanted, Command::AbandonJob { job }).await?;
        return Err(refused(
            "a proxy does not follow the catalog; nothing was changed. Repeat it once it does, or once \
             it is fenced (shardctl proxy list, fence)",
        ));
    }
    // Statements that were planned before the job was known end meanwhile.
    tokio::time::sleep(SETTLE_STEP).await;
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
    let mut infos: Vec<(&Part, TableInfo, ServerConn)> = Vec::new();
    for p in parts {
        let visit = async {
            let mut conn = connect(&p.login).await?;
            let info = table_info(&mut conn, &name.database, &name.table).await?;
            Ok::<_, ShardError>((info, conn))
        };
        let (info, conn) = visit.await.map_err(|e| refused(e.to_string()))?;
        let info =
            info.ok_or_else(|| refused(format!("there is no table {name} on {}", p.name)))?;
        infos.push((p, info, conn));
    }
    let Some((_, model, _)) = infos.first() else {
        return Err(refused("there is no shard"));
    };
    let model = &model.clone();
    for (p, info, _) in &infos[1..] {
        if !info.is_like(model) {
            return Err(refused(format!(
                "{name} has other columns or unique keys on {} than on {}",
                p.name, parts[0].name
            )));
        }
    }
    let placement = match &wanted.rule.by {
        ShardBy::Single { .. } => Placement::Single(parts[0].id),
        ShardBy::Reference => Placement::Reference,
        _ => {
            rule::placement(catalog, Some(&name.database), &wanted.rule, model).map_err(refused)?
        }
    };
    let table = Table {
        id: TableId(0),
        name: name.clone(),
        placement,
        columns: model.insert_columns(),
        auto_increment: model.auto_increment(),
    };
    let (mut rows, mut next) = (0, None);
    if !wanted.dry_run && !matches!(table.placement, Placement::Single(_)) {
        lock(name, &mut infos).await?;
    }
    match &table.placement {
        Placement::Single(_) | Placement::View(_) => {}
        Placement::Reference => {
            no_foreign_keys(name, &mut infos).await?;
            rows = same_rows(name, &mut infos).await?;
            next = next_id(name, &table.auto_increment, &mut infos).await?;
        }
        Placement::Sharded(s) => {
            model.check_unique_keys(&s.key).map_err(refused)?;
            no_foreign_keys(name, &mut infos).await?;
            for (p, _, conn) in &mut infos {
                rows += rows_in_place(catalog, name, s, p, conn).await?;
            }
            next = next_id(name, &table.auto_increment, &mut infos).await?;
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

type Looked<'a> = [(&'a Part, TableInfo, ServerConn)];

async fn text_rows(conn: &mut ServerConn, sql: &str) -> Result<Vec<Vec<String>>, Broken> {
    let answer = conn.run(sql).await?;
    answer
        .text_rows()
        .map_err(|e| Broken(conn.broken(e).to_string()))
}

/// ALTER TABLE through the proxy checks that a foreign key stays on one shard; an import does not.
async fn no_foreign_keys(name: &TableName, infos: &mut Looked<'_>) -> Result<(), MetaError> {
    let (db, table) = (
        quote_string(&name.database, false),
        quote_string(&name.table, false),
    );
    let sql = format!(
        "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA = {db} AND (TABLE_NAME = {table} OR REFERENCED_TABLE_NAME = {table})"
    );
    for (p, _, conn) in infos {
        if let Some(row) = text_rows(conn, &sql).await?.first() {
            return Err(refused(format!(
                "the foreign key {} of or to {name} on {} may cross shards: drop it, import the table, and \
                 add it again by ALTER TABLE through a proxy, which checks it",
                row.first().map_or("", String::as_str),
                p.name
            )));
        }
    }
    Ok(())
}

fn quoted(name: &TableName) -> String {
    format!("{}.{}", quote_name(&name.database), quote_name(&name.table))
}

/// A reference table has the same rows everywhere.
async fn same_rows(name: &TableName, infos: &mut Looked<'_>) -> Result<u64, MetaError> {
    let mut sums: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for (p, _, conn) in infos {
        let sql = format!("CHECKSUM TABLE {} EXTENDED", quoted(name));
        let rows = text_rows(conn, &sql).await?;
        let sum = rows.first().and_then(|r| r.get(1)).cloned();
        let sql = format!("SELECT COUNT(*) FROM {}", quoted(name));
        let rows = text_rows(conn, &sql).await?;
        let n = rows.first().and_then(|r| r.first()).cloned();
        count = n.as_deref().and_then(|n| n.parse().ok()).unwrap_or(0);
        let key = format!(
            "{} rows, checksum {}",
            n.unwrap_or_default(),
            sum.unwrap_or_default()
        );
        sums.entry(key).or_default().push(p.name.clone());
    }
    if sums.len() > 1 {
        let list: Vec<_> = sums
            .iter()
            .map(|(s, shards)| format!("{} on {}", s, shards.join(", ")))
            .collect();
        let list = list.join("; ");
        return Err(refused(format!(
            "the rows of {name} differ between the shards: {list}"
        )));
    }
    Ok(count)
}

/// Every row of a shard belongs there; gives how many there are.
async fn rows_in_place(
    catalog: &Catalog,
    name: &TableName,
    sharding: &Sharding,
    part: &Part,
    conn: &mut ServerConn,
) -> Result<u64, Broken> {
    let columns: Vec<_> = sharding.key.iter().map(|k| quote_name(&k.name)).collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), quoted(name));
    let mut rows = 0;
    conn.scan(&sql, |row| {
        rows += 1;
        let shown = || {
            let text = |v: &Option<Vec<u8>>| match v {
                None => "NULL".to_string(),
                Some(v) => String::from_utf8_lossy(v).into_owned(),
            };
            row.iter().map(text).collect::<Vec<_>>().join(", ")
        };
        let mut key = Vec::with_capacity(row.len());
        for (value, column) in row.iter().zip(&sharding.key) {
            let value = key_value(value.as_deref(), &column.kind);
            key.push(
                value.map_err(|e| {
                    Broken(format!("{name} on {}: key {}: {e}", part.name, shown()))
                })?,
            );
        }
        match sharding.compiled.shard(&key) {
            Ok(shard) if shard == part.id => Ok(()),
            Ok(shard) => Err(Broken(format!(
                "the row of {name} with the key {} is on {}, and the rule places it on {}",
                shown(),
                part.name,
                catalog.shard_name(shard)
            ))),
            Err(_) => Err(Broken(format!(
                "the row of {name} with the key {} on {} is in no partition of the rule",
                shown(),
                part.name
            ))),
        }
    })
    .await?;
    Ok(rows)
}

/// A stored value, as a server writes it.
fn key_value(text: Option<&[u8]>, kind: &KeyType) -> Result<KeyValue, String> {
    let Some(text) = text else {
        return Ok(KeyValue::Null);
    };
    let plain = || std::str::from_utf8(text).map_err(|e| e.to_string());
    let value = match kind {
        KeyType::Integer { .. } => {
            let n = plain()?
                .parse()
                .map_err(|_| "it is no integer".to_string())?;
            kind.from_int(n, Use::Store)
        }
        KeyType::Decimal { .. } => kind.from_decimal(plain()?),
        KeyType::Bytes { .. } => kind.from_hex(text.to_vec(), Use::Store),
        _ => kind.from_text(text, true, Use::Store),
    };
    value.map_err(|e| e.to_string())
}

/// The id behind the largest one in use.
async fn next_id(
    name: &TableName,
    auto: &Option<AutoIncrement>,
    infos: &mut Looked<'_>,
) -> Result<Option<u64>, MetaError> {
    let Some(auto) = auto else {
        return Ok(None);
    };
    let column = quote_name(&auto.column);
    let sql = format!("SELECT COALESCE(MAX({column}), 0) FROM {}", quoted(name));
    let mut largest = 0u64;
    for (_, _, conn) in infos {
        let rows = text_rows(conn, &sql).await?;
        let max = rows.first().and_then(|r| r.first()?.parse::<f64>().ok());
        let exact = rows.first().and_then(|r| r.first()?.parse::<u64>().ok());
        largest = largest.max(exact.unwrap_or(max.unwrap_or(0.0).max(0.0) as u64));
    }
    Ok(Some(largest.saturating_add(1)))
}
