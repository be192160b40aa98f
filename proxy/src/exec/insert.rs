//! INSERT into sharded and reference tables: ids are drawn, rows are split by shard.

use super::one::{self, Answered};
use super::relay::RelayOptions;
use super::request::Request;
use super::write::{self, Duplicates, Write, now_text};
use super::{Run, plan, session_values};
use crate::command::execute::statement_key;
use crate::session::{Done, Outcome, Session, Stop};
use errors::InsertError;
use router::plan::insert::{PartSql, RowId};
use router::{InsertPlan, Plan, Refusal, RowIds};
use sql::Lexed;
use std::rc::Rc;

/// Largest auto_increment_increment of a server.
const STEP_MAX: u64 = 65_535;

/// Runs a planned INSERT or REPLACE.
pub(crate) async fn run(s: &mut Session, insert: &InsertPlan, run: Run<'_>) -> Done {
    match run.plan.traits.of_session() {
        true => with_session_values(s, run).await,
        false => rows(s, insert, run).await,
    }
}

async fn rows(s: &mut Session, insert: &InsertPlan, run: Run<'_>) -> Done {
    let cx = run.route_context(s);
    let ids = insert.row_ids(&cx.args, s.client.settings.zero_is_value)?;
    let generated = draw(s, insert, &ids).await?;
    let route = insert.route(&cx, &ids, &generated)?;
    let mut parts = Vec::new();
    for part in route.parts {
        parts.push((part.shard, request(s, run, part.sql)));
    }
    let (mut outcome, said) = match parts.as_slice() {
        [(shard, request)] => {
            let options = RelayOptions {
                status_set: run.more,
                insert_id: route.insert_id,
                ..Default::default()
            };
            one::exchange(s, *shard, request, run.plan.traits, options).await?
        }
        _ => {
            let write = Write {
                parts,
                replicated: route.replicated,
                insert_id: route.insert_id,
                inserts: (insert.row_count() > 1).then_some(match insert.insert.ignore {
                    true => Duplicates::Ignored,
                    false => Duplicates::Changed,
                }),
                traits: run.plan.traits,
                timestamp: now_text().filter(|_| route.replicated),
            };
            write::run(s, write, run.more).await?
        }
    };
    outcome.insert_id = insert_id(insert, run, generated.first().copied(), &outcome, said);
    Ok(outcome)
}

/// Ids for the rows without one, in the order of the rows: behind those that rows before them give.
async fn draw(s: &Session, insert: &InsertPlan, ids: &RowIds) -> Result<Vec<u64>, Stop> {
    let (mut out, mut given) = (Vec::new(), None);
    let rows = ids.rows.chunk_by(|a, b| is_generated(a) == is_generated(b));
    for alike in rows {
        match alike.first() {
            Some(RowId::Generated) => {
                if let Some(max) = given.take() {
                    s.worker.ids.observe(insert.table.id, max).await?;
                }
                out.extend(consecutive(s, insert, alike.len() as u64).await?);
            }
            _ => given = given.max(alike.iter().filter_map(RowId::given).max()),
        }
    }
    if let Some(max) = given {
        s.worker.ids.observe(insert.table.id, max).await?;
    }
    Ok(out)
}

fn is_generated(id: &RowId) -> bool {
    *id == RowId::Generated
}

/// Ids in steps of auto_increment_increment, as the session has set it.
async fn consecutive(s: &Session, insert: &InsertPlan, count: u64) -> Result<Vec<u64>, Stop> {
    let set = |name: &str| -> u64 {
        let value = s.client.settings.all.get(name);
        value
            .and_then(|v| v.trim_matches('\'').parse().ok())
            .unwrap_or(1)
    };
    let step = set("auto_increment_increment").clamp(1, STEP_MAX);
    // A server does not look at an offset beyond the step.
    let offset = Some(set("auto_increment_offset")).filter(|o| *o <= step);
    let offset = offset.unwrap_or(0) % step;
    // So many numbers have exactly `count` in the rhythm.
    let drawn = s.worker.ids.get(&insert.table, count * step).await?;
    Ok(drawn.filter(|id| id % step == offset).collect())
}

/// As on one server: the first generated id if its row was inserted, not ignored nor made to change
/// another; or what LAST_INSERT_ID(expression) said of that one.
fn insert_id(
    insert: &InsertPlan,
    run: Run<'_>,
    first: Option<u64>,
    outcome: &Outcome,
    said: Answered,
) -> Option<u64> {
    let affected = said.affected.filter(|_| outcome.error.is_none())?;
    let inserted = match insert.row_count() {
        1 => first == Some(said.insert_id),
        _ => affected > 0,
    };
    let by_expression = || {
        let said = Some(said.insert_id).filter(|id| *id != 0);
        said.filter(|_| run.plan.traits.sets_last_insert_id)
    };
    first.filter(|_| inserted).or_else(by_expression)
}

/// What a shard is sent.
fn request(s: &Session, run: Run<'_>, sql: PartSql) -> Request {
    match (sql, run.bound) {
        (PartSql::AsSent, _) => run.request(),
        (PartSql::Changed { text, .. }, None) => Request::Query(text.into()),
        (PartSql::Changed { text, params }, Some(bound)) => {
            let text: Rc<[u8]> = text.into();
            let key = statement_key(s, &text, bound.statement.database.as_ref());
            bound.request_of(text, key, &params)
        }
    }
}

/// An INSERT by rows with USER() and the like: planned again with their values.
async fn with_session_values(s: &mut Session, run: Run<'_>) -> Done {
    if run.bound.is_some() {
        return Err(InsertError::PreparedSessionFunction.into());
    }
    let text = session_values::replace(&s.client, run.text, &run.lexed.tokens);
    let mut lexed = Lexed::default();
    lexed
        .read(&text, s.client.settings.mode, s.worker.flavor.get())
        .map_err(Refusal::syntax)?;
    let plan = plan(&s.worker, &s.client, run.catalog, &text, &mut lexed);
    let run = Run {
        text: &text,
        lexed: &lexed,
        plan: &plan,
        ..run
    };
    match &plan.plan {
        Plan::Insert(insert) if !plan.traits.of_session() => rows(s, insert, run).await,
        Plan::Refuse(r) => Err(r.clone().into()),
        _ => Err(InsertError::InsertSessionFunction.into()),
    }
}
