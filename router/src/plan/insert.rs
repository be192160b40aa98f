//! INSERT and REPLACE into sharded and reference tables: which row goes where, which ids are needed.

mod route;
mod split;

use crate::Refusal;
use crate::analyze::unknown_call::unknown_call;
use crate::names::Common;
use crate::plan::{Access, Forward, Plan, Read, Target};
use crate::traits::Traits;
use catalog::{Placement, ShardId, Table, TableName};
use errors::{InsertError, WriteError};
use smallvec::SmallVec;
use sql::cursor::Cursor;
use sql::insert::{Insert, InsertSource as Rows, Row, Value};
use sql::lexer::{Op, Token, TokenKind};
use std::sync::Arc;

pub use route::{InsertRoute, RowId, RowIds};
pub use split::{Param, Part, PartSql};

/// A planned INSERT.
#[derive(Debug, Clone)]
pub struct InsertPlan {
    /// The table.
    pub table: Arc<Table>,
    /// The statement's parts.
    pub insert: Insert,
    /// What it asks of the connection.
    pub traits: Traits,
    /// Place of each key column in a row; `None` if the ids fill it.
    key: SmallVec<[Option<usize>; 2]>,
    /// Place of the AUTO_INCREMENT column in a row; `Some(None)` if the statement leaves it out.
    auto: Option<Option<usize>>,
    /// Values that each row must have.
    width: usize,
}

/// Plans an INSERT or REPLACE.
pub(super) fn plan(read: Read<'_>, insert: &Insert) -> Result<Plan, Refusal> {
    let ctx = read.ctx;
    let Some(db) = insert.table.database.as_deref().or(ctx.database) else {
        return Err(Refusal::no_database());
    };
    let Some(table) = ctx.catalog.table(db, &insert.table.name) else {
        return unknown_table(read, db, insert);
    };
    if let Placement::Single(s) | Placement::View(s) = table.placement {
        return single(read, s, table);
    }
    if let Rows::Select(_) = insert.source {
        let table = table.name.to_string();
        return Err(InsertError::InsertSelect { table }.into());
    }
    if reads_rows(read.text, read.tokens) {
        let table = table.name.to_string();
        return Err(InsertError::InsertSubquery { table }.into());
    }
    if insert.returning {
        let table = table.name.to_string();
        return Err(InsertError::Returning { table }.into());
    }
    sharded(read, table, insert).map(|p| Plan::Insert(Box::new(p)))
}

/// It may be a temporary table of the session, or a table of the server's own schemas: the database's
/// shard knows, and says so if there is none. Rows of other tables cannot come along.
fn unknown_table(read: Read<'_>, db: &str, insert: &Insert) -> Result<Plan, Refusal> {
    let home = read.ctx.catalog.default_shard(Some(db));
    match read.names.common() {
        Common::Nothing | Common::Reference => {}
        Common::OneShard(s) if Some(s) == home => {}
        _ => return Err(Refusal::no_such_table(db, &insert.table.name)),
    }
    let shard = home.ok_or_else(crate::plan::no_shards)?;
    Ok(on_one_shard(read, shard, SmallVec::new()))
}

fn single(read: Read<'_>, shard: ShardId, table: &Arc<Table>) -> Result<Plan, Refusal> {
    for other in &read.names.tables {
        match other.placement {
            Placement::Single(s) | Placement::View(s) if s == shard => {}
            Placement::Reference => {}
            _ => {
                let (table, source) = (table.name.to_string(), other.name.to_string());
                return Err(InsertError::CopyApart { table, source }.into());
            }
        }
    }
    let tables = read.names.tables.iter().map(|t| t.name.clone()).collect();
    Ok(on_one_shard(read, shard, tables))
}

fn on_one_shard(read: Read<'_>, shard: ShardId, tables: SmallVec<[TableName; 2]>) -> Plan {
    Plan::Forward(Forward {
        access: Access::Write,
        target: Target::Fixed(shard),
        traits: read.traits,
        tables,
        pin: None,
        together: None,
    })
}

/// True for a subquery that reads a table, be it the one that is filled: each shard would read its own part.
fn reads_rows(text: &[u8], tokens: &[Token]) -> bool {
    let has = |w: &[u8]| tokens.iter().any(|t| crate::traits::is_word(text, *t, w));
    has(b"SELECT") && has(b"FROM") || has(b"TABLE")
}

/// True if ON DUPLICATE KEY UPDATE leaves the id of a row as it is: `id = LAST_INSERT_ID(id)` does.
fn keeps_id(read: Read<'_>, insert: &Insert, id: &str) -> bool {
    let is_id = |name: &String| name.eq_ignore_ascii_case(id);
    let assigned = insert.on_duplicate.iter().flatten();
    match assigned.filter(|c| is_id(c)).count() {
        0 => return true,
        1 => {}
        _ => return false,
    }
    let mut c = Cursor::new(read.text, read.tokens, read.ctx.mode);
    let start = insert.tail as usize;
    let (mut depth, mut starts) = (0, false);
    for (i, token) in read.tokens.iter().enumerate().skip(start) {
        c.index = i;
        // Only where an assignment begins, not where a value compares.
        if starts && c.name().as_ref().is_some_and(is_id) {
            return c.eat_op(Op::Eq)
                && c.eat("LAST_INSERT_ID")
                && c.eat_op(Op::LParen)
                && c.name().as_ref().is_some_and(is_id)
                && c.eat_op(Op::RParen)
                && (c.at_end() || c.eat_op(Op::Comma));
        }
        c.index = i;
        starts = depth == 0 && (c.is_word("UPDATE") || c.is_op(Op::Comma));
        match token.kind {
            TokenKind::Op(Op::LParen) => depth += 1,
            TokenKind::Op(Op::RParen) => depth -= 1,
            _ => {}
        }
    }
    false
}

/// A function in the rows, or behind them, that each shard may answer in its own way.
fn unknown_in_rows(read: Read<'_>, insert: &Insert) -> Option<String> {
    let is = |t: &Token, w: &[u8]| crate::traits::is_word(read.text, *t, w);
    let words: [&[u8]; 3] = [b"VALUES", b"VALUE", b"SET"];
    let behind = insert.columns_close.map_or(0, |at| at as usize);
    let tokens = read.tokens.get(behind..)?;
    let start = tokens.iter().position(|t| words.iter().any(|w| is(t, w)))?;
    unknown_call(read.text, &tokens[start..], read.ctx.flavor)
}

fn sharded(read: Read<'_>, table: &Arc<Table>, insert: &Insert) -> Result<InsertPlan, Refusal> {
    let traits = read.traits;
    let listed = insert.columns.as_ref().filter(|c| !c.is_empty());
    let columns: Vec<&str> = match listed {
        Some(names) => names.iter().map(String::as_str).collect(),
        None => table.definition.visible().map(|c| &*c.name).collect(),
    };
    let place = |name: &str| columns.iter().position(|c| c.eq_ignore_ascii_case(name));
    let auto = table.auto_increment.as_ref().map(|a| place(&a.column));
    let mut key = SmallVec::new();
    if let Some(s) = table.sharding() {
        for k in &s.key {
            let at = place(&k.name);
            let is_auto = table
                .auto_increment
                .as_ref()
                .is_some_and(|a| a.column.eq_ignore_ascii_case(&k.name));
            if at.is_none() && !is_auto && !has_default(table, &k.name) {
                let (column, table) = (k.name.clone(), table.name.to_string());
                return Err(InsertError::KeyMissing { column, table }.into());
            }
            key.push(at);
        }
        let assigned = insert.on_duplicate.iter().flatten();
        if let Some(c) = assigned.into_iter().find(|c| s.key_index(c).is_some()) {
            let (column, table) = (c.clone(), table.name.to_string());
            return Err(InsertError::DuplicateKeyUpdated { column, table }.into());
        }
        if let Some(id) = table.sequence_key()
            && !keeps_id(read, insert, id)
        {
            let (column, table) = (id.to_string(), table.name.to_string());
            return Err(InsertError::GivenIdUpdated { column, table }.into());
        }
    } else if traits.non_deterministic {
        return Err(InsertError::ReferenceInsertDiffers.into());
    } else if let Some(function) = unknown_in_rows(read, insert) {
        return Err(WriteError::ReferenceFunction { function }.into());
    }
    let width = columns.len();
    Ok(InsertPlan {
        table: table.clone(),
        insert: insert.clone(),
        traits,
        key,
        auto,
        width,
    })
}

/// True if a row without a value for the column gets one, be it NULL.
fn has_default(table: &Table, column: &str) -> bool {
    let column = table.definition.column(column);
    column.is_some_and(|c| !c.data_type.is_empty() && (c.nullable || c.default.is_some()))
}

impl InsertPlan {
    /// True if the rows follow the table's own order of columns: `INSERT INTO t VALUES (1, 2)`.
    pub fn lists_no_columns(&self) -> bool {
        self.insert.columns.is_none() && !self.rows().is_empty() && !self.is_empty_row(0)
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        match &self.insert.source {
            Rows::Values(rows) => rows.len(),
            _ => 1,
        }
    }

    /// The rows of VALUES; empty for SET.
    pub fn rows(&self) -> &[Row] {
        match &self.insert.source {
            Rows::Values(rows) => rows,
            _ => &[],
        }
    }

    /// Values of a row.
    pub fn values(&self, row: usize) -> &[Value] {
        match &self.insert.source {
            Rows::Values(rows) => rows.get(row).map_or(&[], |r| &r.values),
            Rows::Set(values) => values,
            Rows::Select(_) => &[],
        }
    }

    /// True if a row is `()` and every column takes its default.
    pub fn is_empty_row(&self, row: usize) -> bool {
        self.values(row).is_empty()
    }

    /// The value that stands for the AUTO_INCREMENT column in `row`, if the row has one.
    pub fn auto_value(&self, row: usize) -> Option<&Value> {
        self.values(row).get(self.auto.flatten()?)
    }
}
