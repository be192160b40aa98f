//! COM_STMT_EXECUTE: parameters are located, and the statement runs like any other.

use crate::exec::request::{Execute as ExecuteRequest, LongData, Request};
use crate::exec::{self, Run};
use crate::plans::CachedPlan;
use crate::session::statements::ClientStatement;
use crate::session::{Done, Session, Stop};
use crate::worker::in_use::Using;
use catalog::temporal::DateTime;
use catalog::{Catalog, ShardId};
use errors::PrepareError;
use router::args::ParamRef;
use router::plan::insert::Param as InsertParam;
use router::{Local, Plan};
use smallvec::SmallVec;
use std::rc::Rc;
use std::sync::Arc;
use wire::command::execute::{BoundParam, Execute, ParamList, locate_params};
use wire::value::ParamValue;

/// One execution: a statement and its parameters.
pub(crate) struct Bound<'a> {
    /// The statement.
    pub statement: &'a ClientStatement,
    /// Where each parameter is.
    pub params: SmallVec<[BoundParam; 8]>,
    /// The parameters as routing sees them.
    pub refs: Vec<ParamRef<'a>>,
    /// Null bitmap.
    pub nulls: &'a [u8],
    /// The values.
    pub values: &'a [u8],
    /// Two bytes a parameter.
    pub types: Vec<u8>,
    /// Parameters that came as long data.
    pub long: LongData,
    /// Cursor flags.
    pub flags: u8,
    /// The worker's number of the text.
    pub key: u64,
}

impl Bound<'_> {
    /// The execution as it is.
    pub(crate) fn request(&self) -> Request {
        self.execution(self.statement.text.clone(), self.key, self.flags)
    }

    /// The execution with another text, which has the same parameters; never with a cursor.
    pub(crate) fn request_with(&self, text: Vec<u8>, key: u64) -> Request {
        self.execution(text.into(), key, 0)
    }

    fn execution(&self, text: Rc<[u8]>, key: u64, flags: u8) -> Request {
        Request::Execute(Rc::new(ExecuteRequest {
            key,
            text,
            flags,
            nulls: self.nulls.to_vec(),
            types: self.types.clone(),
            values: self.values.to_vec(),
            long: self.long.clone(),
        }))
    }

    /// The execution with another text and other parameters.
    pub(crate) fn request_of(&self, text: Rc<[u8]>, key: u64, params: &[InsertParam]) -> Request {
        let mut list = ParamList::default();
        let mut long = Vec::new();
        for param in params {
            match param {
                InsertParam::Id(id) => list.push_u64(*id),
                InsertParam::Client(n) => self.copy_param(*n, &mut list, &mut long),
            }
        }
        let (nulls, types, values) = list.into_parts();
        Request::Execute(Rc::new(ExecuteRequest {
            key,
            text,
            flags: 0,
            nulls,
            types,
            values,
            long,
        }))
    }

    /// Appends parameter `n` to a list for another text.
    pub(crate) fn copy_param(&self, n: u16, list: &mut ParamList, long: &mut LongData) {
        let Some(p) = self.params.get(usize::from(n)) else {
            return;
        };
        if let Some((_, bytes)) = self.long.iter().find(|(i, _)| *i == n) {
            long.push((list.len() as u16, bytes.clone()));
        }
        let bytes = p.at.clone().and_then(|at| self.values.get(at));
        list.push(p.kind, bytes, p.long);
    }
}

fn param_ref<'a>(value: Option<ParamValue<'a>>) -> ParamRef<'a> {
    match value {
        None | Some(ParamValue::Time) => ParamRef::Opaque,
        Some(ParamValue::Null) => ParamRef::Null,
        Some(ParamValue::Int(n)) => ParamRef::Int(n.into()),
        Some(ParamValue::UInt(n)) => ParamRef::Int(n.into()),
        Some(ParamValue::Double(d)) => ParamRef::Double(d),
        Some(ParamValue::Decimal(b)) => ParamRef::Decimal(b),
        Some(ParamValue::Bytes(b)) => ParamRef::Bytes(b),
        Some(ParamValue::Binary(b)) => ParamRef::Binary(b),
        Some(ParamValue::DateTime {
            parts: (y, m, d, h, i, s),
            micros,
            ..
        }) => ParamRef::DateTime(DateTime::new((y, m, d), (h, i, s), micros)),
    }
}

/// ER_WRONG_ARGUMENTS.
pub(super) fn malformed_execute(e: wire::Malformed) -> Stop {
    let detail = e.to_string();
    PrepareError::WrongArguments { detail }.into()
}

/// Runs a prepared statement.
pub(super) async fn run(s: &mut Session, body: &[u8]) -> Done {
    let id = wire::command::execute::statement_id(body).map_err(malformed_execute)?;
    let statement = s.client.statements.get(id, "mysqld_stmt_execute")?;
    let e = Execute::decode(body, statement.params).map_err(malformed_execute)?;
    let types = types_of(&statement, e.types)?;
    let long = std::mem::take(&mut *statement.long.borrow_mut());
    let is_long = |i: usize| long.iter().any(|(n, _)| usize::from(*n) == i);
    let params = locate_params(e.null_bitmap, &types, e.values, is_long);
    let params = params.map_err(malformed_execute)?;
    let refs = refs_of(&params, e.values)?;
    let key = statement_key(s, &statement.text, statement.database.as_ref());
    let bound = Bound {
        statement: &statement,
        params,
        refs,
        nulls: e.null_bitmap,
        values: e.values,
        types,
        long,
        flags: e.flags,
        key,
    };
    in_its_database(s, &statement, async |s, plan, catalog| {
        let run = Run {
            text: &statement.text,
            lexed: &statement.lexed,
            bound: Some(&bound),
            more: 0,
            plan,
            catalog,
        };
        exec::statement(s, run).await
    })
    .await
}

/// The types that a client sent, this time or the last.
pub(super) fn types_of(statement: &ClientStatement, sent: Option<&[u8]>) -> Result<Vec<u8>, Stop> {
    if let Some(types) = sent {
        statement.types.borrow_mut().clear();
        statement.types.borrow_mut().extend_from_slice(types);
    }
    let types = statement.types.borrow().clone();
    match types.len() == statement.params * 2 {
        true => Ok(types),
        false => Err(malformed_execute(wire::Malformed(
            "parameter types were never sent",
        ))),
    }
}

/// Parameters as routing sees them.
pub(super) fn refs_of<'v>(
    params: &[BoundParam],
    values: &'v [u8],
) -> Result<Vec<ParamRef<'v>>, Stop> {
    let mut refs = Vec::with_capacity(params.len());
    for p in params {
        refs.push(param_ref(p.value(values).map_err(malformed_execute)?));
    }
    Ok(refs)
}

/// Runs a statement with its plan of now.
pub(super) async fn in_its_database(
    s: &mut Session,
    statement: &ClientStatement,
    run: impl AsyncFnOnce(&mut Session, &Rc<CachedPlan>, &Arc<Catalog>) -> Done,
) -> Done {
    let now = s.worker.shared.registry.now_ms();
    s.client.info.begin("Execute", &statement.text, now);
    // The statement means the database that was current when it was prepared.
    let current = std::mem::replace(&mut s.client.database, statement.database.clone());
    let catalog = s.worker.catalog();
    let plan = current_plan(s, statement, &catalog);
    let done = run(s, &plan, &catalog).await;
    let uses = matches!(&plan.plan, Plan::Local(l) if matches!(**l, Local::Use(_)));
    if !uses {
        s.client.database = current;
    }
    done
}

/// The plan of a prepared statement against this catalog.
fn current_plan(s: &Session, statement: &ClientStatement, catalog: &Catalog) -> Rc<CachedPlan> {
    if statement.plan.borrow().0 != catalog.epoch {
        let mut lexed = statement.lexed.clone();
        lexed
            .key
            .truncate(lexed.key.iter().rposition(|b| *b == 0xff).unwrap_or(0));
        let plan = exec::plan(&s.worker, &s.client, catalog, &statement.text, &mut lexed);
        *statement.plan.borrow_mut() = (catalog.epoch, plan);
    }
    statement.plan.borrow().1.clone()
}

/// The worker's number of a text under the session's settings.
pub(crate) fn statement_key(s: &Session, text: &[u8], database: Option<&Rc<str>>) -> u64 {
    let mut key = Vec::with_capacity(text.len() + 64);
    key.extend_from_slice(text);
    key.push(0xff);
    key.extend_from_slice(database.map_or("", |d| d).as_bytes());
    key.push(0xff);
    // What the server's parser looked at when it prepared.
    for name in ["sql_mode", "character_set_client", "collation_connection"] {
        let value = s.client.settings.all.get(name).unwrap_or_default();
        key.extend_from_slice(value.as_bytes());
        key.push(0xff);
    }
    // The definitions that a server gives differ.
    key.push(u8::from(s.client.class.extended_metadata));
    s.worker.text_number(&key)
}

/// Notes the cursor that an execution opened on a shard, or that it opened none (`uses` is `None` then).
pub(crate) fn note_cursor(
    s: &mut Session,
    bound: &Bound<'_>,
    shard: ShardId,
    uses: Option<Using>,
) -> Result<(), Stop> {
    let open = uses.is_some();
    let branch = s.branches.get(shard).filter(|_| open);
    let id = match branch {
        Some(branch) => branch.conn()?.prepared.get(bound.key),
        None => None,
    };
    bound.statement.cursor.set(id.map(|id| (shard, id)));
    let uses = uses.filter(|_| id.is_some());
    bound.statement.cursor_uses.set(uses);
    if id.is_none() {
        super::fetch::unpin(s, shard);
    }
    Ok(())
}

/// Before an execution opens a cursor: the one that the statement has is closed.
pub(crate) fn close_old_cursor(s: &mut Session, bound: &Bound<'_>) {
    super::fetch::close_cursor(s, bound.statement);
}
