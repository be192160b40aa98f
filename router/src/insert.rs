//! INSERT and REPLACE into sharded and reference tables: which row goes where, which ids are needed.

use crate::args::{Args, ParamRef, Source};
use crate::names::{Common, Named};
use crate::plan::{Access, Plan, PlanContext, RoutePlan, Target};
use crate::refusal::Refusal;
use crate::traits::Traits;
use catalog::{KeyValue, Placement, ShardId, Table, Use};
use smallvec::SmallVec;
use sql::insert::{Insert, Row, Source as Rows, Value, ValueKind};
use sql::lexer::{Token, TokenKind};
use std::sync::Arc;

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

/// Rows of one execution, by shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertRoute {
    /// Each shard with its rows, ascending by shard.
    pub shards: SmallVec<[(ShardId, Vec<usize>); 4]>,
}

/// Plans an INSERT or REPLACE.
pub fn plan(
    ctx: PlanContext<'_>,
    text: &[u8],
    tokens: &[Token],
    insert: &Insert,
    names: &Named,
    traits: Traits,
) -> Result<Plan, Refusal> {
    let Some(db) = insert.table.database.as_deref().or(ctx.database) else {
        return Err(Refusal::no_database());
    };
    let Some(table) = ctx.catalog.table(db, &insert.table.name) else {
        return unknown_table(ctx, db, insert, names, traits);
    };
    if let Placement::Single(s) | Placement::View(s) = table.placement {
        return single(s, table, names, traits);
    }
    if let Rows::Select(_) = insert.source {
        return Err(Refusal::unsupported(format!(
            "INSERT ... SELECT into {}, which has rows on several shards, is not supported yet; \
             read the rows and insert them with VALUES",
            table.name
        )));
    }
    if reads_rows(text, tokens) {
        return Err(Refusal::unsupported(format!(
            "a subquery in an INSERT into {}, which has rows on several shards, is not supported; read its \
             value first",
            table.name
        )));
    }
    if insert.returning {
        return Err(Refusal::unsupported(format!(
            "RETURNING is not supported for {}, which has rows on several shards",
            table.name
        )));
    }
    sharded(table, insert, traits).map(|p| Plan::Insert(Box::new(p)))
}

fn unknown_table(
    ctx: PlanContext<'_>,
    db: &str,
    insert: &Insert,
    names: &Named,
    traits: Traits,
) -> Result<Plan, Refusal> {
    // It may be a temporary table of the session, or a table of the server's own schemas: the
    // database's shard knows, and says so if there is none. Rows of other tables cannot come along.
    match names.common() {
        Common::Nothing | Common::Reference => {}
        Common::OneShard(s) if Some(s) == ctx.catalog.default_shard(Some(db)) => {}
        _ => return Err(Refusal::no_such_table(db, &insert.table.name)),
    }
    let shard = ctx
        .catalog
        .default_shard(Some(db))
        .ok_or_else(crate::plan::no_shards)?;
    let target = Target::Fixed(shard);
    Ok(Plan::Route(RoutePlan {
        access: Access::Write,
        target,
        traits,
        tables: SmallVec::new(),
    }))
}

fn single(
    shard: ShardId,
    table: &Arc<Table>,
    names: &Named,
    traits: Traits,
) -> Result<Plan, Refusal> {
    for other in &names.tables {
        match other.placement {
            Placement::Single(s) | Placement::View(s) if s == shard => {}
            Placement::Reference => {}
            _ => {
                return Err(Refusal::unsupported(format!(
                    "{} and {} are not on one shard, so rows cannot be copied between them yet",
                    table.name, other.name
                )));
            }
        }
    }
    let tables = names.tables.iter().map(|t| t.name.clone()).collect();
    let target = Target::Fixed(shard);
    Ok(Plan::Route(RoutePlan {
        access: Access::Write,
        target,
        traits,
        tables,
    }))
}

/// True for a subquery that reads a table, be it the one that is filled: each shard would read its own part.
fn reads_rows(text: &[u8], tokens: &[Token]) -> bool {
    let has = |w: &[u8]| tokens.iter().any(|t| crate::traits::is_word(text, *t, w));
    has(b"SELECT") && has(b"FROM") || has(b"TABLE")
}

fn sharded(table: &Arc<Table>, insert: &Insert, traits: Traits) -> Result<InsertPlan, Refusal> {
    let columns = insert
        .columns
        .as_ref()
        .filter(|c| !c.is_empty())
        .unwrap_or(&table.columns);
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
            if at.is_none() && !is_auto {
                return Err(Refusal {
                    code: 1364,
                    sqlstate: "HY000",
                    message: format!(
                        "Field '{}' is the sharding key of {} and has no value in this INSERT; \
                         name it and give its value",
                        k.name, table.name
                    ),
                });
            }
            key.push(at);
        }
        let assigned = insert.on_duplicate.iter().flatten();
        if let Some(c) = assigned.into_iter().find(|c| s.key_index(c).is_some()) {
            return Err(Refusal::unsupported(format!(
                "ON DUPLICATE KEY UPDATE of the sharding key column {c} of {} is not supported",
                table.name
            )));
        }
    } else if traits.non_deterministic {
        return Err(Refusal::unsupported(
            "a write to a reference table runs on every shard and must do the same everywhere: \
             no RAND or UUID",
        ));
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
                return Err(Refusal {
                    code: 1136,
                    sqlstate: "21S01",
                    message: format!("Column count doesn't match value count at row {}", row + 1),
                });
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
                Some(ParamRef::Bytes(b)) => parse_int(b),
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
        let column = self
            .table
            .auto_increment
            .as_ref()
            .map_or("?", |a| &a.column);
        Refusal::unsupported(format!(
            "the AUTO_INCREMENT column {column} of {} must be given as a whole number, NULL, \
             DEFAULT or not at all",
            self.table.name
        ))
    }

    /// Finds each row's shard. `ids` are the generated ids in order of their rows.
    pub fn route(
        &self,
        args: &Args<'_>,
        ids: &RowIds,
        generated: &[u64],
        all_shards: &[ShardId],
    ) -> Result<InsertRoute, Refusal> {
        let mut shards: SmallVec<[(ShardId, Vec<usize>); 4]> = SmallVec::new();
        let Some(sharding) = self.table.sharding() else {
            let rows: Vec<usize> = (0..self.row_count()).collect();
            shards.extend(all_shards.iter().map(|s| (*s, rows.clone())));
            return Ok(InsertRoute { shards });
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
            let shard = sharding.compiled.shard(&key).map_err(|_| {
                let shown: Vec<_> = self
                    .key
                    .iter()
                    .map(|at| self.show(row, *at, args))
                    .collect();
                Refusal::no_partition(&self.table.name.to_string(), &shown.join(", "))
            })?;
            match shards.iter_mut().find(|(s, _)| *s == shard) {
                Some((_, rows)) => rows.push(row),
                None => shards.push((shard, vec![row])),
            }
        }
        shards.sort_by_key(|(s, _)| *s);
        Ok(InsertRoute { shards })
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
        let source = match value.map(|v| v.kind) {
            Some(ValueKind::Literal { token, negated }) => Source::Literal { token, negated },
            Some(ValueKind::Param(n)) => Source::Param(n),
            Some(ValueKind::Null) => Source::Null,
            Some(ValueKind::Default) | None => {
                return Err(Refusal::unsupported(format!(
                    "the sharding key column {} of {} must be given a value, not its default",
                    column.name, self.table.name
                )));
            }
            Some(ValueKind::Expression) => {
                return Err(Refusal::unsupported(format!(
                    "the sharding key column {} of {} must be a literal or a parameter in an \
                     INSERT, not an expression",
                    column.name, self.table.name
                )));
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
        Err(Refusal::unsupported(format!(
            "the value {} of the sharding key column {} of {} cannot be placed: {why}",
            args.show(source),
            column.name,
            self.table.name
        )))
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
