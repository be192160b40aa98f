//! Dynamic SQL: PREPARE and EXECUTE IMMEDIATE as statements, and SET STATEMENT.

use super::{Run, any_shard, default_shard, one, plan, statement};
use crate::session::branch::Branch;
use crate::session::statements::PreparedText;
use crate::session::{Done, Session, Stop};
use catalog::ShardId;
use errors::PrepareError;
use router::traits::is_word;
use router::{Local, Operator, Plan, PlanContext, Planned, Refusal, Target};
use sql::ident::name_of;
use sql::{Lexed, Op, Statement, Token, TokenKind};

/// The statement name that stands at a token; names ignore case.
fn prepared_name(run: Run<'_>, at: usize) -> Option<String> {
    let token = run.lexed.tokens.get(at)?;
    Some(name_of(run.text, *token)?.to_lowercase())
}

fn lex(s: &Session, text: &str) -> Result<Lexed, Stop> {
    let (mode, flavor) = (s.client.settings.mode, s.worker.flavor.get());
    Ok(Lexed::new(text.as_bytes(), mode, flavor).map_err(Refusal::syntax)?)
}

/// The text that PREPARE ... FROM or EXECUTE IMMEDIATE means: a literal, or a user variable's value.
async fn text_of(s: &mut Session, literal: Option<&str>, run: Run<'_>) -> Result<String, Stop> {
    match literal {
        Some(text) => Ok(text.to_string()),
        None => text_in_variable(s, run).await,
    }
}

async fn text_in_variable(s: &mut Session, run: Run<'_>) -> Result<String, Stop> {
    let tokens = &run.lexed.tokens;
    let end = tokens
        .iter()
        .rposition(|t| t.kind != TokenKind::Op(Op::Semicolon));
    let last = end.and_then(|i| Some((tokens.get(i.checked_sub(1)?)?, tokens.get(i)?)));
    let names_text = |t: &Token| {
        [&b"FROM"[..], b"IMMEDIATE"]
            .iter()
            .any(|w| is_word(run.text, *t, w))
    };
    let variable = last.filter(|(before, t)| t.kind == TokenKind::UserVar && names_text(before));
    let Some((_, variable)) = variable else {
        return Err(PrepareError::PreparedText.into());
    };
    let name = String::from_utf8_lossy(&run.text[variable.range()]).into_owned();
    let pinned = s.branches.iter().find(|b| !b.pins.is_empty());
    let shard = match pinned {
        // What was assigned inside a statement is known there alone.
        Some(branch) => branch.shard,
        None => default_shard(&s.client, run.catalog)?,
    };
    let acquired = s.branches.acquire(&s.worker, &s.client, shard, true);
    acquired.await?;
    let answer = one::ask(s, shard, &format!("SELECT {name}")).await?;
    let conn = s.branches.held(shard)?.conn()?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let text = rows.into_iter().next().and_then(|r| r.into_iter().next());
    let text = text.filter(|t| !t.is_empty());
    text.ok_or_else(|| Refusal::syntax(format!("{name} holds no statement")).into())
}

/// SET STATEMENT variable = value FOR statement: sent as it is to the one shard that the statement is for.
pub(super) async fn set_statement(s: &mut Session, at: usize, run: Run<'_>) -> Done {
    let only = |only: &'static str| PrepareError::SetStatement { only };
    if changes_reading(run, at) {
        return Err(only("variables that do not change how a statement is read").into());
    }
    let inner = String::from_utf8_lossy(run.text_from(at)).into_owned();
    let mut lexed = lex(s, &inner)?;
    let plan = plan(
        &s.worker,
        &s.client,
        run.catalog,
        inner.as_bytes(),
        &mut lexed,
    );
    s.client.authorize(run.catalog, &plan.privileges)?;
    let forward = match (&plan.plan, &plan.statement) {
        (
            Plan::Forward(f),
            Statement::Query | Statement::Update | Statement::Delete | Statement::Insert(_),
        ) => f,
        (Plan::Refuse(r), _) => return Err(r.clone().into()),
        _ => return Err(only("SELECT, and for changes of tables on one shard").into()),
    };
    if run.bound.is_some() || plan.traits.of_session() || !s.worker.flavor.get().mariadb {
        return Err(only("plain statements without session functions, over MariaDB").into());
    }
    let inner_run = Run {
        text: inner.as_bytes(),
        lexed: &lexed,
        plan: &plan,
        ..run
    };
    let shard = match forward.route(&inner_run.route_context(s))? {
        Operator::One(shard) => shard,
        Operator::Any => any_shard(&s.branches, run.catalog, s.client.info.id),
        _ => return Err(only("statements on one shard").into()),
    };
    // The whole text goes there, with what its statement asks of the connection.
    let whole = Run { plan: &plan, ..run };
    let done = one::run(s, shard, None, whole).await?;
    if !plan.traits.stored_code
        && let Some(branch) = s.branches.get(shard)
    {
        // The variables are what they were.
        branch.conn()?.state_is_known();
    }
    Ok(done)
}

/// What text means must be the same here and there.
fn changes_reading(run: Run<'_>, at: usize) -> bool {
    let reading = ["sql_mode", "character_set_client", "collation_connection"];
    let head = run.lexed.tokens.iter().take(at);
    let names = head.filter_map(|t| name_of(run.text, *t));
    names
        .into_iter()
        .any(|n| reading.iter().any(|r| n.eq_ignore_ascii_case(r)))
}

/// PREPARE name FROM text: the connection that knows it stays with the session.
pub(super) async fn prepare(s: &mut Session, literal: Option<&str>, run: Run<'_>) -> Done {
    let inner = text_of(s, literal, run).await?;
    let lexed = lex(s, &inner)?;
    let ctx = s.client.plan_context(&s.worker, run.catalog);
    let planned = Planned::of(ctx, inner.as_bytes(), &lexed);
    s.client.authorize(run.catalog, &planned.privileges)?;
    let Some(shard) = home_of(s, &planned, inner.as_bytes(), &lexed, run)? else {
        return Err(PrepareError::PrepareSeveral.into());
    };
    // The name means the new text from here on, wherever it was known before.
    let name = forget_prepared(s, run, 1);
    let known: usize = s.branches.iter().map(|b| b.prepared_names.len()).sum();
    let max = s.worker.shared.config.prepared_per_session_max;
    if known >= max {
        return Err(PrepareError::TooManyPrepared { max }.into());
    }
    let branch = s
        .branches
        .acquire(&s.worker, &s.client, shard, true)
        .await?;
    branch.pins.sql_prepare = true;
    if let Some(name) = &name {
        let text = PreparedText {
            text: inner.into(),
            mode: s.client.settings.mode,
            database: s.client.database.clone(),
            epoch: run.catalog.epoch,
        };
        s.client.statements.texts.insert(name.clone(), text);
    }
    branch.prepared_names.extend(name);
    one::run(s, shard, None, run).await
}

/// The one shard that a text to prepare is for, whatever its parameters will be.
fn home_of(
    s: &Session,
    planned: &Planned,
    text: &[u8],
    lexed: &Lexed,
    run: Run<'_>,
) -> Result<Option<ShardId>, Stop> {
    match &planned.plan {
        Plan::Refuse(r) => Err(r.clone().into()),
        Plan::Insert(_) => Ok(None),
        Plan::List(list) => Ok(list.others.is_empty().then_some(list.home)),
        Plan::Databases(shard) if !s.client.user.is_of_cluster() => Ok(Some(*shard)),
        Plan::Local(_) | Plan::Ddl(_) | Plan::Databases(_) | Plan::Routine(_) => {
            Err(PrepareError::PrepareOfProxy.into())
        }
        Plan::Forward(f) => Ok(match &f.target {
            Target::Fixed(shard) => Some(*shard),
            // What a parameter says is not known yet, and a later USE must not change what the
            // statement would have to ask: neither can lead anywhere.
            Target::Schema(need) if !need.follows_database() => {
                let args = s.client.args(text, &lexed.tokens, &[]);
                Some(need.shard(run.catalog, &args)?)
            }
            _ => None,
        }),
    }
}

/// EXECUTE name, DEALLOCATE PREPARE name, DROP PREPARE name: on the connection that knows it.
pub(super) async fn execute_prepared(s: &mut Session, run: Run<'_>) -> Done {
    let tokens = &run.lexed.tokens;
    let executes = tokens
        .first()
        .is_some_and(|t| is_word(run.text, *t, b"EXECUTE"));
    let name = prepared_name(run, if executes { 1 } else { 2 });
    let knows = |b: &&Branch| name.as_ref().is_some_and(|n| b.prepared_names.contains(n));
    let Some(shard) = s.branches.iter().find(knows).map(|b| b.shard) else {
        let handler = name.unwrap_or_default();
        let command = match executes {
            true => "EXECUTE",
            false => "DEALLOCATE PREPARE",
        };
        return Err(PrepareError::UnknownHandler { handler, command }.into());
    };
    match name {
        Some(name) if executes => still_there(s, &name, shard, run)?,
        _ => drop(forget_prepared(s, run, 2)),
    }
    one::run(s, shard, None, run).await
}

/// A prepared text means what its names mean now, and needs rights that its user has now: the table that it
/// was prepared for may be gone, and another one of its name have rows elsewhere.
fn still_there(s: &mut Session, name: &str, shard: ShardId, run: Run<'_>) -> Result<(), Stop> {
    let Some(known) = s.client.statements.texts.get(name).cloned() else {
        return Ok(());
    };
    if known.epoch == run.catalog.epoch {
        return Ok(());
    }
    let text = known.text.as_bytes();
    let lexed = Lexed::new(text, known.mode, s.worker.flavor.get()).map_err(Refusal::syntax)?;
    let ctx = PlanContext {
        database: known.database.as_deref(),
        mode: known.mode,
        ..s.client.plan_context(&s.worker, run.catalog)
    };
    let planned = Planned::of(ctx, text, &lexed);
    s.client.authorize(run.catalog, &planned.privileges)?;
    if home_of(s, &planned, text, &lexed, run)? != Some(shard) {
        return Err(PrepareError::NeedsPrepare.into());
    }
    if let Some(known) = s.client.statements.texts.get_mut(name) {
        known.epoch = run.catalog.epoch;
    }
    Ok(())
}

/// No connection is asked for this name any more.
fn forget_prepared(s: &mut Session, run: Run<'_>, at: usize) -> Option<String> {
    let name = prepared_name(run, at);
    for branch in s.branches.iter_mut() {
        branch.prepared_names.retain(|n| Some(n) != name.as_ref());
    }
    if let Some(name) = &name {
        s.client.statements.texts.remove(name);
    }
    name
}

/// Runs the text as if it had been sent, so that it is routed like any other.
pub(super) async fn execute_immediate(
    s: &mut Session,
    literal: Option<&str>,
    run: Run<'_>,
) -> Done {
    let inner = text_of(s, literal, run).await?;
    let text = inner.as_bytes();
    let mut lexed = lex(s, &inner)?;
    let single = sql::split::statements(text, &lexed.tokens).len() == 1;
    let plan = plan(&s.worker, &s.client, run.catalog, text, &mut lexed);
    let nested = matches!(&plan.plan, Plan::Local(l) if matches!(
        **l,
        Local::ExecuteImmediate(_) | Local::Prepare(_) | Local::ExecutePrepared
    ));
    if nested || !single || !s.worker.flavor.get().mariadb || run.bound.is_some() {
        return Err(PrepareError::NestedDynamic.into());
    }
    let inner = Run {
        text,
        lexed: &lexed,
        plan: &plan,
        ..run
    };
    Box::pin(statement(s, inner)).await
}
