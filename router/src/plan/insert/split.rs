//! The statement that one shard gets of a split INSERT: its rows, with generated ids in their places.

use super::{InsertPlan, RowId, RowIds};
use crate::plan::RouteContext;
use catalog::ShardId;
use sql::insert::{InsertSource, ValueKind, bytes_of};
use sql::splice::Splices;

/// What one shard gets of an INSERT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The shard.
    pub shard: ShardId,
    /// How many rows.
    pub rows: usize,
    /// The statement.
    pub sql: PartSql,
}

/// A statement for one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartSql {
    /// As the client sent it.
    AsSent,
    /// With only this shard's rows, and ids where they were missing.
    Changed {
        /// The text.
        text: Vec<u8>,
        /// Its parameters, if it is a prepared statement.
        params: Vec<Param>,
    },
}

/// A parameter of a changed statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// The client's, by number.
    Client(u16),
    /// A generated id.
    Id(u64),
}

/// An INSERT for one shard, as it is put together.
struct Build<'a, 'c> {
    plan: &'a InsertPlan,
    cx: &'a RouteContext<'c>,
    ids: &'a RowIds,
    generated: &'a [u64],
    rows: &'a [usize],
}

impl InsertPlan {
    pub(super) fn split(
        &self,
        cx: &RouteContext<'_>,
        ids: &RowIds,
        generated: &[u64],
        rows: &[usize],
    ) -> PartSql {
        let build = Build {
            plan: self,
            cx,
            ids,
            generated,
            rows,
        };
        if cx.session.prepared {
            let text = build.text(|| "?".to_string());
            let params = build.params();
            return PartSql::Changed { text, params };
        }
        let mut id = build.generated_in_rows().into_iter();
        let text = build.text(|| id.next().map_or_else(String::new, |n| n.to_string()));
        PartSql::Changed {
            text,
            params: Vec::new(),
        }
    }
}

impl Build<'_, '_> {
    /// Generated ids of this shard's rows, in their order.
    fn generated_in_rows(&self) -> Vec<u64> {
        let mut all = self.generated.iter().copied();
        let by_row: Vec<Option<u64>> = self
            .ids
            .rows
            .iter()
            .map(|r| {
                if *r == RowId::Generated {
                    all.next()
                } else {
                    None
                }
            })
            .collect();
        self.rows
            .iter()
            .filter_map(|r| by_row.get(*r).copied().flatten())
            .collect()
    }

    fn is_generated(&self, row: usize) -> bool {
        self.ids.rows.get(row) == Some(&RowId::Generated)
    }

    /// True if the id of this row takes the place of a parameter.
    fn replaces_param(&self, row: usize) -> bool {
        matches!(
            self.plan.auto_value(row).map(|v| v.kind),
            Some(ValueKind::Param(_))
        )
    }

    /// The statement with only this shard's rows, and `id()` wherever an id is generated.
    fn text(&self, mut id: impl FnMut() -> String) -> Vec<u8> {
        let (text, tokens) = (self.cx.args.text, self.cx.args.tokens);
        let insert = &self.plan.insert;
        let mut splices = Splices::default();
        if let InsertSource::Set(_) = insert.source {
            self.set_splices(&mut splices, &mut id);
            return splices.apply(text);
        }
        let rows = self.plan.rows();
        let span = |r: &std::ops::Range<u32>| bytes_of(tokens, r);
        let Some(last) = rows.last() else {
            return text.to_vec();
        };
        let mut body = Vec::new();
        for (i, &row) in self.rows.iter().enumerate() {
            if i > 0 {
                body.extend_from_slice(b", ");
            }
            self.put_row(row, &mut body, &mut id);
        }
        splices.replace(
            self.start_of(self.rows_start())..span(&last.tokens).end,
            body,
        );
        self.column_splice(&mut splices);
        splices.apply(text)
    }

    /// Token of the first row: its parenthesis, or the word ROW in front of it (MySQL 8), which goes.
    fn rows_start(&self) -> u32 {
        let first = self.plan.rows().first().map_or(1, |r| r.tokens.start);
        let before = self.cx.args.tokens.get(first.saturating_sub(1) as usize);
        let row = before.is_some_and(|t| crate::traits::is_word(self.cx.args.text, *t, b"ROW"));
        first - u32::from(row)
    }

    /// Byte where a token begins.
    fn start_of(&self, token: u32) -> usize {
        let token = self.cx.args.tokens.get(token as usize);
        token.map_or(0, |t| t.start as usize)
    }

    /// Byte where the word VALUES begins.
    fn values_start(&self) -> usize {
        self.start_of(self.rows_start().saturating_sub(1))
    }

    /// A statement without a column list gets one; one that left the id's column out gets that.
    fn column_splice(&self, splices: &mut Splices) {
        if self.plan.lists_no_columns() {
            let at = self.values_start();
            let columns = self.plan.table.definition.visible();
            let names: Vec<_> = columns.map(|c| sql::ident::quote_name(&c.name)).collect();
            return splices.replace(at..at, format!("({}) ", names.join(", ")));
        }
        let Some(auto) = &self.plan.table.auto_increment else {
            return;
        };
        let left_out = self
            .rows
            .iter()
            .any(|r| self.is_generated(*r) && self.plan.auto_value(*r).is_none());
        if !left_out {
            return;
        }
        let tokens = self.cx.args.tokens;
        let name = sql::ident::quote_name(&auto.column);
        let at = |i: u32| tokens.get(i as usize).map_or(0, |t| t.start as usize);
        match (self.plan.insert.columns_close, &self.plan.insert.columns) {
            (Some(close), Some(columns)) if columns.is_empty() => {
                splices.replace(at(close)..at(close), name);
            }
            (Some(close), _) => splices.replace(at(close)..at(close), format!(", {name}")),
            // `INSERT INTO t VALUES ()`: VALUES is the token in front of the first row.
            (None, _) => {
                let values = self.values_start();
                splices.replace(values..values, format!("({name}) "));
            }
        }
    }

    fn put_row(&self, row: usize, out: &mut Vec<u8>, id: &mut impl FnMut() -> String) {
        let (text, tokens) = (self.cx.args.text, self.cx.args.tokens);
        let Some(r) = self.plan.rows().get(row) else {
            return;
        };
        let whole = bytes_of(tokens, &r.tokens);
        if !self.is_generated(row) {
            return out.extend_from_slice(&text[whole]);
        }
        match self.plan.auto_value(row) {
            Some(v) => {
                let v = bytes_of(tokens, &v.tokens);
                out.extend_from_slice(&text[whole.start..v.start]);
                out.extend_from_slice(id().as_bytes());
                out.extend_from_slice(&text[v.end..whole.end]);
            }
            None => {
                let end = whole.end.saturating_sub(1);
                out.extend_from_slice(&text[whole.start..end]);
                if !self.plan.is_empty_row(row) {
                    out.extend_from_slice(b", ");
                }
                out.extend_from_slice(id().as_bytes());
                out.push(b')');
            }
        }
    }

    fn set_splices(&self, splices: &mut Splices, id: &mut impl FnMut() -> String) {
        let tokens = self.cx.args.tokens;
        if !self.is_generated(0) {
            return;
        }
        let Some(auto) = &self.plan.table.auto_increment else {
            return;
        };
        match self.plan.auto_value(0) {
            Some(v) => splices.replace(bytes_of(tokens, &v.tokens), id()),
            None => {
                let last = self
                    .plan
                    .values(0)
                    .last()
                    .map_or(0..0, |v| bytes_of(tokens, &v.tokens));
                let name = sql::ident::quote_name(&auto.column);
                splices.replace(last.end..last.end, format!(", {name} = {}", id()));
            }
        }
    }

    /// Parameters of this shard's rows, with generated ids in their places.
    fn params(&self) -> Vec<Param> {
        let mut list = Vec::new();
        let mut ids = self.generated_in_rows().into_iter();
        let tokens = self.cx.args.tokens;
        for &row in self.rows {
            let params = match self.plan.rows().get(row) {
                Some(r) => r.params.clone(),
                None => 0..self.plan.insert.params_in_rows,
            };
            if !self.is_generated(row) {
                list.extend(params.map(Param::Client));
                continue;
            }
            // Parameters in front of the id's place; it may itself take the place of one.
            let value = self.plan.auto_value(row);
            let before = value.map_or(params.end, |v| {
                let upto = &tokens[..v.tokens.start as usize];
                let is_param = |t: &&sql::Token| t.kind == sql::TokenKind::Param;
                upto.iter().filter(is_param).count() as u16
            });
            list.extend((params.start..before.min(params.end)).map(Param::Client));
            list.push(Param::Id(ids.next().unwrap_or(0)));
            let skip = u16::from(self.replaces_param(row));
            list.extend((before + skip..params.end).map(Param::Client));
        }
        let behind = self.plan.insert.params_in_rows..self.cx.args.params.len() as u16;
        list.extend(behind.map(Param::Client));
        list
    }
}
