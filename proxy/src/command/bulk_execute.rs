//! COM_STMT_BULK_EXECUTE: many executions of a statement in one command, which all succeed, or nothing stays.

use crate::command::execute::{
    Bound, in_its_database, malformed_execute, refs_of, statement_key, types_of,
};
use crate::exec::request::{Bulk, Request};
use crate::exec::write::add_info;
use crate::exec::{self, Run, one, transaction};
use crate::plans::CachedPlan;
use crate::session::diagnostics::Diagnostics;
use crate::session::outcome::{Conditions, Path};
use crate::session::statements::ClientStatement;
use crate::session::{Done, Outcome, Session, Stop};
use catalog::{Catalog, ShardId};
use errors::PrepareError;
use router::{Access, Plan, Target};
use smallvec::SmallVec;
use sql::Statement;
use std::rc::Rc;
use std::sync::Arc;
use wire::Reader;
use wire::command::bulk_execute::{BulkError, BulkExecute, next_row};
use wire::command::execute::{ParamList, locate_params};
use wire::reply::OkPacket;

/// Savepoint around the executions, where the client has a transaction open.
const SAVEPOINT: &str = "__shardwright_bulk";

/// Runs a statement for each row of parameters.
pub(super) async fn run(s: &mut Session, body: &[u8]) -> Done {
    let id = wire::command::execute::statement_id(body).map_err(malformed_execute)?;
    let statement = s.client.statements.get(id, "mysqld_stmt_bulk_execute")?;
    let bulk = BulkExecute::decode(body, statement.params).map_err(malformed_execute)?;
    let types = types_of(&statement, bulk.types)?;
    in_its_database(s, &statement, async |s, plan, catalog| match whole(plan) {
        Some(shard) => on_one_shard(s, shard, &statement, plan, catalog, types, bulk.rows).await,
        None => row_by_row(s, &statement, plan, catalog, &types, bulk.rows).await,
    })
    .await
}

/// The shard that can take all rows as they are, whatever is in them.
fn whole(plan: &CachedPlan) -> Option<ShardId> {
    match &plan.plan {
        Plan::Forward(f) if f.access == Access::Write && !plan.traits.of_session() => {
            match f.target {
                Target::Fixed(shard) if f.pin.is_none() => Some(shard),
                _ => None,
            }
        }
        _ => None,
    }
}

async fn on_one_shard(
    s: &mut Session,
    shard: ShardId,
    statement: &ClientStatement,
    plan: &CachedPlan,
    catalog: &Arc<Catalog>,
    types: Vec<u8>,
    rows: &[u8],
) -> Done {
    s.client.authorize(catalog, &plan.privileges)?;
    let run = Run {
        text: &statement.text,
        lexed: &statement.lexed,
        bound: None,
        more: 0,
        plan,
        catalog,
    };
    let _using = run.uses_catalog(s);
    let request = Request::Bulk(Rc::new(Bulk {
        key: statement_key(s, &statement.text, statement.database.as_ref()),
        text: statement.text.clone(),
        types,
        rows: rows.to_vec(),
    }));
    let done = one::exchange(s, shard, &request, plan.traits, Default::default()).await?;
    Ok(done.0)
}

/// What the executions come to together.
#[derive(Default)]
struct Sum {
    rows: u64,
    affected: u64,
    duplicates: u64,
    insert_id: u64,
    warnings: u16,
    info: Vec<u8>,
    diagnostics: Diagnostics,
    shards: SmallVec<[ShardId; 2]>,
}

async fn row_by_row(
    s: &mut Session,
    statement: &ClientStatement,
    plan: &CachedPlan,
    catalog: &Arc<Catalog>,
    types: &[u8],
    rows: &[u8],
) -> Done {
    let changes = matches!(
        plan.statement,
        Statement::Insert(_) | Statement::Update | Statement::Delete
    );
    if !changes {
        return Err(PrepareError::NotInBulk.into());
    }
    if statement.columns > 0 {
        return Err(PrepareError::BulkOfSeveral.into());
    }
    let own = !s.branches.in_transaction() && s.client.settings.autocommit;
    match own {
        true => s.branches.transaction.open_in_words(),
        false => transaction::savepoint(s, SAVEPOINT).await?,
    }
    let done = executions(s, statement, plan, catalog, types, rows).await;
    let ended = match (own, &done) {
        (_, Err(Stop::Gone)) => Ok(()),
        (true, Ok(_)) => transaction::commit_all(s).await,
        (true, Err(_)) => {
            s.branches.rollback_all().await;
            Ok(())
        }
        (false, Ok(_)) => transaction::forget_savepoint(s, SAVEPOINT).await,
        // Unless the whole transaction is gone.
        (false, Err(_)) if !s.branches.in_transaction() => Ok(()),
        (false, Err(_)) => transaction::back_to_savepoint(s, SAVEPOINT).await,
    };
    let sum = done?;
    ended?;
    Ok(answer(s, sum, plan))
}

async fn executions(
    s: &mut Session,
    statement: &ClientStatement,
    plan: &CachedPlan,
    catalog: &Arc<Catalog>,
    types: &[u8],
    rows: &[u8],
) -> Result<Sum, Stop> {
    let (mut sum, mut rows) = (Sum::default(), Reader::new(rows));
    loop {
        let row = next_row(&mut rows, types).map_err(|e| match e {
            BulkError::Indicator => PrepareError::BulkOfSeveral.into(),
            BulkError::Malformed(m) => malformed_execute(m),
        })?;
        let Some(row) = row else { return Ok(sum) };
        // The client gets one answer for all.
        let mark = s.io.mark();
        let done = execution(s, statement, plan, catalog, row).await;
        let done = s.branches.settle(done).await;
        let ok = OkPacket::decode(s.io.payload_behind(mark), true);
        s.io.rewind(mark);
        let outcome = done?;
        if let Some(err) = outcome.error {
            return Err(Stop::Server(*err));
        }
        sum.add(outcome, ok.map_err(malformed_execute)?);
    }
}

async fn execution(
    s: &mut Session,
    statement: &ClientStatement,
    plan: &CachedPlan,
    catalog: &Arc<Catalog>,
    row: ParamList,
) -> Done {
    let (nulls, types, values) = row.into_parts();
    let params = locate_params(&nulls, &types, &values, |_| false);
    let params = params.map_err(malformed_execute)?;
    let bound = Bound {
        statement,
        refs: refs_of(&params, &values)?,
        params,
        nulls: &nulls,
        values: &values,
        types,
        long: Vec::new(),
        flags: 0,
        key: statement_key(s, &statement.text, statement.database.as_ref()),
    };
    let run = Run {
        text: &statement.text,
        lexed: &statement.lexed,
        bound: Some(&bound),
        more: 0,
        plan,
        catalog,
    };
    exec::statement(s, run).await
}

impl Sum {
    fn add(&mut self, outcome: Outcome, ok: OkPacket) {
        self.rows += 1;
        self.affected += ok.affected_rows;
        self.duplicates += u64::from(ok.affected_rows != 1);
        self.info = add_info(&self.info, &ok.info);
        if self.insert_id == 0 {
            self.insert_id = ok.last_insert_id;
        }
        match outcome.conditions {
            Conditions::Known(d) => {
                self.warnings = self.warnings.saturating_add(d.count() as u16);
                self.diagnostics.add(*d);
            }
            Conditions::Unfetched(n) => self.warnings = self.warnings.saturating_add(n),
            Conditions::Kept | Conditions::Cleared => {}
        }
        for shard in outcome.shards {
            if !self.shards.contains(&shard) {
                self.shards.push(shard);
            }
        }
    }
}

fn answer(s: &mut Session, sum: Sum, plan: &CachedPlan) -> Outcome {
    let info = match matches!(plan.statement, Statement::Insert(_)) && sum.rows > 1 {
        true => {
            let (rows, duplicates, warnings) = (sum.rows, sum.duplicates, sum.warnings);
            format!("Records: {rows}  Duplicates: {duplicates}  Warnings: {warnings}").into_bytes()
        }
        false => sum.info,
    };
    let ok = OkPacket {
        affected_rows: sum.affected,
        last_insert_id: sum.insert_id,
        warnings: sum.warnings,
        info,
        ..Default::default()
    };
    s.put_ok(ok, 0);
    Outcome {
        path: Path::Several,
        row_count: Some(sum.affected as i64),
        insert_id: Some(sum.insert_id).filter(|id| *id != 0),
        conditions: sum.diagnostics.into(),
        shards: sum.shards,
        ..Outcome::quiet()
    }
}
