//! INSERT into sharded and reference tables: ids are drawn, rows are split by shard.

use crate::fanout::{Duplicates, Write, now_text};
use crate::plans::CachedPlan;
use crate::prepared::Bound;
use crate::relay::RelayOptions;
use crate::request::{Execute, Request};
use crate::session::{Done, Session, Stop, error};
use crate::statement::Run;
use router::args::ParamRef;
use router::insert::{InsertRoute, RowId};
use router::{InsertPlan, RowIds};
use sql::insert::{Source, ValueKind, bytes_of};
use sql::splice::Splices;
use std::rc::Rc;
use wire::reply::OkPacket;

/// An INSERT for one shard, as it is put together.
struct Build<'a> {
    plan: &'a InsertPlan,
    run: Run<'a>,
    ids: &'a RowIds,
    generated: &'a [u64],
    rows: &'a [usize],
}

impl Session {
    /// Runs a planned INSERT or REPLACE.
    pub async fn insert(&mut self, insert: &InsertPlan, plan: &CachedPlan, run: Run<'_>) -> Done {
        if plan.traits.session_values || plan.traits.diagnostics {
            return Err(error(
                1235,
                "42000",
                "USER(), ROW_COUNT() and other session functions in an INSERT into a table \
                 with rows on several shards are not supported yet; read the value first",
            ));
        }
        let params: &[ParamRef<'_>] = run.bound.map_or(&[], |b| &b.refs);
        let args = self.args(run.text, &run.lexed.tokens, params);
        let ids = insert.row_ids(&args, self.zero_is_value)?;
        let generated: Vec<u64> = if ids.generate > 0 {
            let got = self.worker.ids.get(&insert.table, ids.generate).await;
            got.map_err(|e| error(1467, "HY000", e.to_string()))?
                .collect()
        } else {
            Vec::new()
        };
        if let Some(max) = ids.given_max {
            let seen = self.worker.ids.observe(insert.table.id, max).await;
            seen.map_err(|e| error(1467, "HY000", e.to_string()))?;
        }
        let shards = self.worker.catalog().shard_ids();
        let route = insert.route(&args, &ids, &generated, &shards)?;
        let first = generated.first().copied();
        let done = self
            .send_rows(insert, plan, run, &ids, &generated, route)
            .await?;
        // As on one server: the first generated id if its row was inserted, not ignored nor made to change
        // another; or what LAST_INSERT_ID(expression) said of that one.
        let Some(ok) = done.filter(|_| !self.diagnostics.has_error()) else {
            return Ok(());
        };
        let inserted = match insert.row_count() {
            1 => first == Some(ok.last_insert_id),
            _ => ok.affected_rows > 0,
        };
        match first.filter(|_| inserted) {
            Some(id) => self.last_insert_id = id,
            None if plan.traits.sets_last_insert_id && ok.last_insert_id != 0 => {
                self.last_insert_id = ok.last_insert_id;
            }
            None => {}
        }
        Ok(())
    }

    async fn send_rows(
        &mut self,
        insert: &InsertPlan,
        plan: &CachedPlan,
        run: Run<'_>,
        ids: &RowIds,
        generated: &[u64],
        route: InsertRoute,
    ) -> Result<Option<OkPacket>, Stop> {
        let replicated = insert.table.sharding().is_none();
        // The place of a row was told by the catalog's order of columns. The order is written into the
        // statement, so that a table which changes meanwhile cannot put other values into the key.
        let named = replicated || !insert.lists_no_columns();
        let unchanged = named && ids.generate == 0 && (replicated || route.shards.len() == 1);
        let mut parts = Vec::new();
        for (shard, rows) in &route.shards {
            let request = match unchanged {
                true => run.request(),
                false => self.build(Build {
                    plan: insert,
                    run,
                    ids,
                    generated,
                    rows,
                }),
            };
            parts.push((*shard, request));
        }
        // Of one row the shard tells the id itself; of several, it would tell the last.
        let insert_id = generated.first().copied().or(ids.given_max);
        let insert_id = insert_id.filter(|_| insert.row_count() > 1);
        if let [(shard, request)] = parts.as_slice() {
            let options = RelayOptions {
                status_set: run.more,
                insert_id,
                ..Default::default()
            };
            let end = self
                .run_exclusive(*shard, request, plan.traits, options, None)
                .await?;
            return Ok(end.ok);
        }
        let timestamp = now_text().filter(|_| replicated);
        let duplicates = match insert.insert.ignore {
            true => Duplicates::Ignored,
            false => Duplicates::Changed,
        };
        let inserts = (insert.row_count() > 1).then_some(duplicates);
        self.write_many(
            Write {
                parts,
                replicated,
                insert_id,
                inserts,
                traits: plan.traits,
                timestamp,
            },
            run.more,
        )
        .await
        .map(Some)
    }

    fn build(&self, b: Build<'_>) -> Request {
        match b.run.bound {
            None => {
                let mut id = b.generated_in_rows().into_iter();
                let text = b.text(|| id.next().map_or_else(String::new, |n| n.to_string()));
                Request::Query(text.into())
            }
            Some(bound) => {
                let text: Rc<[u8]> = b.text(|| "?".to_string()).into();
                let params = b.params(bound);
                let key = self.statement_key(&text, bound.statement.database.as_ref());
                Request::Execute(Rc::new(Execute {
                    key,
                    text,
                    ..params
                }))
            }
        }
    }
}

impl Build<'_> {
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
        let (text, tokens) = (self.run.text, &self.run.lexed.tokens[..]);
        let insert = &self.plan.insert;
        let mut splices = Splices::default();
        if let Source::Set(_) = insert.source {
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
        let before = self.run.lexed.tokens.get(first.saturating_sub(1) as usize);
        let row = before.is_some_and(|t| router::traits::is_word(self.run.text, *t, b"ROW"));
        first - u32::from(row)
    }

    /// Byte where a token begins.
    fn start_of(&self, token: u32) -> usize {
        let token = self.run.lexed.tokens.get(token as usize);
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
            let names = self.plan.table.columns.iter();
            let names: Vec<_> = names.map(|c| sql::ident::quote_name(c)).collect();
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
        let tokens = &self.run.lexed.tokens;
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
        let (text, tokens) = (self.run.text, &self.run.lexed.tokens[..]);
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
        let tokens = &self.run.lexed.tokens[..];
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
    fn params(&self, bound: &Bound<'_>) -> Execute {
        let mut list = wire::execute::ParamList::default();
        let mut long = Vec::new();
        let mut ids = self.generated_in_rows().into_iter();
        let mut copy = |list: &mut wire::execute::ParamList, n: u16| {
            bound.copy_param(n, list, &mut long);
        };
        let tokens = &self.run.lexed.tokens;
        for &row in self.rows {
            let params = match self.plan.rows().get(row) {
                Some(r) => r.params.clone(),
                None => 0..self.plan.insert.params_in_rows,
            };
            if !self.is_generated(row) {
                params.for_each(|n| copy(&mut list, n));
                continue;
            }
            // Parameters in front of the id's place; it may itself take the place of one.
            let value = self.plan.auto_value(row);
            let before = value.map_or(params.end, |v| {
                let upto = &tokens[..v.tokens.start as usize];
                let is_param = |t: &&sql::Token| t.kind == sql::TokenKind::Param;
                upto.iter().filter(is_param).count() as u16
            });
            for n in params.start..before.min(params.end) {
                copy(&mut list, n);
            }
            list.push_u64(ids.next().unwrap_or(0));
            let skip = u16::from(self.replaces_param(row));
            for n in before + skip..params.end {
                copy(&mut list, n);
            }
        }
        for n in self.plan.insert.params_in_rows..bound.params.len() as u16 {
            copy(&mut list, n);
        }
        let (nulls, types, values) = list.into_parts();
        Execute {
            key: 0,
            text: Rc::new([]),
            flags: 0,
            nulls,
            types,
            values,
            long,
        }
    }
}
