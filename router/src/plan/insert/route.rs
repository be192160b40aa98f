//! Values of one execution of an INSERT: ids of its rows, and the shard of each.

use super::{InsertPlan, Part, PartSql};
use crate::Refusal;
use crate::args::{Args, ParamRef, Source};
use crate::plan::RouteContext;
use crate::plan::forward::check_write;
use catalog::{KeyColumn, KeyValue, ShardId, Use};
use errors::InsertError;
use smallvec::SmallVec;
use sql::insert::ValueKind;
use sql::lexer::{Op, TokenKind};
use sql::{Flavor, LexMode, Lexed};

/// What happens to a row's AUTO_INCREMENT value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowId {
    /// The table has none, or it is not ours.
    None,
    /// The statement gives it.
    Given(u64),
    /// We give it.
    Generated,
}

impl RowId {
    /// The id that the statement gives.
    pub fn given(&self) -> Option<u64> {
        match self {
            RowId::Given(id) => Some(*id),
            _ => None,
        }
    }
}

/// Ids of all rows of one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowIds {
    /// One entry a row.
    pub rows: Vec<RowId>,
    /// How many are to be generated.
    pub generate: u64,
    /// The largest id that the statement gives itself.
    pub given_max: Option<u64>,
}

/// One execution of an INSERT, split by shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertRoute {
    /// What goes where, ascending by shard.
    pub parts: Vec<Part>,
    /// Every shard gets the same rows; they count once.
    pub replicated: bool,
    /// The insert id that the client is given, if the shards cannot say it.
    pub insert_id: Option<u64>,
}

impl InsertPlan {
    /// Decides every row's AUTO_INCREMENT value. `zero_is_value` is NO_AUTO_VALUE_ON_ZERO.
    pub fn row_ids(&self, args: &Args<'_>, zero_is_value: bool) -> Result<RowIds, Refusal> {
        let mut out = RowIds {
            rows: Vec::new(),
            generate: 0,
            given_max: None,
        };
        for row in 0..self.row_count() {
            let n = self.values(row).len();
            if n != self.width
                && !(n == 0 && self.insert.columns.as_ref().is_none_or(Vec::is_empty))
            {
                return Err(InsertError::ColumnCount { row: row + 1 }.into());
            }
            let id = self.row_id(row, args, zero_is_value)?;
            match id {
                RowId::Generated => out.generate += 1,
                RowId::Given(n) => out.given_max = Some(out.given_max.unwrap_or(0).max(n)),
                RowId::None => {}
            }
            out.rows.push(id);
        }
        Ok(out)
    }

    fn row_id(&self, row: usize, args: &Args<'_>, zero_is_value: bool) -> Result<RowId, Refusal> {
        if self.auto.is_none() {
            return Ok(RowId::None);
        }
        let Some(value) = self.auto_value(row) else {
            return Ok(RowId::Generated);
        };
        let given = match value.kind {
            ValueKind::Null | ValueKind::Default => return Ok(RowId::Generated),
            ValueKind::Expression => return Err(self.odd_id()),
            ValueKind::Param(n) => match args.params.get(usize::from(n)) {
                Some(ParamRef::Null) | None => return Ok(RowId::Generated),
                Some(ParamRef::Int(v)) => Some(*v),
                Some(ParamRef::Double(d)) if d.fract() == 0.0 => Some(*d as i128),
                Some(ParamRef::Bytes(b) | ParamRef::Decimal(b)) => parse_int(b),
                _ => None,
            },
            ValueKind::Literal { token, negated } => {
                let t = args.tokens.get(token as usize);
                let raw = t.and_then(|t| args.text.get(t.range())).unwrap_or_default();
                let v = match t.map(|t| t.kind) {
                    Some(TokenKind::Int) => parse_int(raw),
                    Some(TokenKind::Str) => raw.get(1..raw.len() - 1).and_then(parse_int),
                    _ => None,
                };
                v.map(|v| if negated { -v } else { v })
            }
        };
        match given {
            None => Err(self.odd_id()),
            Some(0) if !zero_is_value => Ok(RowId::Generated),
            Some(n) => Ok(RowId::Given(u64::try_from(n).unwrap_or(0))),
        }
    }

    fn odd_id(&self) -> Refusal {
        let auto = self.table.auto_increment.as_ref();
        InsertError::OddId {
            column: auto.map_or_else(String::new, |a| a.column.clone()),
            table: self.table.name.to_string(),
        }
        .into()
    }

    /// Finds each row's shard, and the statement that each shard gets. `generated` are the generated ids
    /// in order of their rows.
    pub fn route(
        &self,
        cx: &RouteContext<'_>,
        ids: &RowIds,
        generated: &[u64],
    ) -> Result<InsertRoute, Refusal> {
        if let (Some(id), Some(_), false) = (
            self.table.sequence_key(),
            ids.given_max,
            cx.session.explicit_ids,
        ) {
            let (column, table) = (id.to_string(), self.table.name.to_string());
            return Err(InsertError::GivenId { column, table }.into());
        }
        let placed = self.place(cx, ids, generated)?;
        if placed.len() > 1 {
            check_write(self.traits, cx.session)?;
        }
        let replicated = self.table.sharding().is_none();
        let part = |(shard, rows): (ShardId, Vec<usize>)| {
            let named = replicated || !self.lists_no_columns();
            let unchanged = named && ids.generate == 0 && (replicated || placed.len() == 1);
            let sql = match unchanged {
                true => PartSql::AsSent,
                false => self.split(cx, ids, generated, &rows),
            };
            Part {
                shard,
                rows: rows.len(),
                sql,
            }
        };
        let parts = placed.clone().into_iter().map(part).collect();
        // Of one row the shard says the id itself; of several, it would say the last.
        let insert_id = generated.first().copied().or(ids.given_max);
        Ok(InsertRoute {
            parts,
            replicated,
            insert_id: insert_id.filter(|_| self.row_count() > 1),
        })
    }

    /// Each shard with its rows, ascending by shard.
    fn place(
        &self,
        cx: &RouteContext<'_>,
        ids: &RowIds,
        generated: &[u64],
    ) -> Result<SmallVec<[(ShardId, Vec<usize>); 4]>, Refusal> {
        let args = &cx.args;
        let mut shards: SmallVec<[(ShardId, Vec<usize>); 4]> = SmallVec::new();
        let Some(sharding) = self.table.sharding() else {
            let rows: Vec<usize> = (0..self.row_count()).collect();
            shards.extend(cx.catalog.shards.keys().map(|s| (*s, rows.clone())));
            return Ok(shards);
        };
        let mut next = generated.iter().copied();
        for row in 0..self.row_count() {
            let id = match ids.rows.get(row) {
                Some(RowId::Generated) => next.next(),
                _ => None,
            };
            let mut key: SmallVec<[KeyValue; 2]> = SmallVec::new();
            for (k, at) in self.key.iter().enumerate() {
                key.push(self.key_value(row, k, *at, id, args)?);
            }
            let shard = sharding.shard(&key).map_err(|_| {
                let values = self.key.iter().map(|at| self.show(row, *at, args));
                InsertError::NoPartition {
                    table: self.table.name.to_string(),
                    values: values.collect(),
                }
            })?;
            match shards.iter_mut().find(|(s, _)| *s == shard) {
                Some((_, rows)) => rows.push(row),
                None => shards.push((shard, vec![row])),
            }
        }
        shards.sort_by_key(|(s, _)| *s);
        Ok(shards)
    }

    fn key_value(
        &self,
        row: usize,
        k: usize,
        at: Option<usize>,
        generated: Option<u64>,
        args: &Args<'_>,
    ) -> Result<KeyValue, Refusal> {
        let sharding = self.table.sharding().map(|s| &s.key[k]);
        let Some(column) = sharding else {
            return Ok(KeyValue::Null);
        };
        let is_auto = self
            .table
            .auto_increment
            .as_ref()
            .is_some_and(|a| a.column.eq_ignore_ascii_case(&column.name));
        if let Some(id) = generated.filter(|_| is_auto) {
            return Ok(KeyValue::Number(id.into()));
        }
        let value = at.and_then(|i| self.values(row).get(i));
        let names = || (column.name.clone(), self.table.name.to_string());
        let source = match value.map(|v| v.kind) {
            Some(ValueKind::Literal { token, negated }) => Source::Literal { token, negated },
            Some(ValueKind::Param(n)) => Source::Param(n),
            Some(ValueKind::Null) => Source::Null,
            Some(ValueKind::Default) | None => {
                return self.default_value(column).ok_or_else(|| {
                    let (column, table) = names();
                    InsertError::KeyDefault { column, table }.into()
                });
            }
            Some(ValueKind::Expression) => {
                let (column, table) = names();
                return Err(InsertError::KeyExpression { column, table }.into());
            }
        };
        let value = args.key_value(source, &column.kind, Use::Store);
        let why = match value {
            Ok(KeyValue::Null) if self.may_change_null(args) => {
                "a NOT NULL column would get another value for it under IGNORE, or in one of several \
                 rows without STRICT_TRANS_TABLES"
            }
            Ok(value) => return Ok(value),
            Err(why) => why.0,
        };
        let (column, table) = names();
        let value = args.show(source);
        Err(InsertError::KeyNotPlaced {
            value,
            column,
            table,
            why,
        }
        .into())
    }

    /// What the server stores in a key column that has no value: its default, if that is a constant.
    fn default_value(&self, key: &KeyColumn) -> Option<KeyValue> {
        let column = self.table.definition.column(&key.name)?;
        let Some(text) = column.default.as_deref() else {
            return column.nullable.then_some(KeyValue::Null);
        };
        let mode = LexMode::default();
        let lexed = Lexed::new(text.as_bytes(), mode, Flavor::default()).ok()?;
        let (token, negated) = match lexed.tokens.as_slice() {
            [_] => (0, false),
            [sign, _] if sign.kind == TokenKind::Op(Op::Minus) => (1, true),
            _ => return None,
        };
        let args = Args {
            text: text.as_bytes(),
            tokens: &lexed.tokens,
            mode,
            utf8: true,
            params: &[],
        };
        let source = Source::Literal { token, negated };
        args.key_value(source, &key.kind, Use::Store).ok()
    }

    /// True if the server may store something else where the statement says NULL. Whether a column is
    /// NOT NULL the catalog does not know.
    fn may_change_null(&self, args: &Args<'_>) -> bool {
        self.insert.ignore || args.mode.lenient && self.row_count() > 1
    }

    fn show(&self, row: usize, at: Option<usize>, args: &Args<'_>) -> String {
        match at.and_then(|i| self.values(row).get(i)).map(|v| v.kind) {
            Some(ValueKind::Literal { token, negated }) => {
                args.show(Source::Literal { token, negated })
            }
            Some(ValueKind::Param(n)) => args.show(Source::Param(n)),
            _ => "NULL".to_string(),
        }
    }
}

fn parse_int(raw: &[u8]) -> Option<i128> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}
