//! Temporary tables: a statement about one goes to the connection that it lives on, and hits it rather than
//! the permanent table of its name, as on one server.

use super::Change;
use crate::exec::{self, Run, one, transaction};
use crate::session::{Done, Session, Stop};
use catalog::{Placement, ShardId};
use errors::DdlError;
use router::Refusal;
use sql::ddl::{CreateTable, Ddl};
use sql::ident::{name_of, quote_name, quote_qualified};
use sql::{Lexed, ObjectName};

/// How a server begins the definition of a temporary table.
const DEFINITION: &str = "CREATE TEMPORARY TABLE ";

/// The shard where the session may have temporary tables.
pub(super) fn shard_of(s: &Session) -> Option<ShardId> {
    let may_have =
        |b: &&crate::session::branch::Branch| b.pins.temporary_tables || b.pins.stored_code;
    s.branches.iter().find(may_have).map(|b| b.shard)
}

/// Runs a statement about temporary tables; `None` if it is about none.
pub(super) async fn run(s: &mut Session, ddl: &Ddl, run: Run<'_>) -> Option<Done> {
    let shard = shard_of(s)?;
    let done = match ddl {
        Ddl::DropTable {
            temporary: true, ..
        } => return Some(one::run(s, shard, None, run).await),
        Ddl::DropTable { tables, .. } => about(s, shard, tables.iter(), ddl, run).await,
        Ddl::RenameTable { pairs, .. } => {
            about(s, shard, pairs.iter().map(|(from, _)| from), ddl, run).await
        }
        Ddl::AlterTable { table, .. }
        | Ddl::Truncate(table)
        | Ddl::CreateIndex { table, .. }
        | Ddl::DropIndex(table) => about(s, shard, std::iter::once(table), ddl, run).await,
        Ddl::CreateTable(t) if !t.temporary => copy(s, shard, t, run).await,
        Ddl::CreateView { .. } => refuse_use(s, shard, run).await.map(|()| None),
        _ => return None,
    };
    match done {
        Ok(None) => None,
        Ok(Some(done)) => Some(done),
        Err(stop) => Some(Err(stop)),
    }
}

async fn about<'t>(
    s: &mut Session,
    shard: ShardId,
    tables: impl Iterator<Item = &'t ObjectName>,
    ddl: &Ddl,
    run: Run<'_>,
) -> Result<Option<Done>, Stop> {
    let (mut temporary, mut permanent) = (Vec::new(), Vec::new());
    for table in tables {
        match definition(s, shard, table).await? {
            Some(_) => temporary.push(table),
            None => permanent.push(table.clone()),
        }
    }
    if temporary.is_empty() {
        return Ok(None);
    }
    transaction::commit_all(s).await?;
    if permanent.is_empty() {
        return Ok(Some(one::run(s, shard, None, run).await));
    }
    let Ddl::DropTable { if_exists, .. } = ddl else {
        return Err(DdlError::TemporaryApart.into());
    };
    // Permanent ones first: if that fails, nothing is gone.
    let mut change = Change::of(s);
    change.drop_tables(&permanent, *if_exists).await?;
    let Change { ok, notes, .. } = change;
    let names: Vec<_> = temporary.iter().map(|t| quoted(t)).collect();
    let conn = s.branches.held(shard)?.conn()?;
    let drop = format!("DROP TEMPORARY TABLE {}", names.join(", "));
    conn.run(&drop).await?;
    conn.state_is_known();
    Ok(Some(Ok(super::answer(s, ok, notes, run))))
}

/// CREATE TABLE ... LIKE a temporary table, as a definition of its own. Rows of one can be copied only on its
/// connection.
async fn copy(
    s: &mut Session,
    shard: ShardId,
    t: &CreateTable,
    run: Run<'_>,
) -> Result<Option<Done>, Stop> {
    let Some(like) = &t.like else {
        if t.selects {
            refuse_use(s, shard, run).await?;
        }
        return Ok(None);
    };
    let Some(definition) = definition(s, shard, like).await? else {
        return Ok(None);
    };
    let columns = definition.find('(').map_or("", |at| &definition[at..]);
    let or_replace = if t.or_replace { "OR REPLACE " } else { "" };
    let if_not_exists = if t.if_not_exists {
        "IF NOT EXISTS "
    } else {
        ""
    };
    let clause = t.clause.clone().and_then(|c| run.text.get(c));
    let clause = String::from_utf8_lossy(clause.unwrap_or_default());
    let name = quoted(&t.table);
    let text = format!("CREATE {or_replace}TABLE {if_not_exists}{name} {columns} {clause}");
    let (mode, flavor) = (s.client.settings.mode, s.worker.flavor.get());
    let mut lexed = Lexed::new(text.as_bytes(), mode, flavor).map_err(Refusal::syntax)?;
    let plan = exec::plan(
        &s.worker,
        &s.client,
        run.catalog,
        text.as_bytes(),
        &mut lexed,
    );
    let inner = Run {
        text: text.as_bytes(),
        lexed: &lexed,
        plan: &plan,
        ..run
    };
    Ok(Some(Box::pin(exec::statement(s, inner)).await))
}

/// A permanent object cannot be made from a temporary table: it is made on another connection.
async fn refuse_use(s: &mut Session, shard: ShardId, run: Run<'_>) -> Result<(), Stop> {
    let tokens = &run.lexed.tokens;
    let names: Vec<ObjectName> = tokens
        .iter()
        .filter_map(|t| name_of(run.text, *t))
        .map(|name| ObjectName {
            database: None,
            name,
        })
        .collect();
    if s.client.database.is_none() {
        return Ok(());
    }
    for name in &names {
        if definition(s, shard, name).await?.is_some() {
            let table = name.name.clone();
            return Err(DdlError::FromTemporary { table }.into());
        }
    }
    Ok(())
}

/// The definition of a table, if it is a temporary one.
async fn definition(
    s: &mut Session,
    shard: ShardId,
    table: &ObjectName,
) -> Result<Option<String>, Stop> {
    let acquired = s.branches.acquire(&s.worker, &s.client, shard, false);
    let conn = acquired.await?.conn()?;
    let answer = match conn
        .run(&format!("SHOW CREATE TABLE {}", quoted(table)))
        .await
    {
        Ok(answer) => answer,
        Err(shard::ShardError::Server { .. }) => return Ok(None),
        Err(e) => return Err(s.branches.abort(e).await),
    };
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let text = rows.into_iter().next().and_then(|r| r.into_iter().nth(1));
    Ok(text.filter(|t| t.starts_with(DEFINITION)))
}

fn quoted(t: &ObjectName) -> String {
    match &t.database {
        Some(database) => quote_qualified(database, &t.name),
        None => quote_name(&t.name),
    }
}

/// A temporary table that hid a table of several shards would be seen on one of them only.
pub(super) fn check_name(s: &mut Session, t: &CreateTable, home: ShardId) -> Result<(), Stop> {
    let change = Change::of(s);
    let hidden = change
        .full_name(&t.table)
        .ok()
        .and_then(|n| change.find(&n));
    match hidden.map(|t| t.placement.clone()) {
        None | Some(Placement::View(_)) => Ok(()),
        Some(Placement::Single(shard)) if shard == home => Ok(()),
        Some(_) => Err(DdlError::TemporaryApart.into()),
    }
}
