//! Statements that only one server can answer as a whole: which tables are copied there, and what of them.

use crate::Refusal;
use crate::analyze::Analysis;
use crate::analyze::scope::is_system_schema;
use crate::analyze::unknown_call::unknown_call;
use crate::plan::filter::{Filter, FilterText};
use crate::plan::forward::{RouteContext, Shards};
use crate::plan::{Keyed, Read};
use catalog::{Placement, ShardId, TableName};
use errors::ReadError;
use sql::ident::name_of;
use sql::{Op, TokenKind};
use std::collections::BTreeSet;

/// What is copied for a statement.
#[derive(Debug, Clone)]
pub struct Gather {
    /// Every table that the statement may use.
    pub tables: Vec<GatherTable>,
    /// Why a cheaper way does not do.
    pub why: String,
}

/// A table to be copied.
#[derive(Debug, Clone)]
pub struct GatherTable {
    /// Its name.
    pub name: TableName,
    /// Columns that the statement can mean, in lower case; `None` for all.
    columns: Option<BTreeSet<String>>,
    rows: Rows,
    /// Which rows the statement may need; `None` for all.
    filter: Option<Filter>,
}

/// A table with what is copied of it for one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The table.
    pub table: GatherTable,
    /// Where its rows come from.
    pub shards: Shards,
    /// Which of them; `None` for all.
    pub filter: Option<FilterText>,
}

/// Where the rows are.
#[derive(Debug, Clone)]
enum Rows {
    /// On this shard.
    Fixed(ShardId),
    /// The same on every shard.
    Anywhere,
    /// By what the conditions say of its sharding key.
    Keyed(Keyed),
}

impl GatherTable {
    /// True if the statement may use a column.
    pub fn keeps(&self, column: &str) -> bool {
        let columns = self.columns.as_ref();
        columns.is_none_or(|c| c.contains(&column.to_lowercase()))
    }

    /// What is copied of each row, for people.
    pub fn columns_text(&self) -> &'static str {
        match self.columns {
            Some(_) => "the columns that the statement names",
            None => "whole rows",
        }
    }
}

/// What is copied for one execution, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherRoute {
    /// Where the statement runs.
    pub scratch: ShardId,
    /// Each table.
    pub tables: Vec<Copied>,
}

impl PartialEq for GatherTable {
    fn eq(&self, o: &Self) -> bool {
        self.name == o.name && self.columns == o.columns && self.filter == o.filter
    }
}

impl Eq for GatherTable {}

impl GatherRoute {
    /// All shards that rows come from, and the one that they go to.
    pub fn shards<C: FromIterator<ShardId>>(&self) -> C {
        let sources = self.tables.iter().flat_map(|t| t.shards.iter());
        let mut all: BTreeSet<ShardId> = sources.copied().collect();
        all.insert(self.scratch);
        all.into_iter().collect()
    }
}

impl Gather {
    /// Decides where rows come from with these values. The statement runs where most tables have rows.
    pub(super) fn route(&self, cx: &RouteContext<'_>) -> Result<GatherRoute, Refusal> {
        let all: Shards = cx.catalog.shards.keys().copied().collect();
        let any = all.first().copied().ok_or_else(super::no_shards)?;
        let mut tables = Vec::new();
        for table in &self.tables {
            let mut shards = Shards::new();
            match &table.rows {
                Rows::Fixed(shard) => shards.push(*shard),
                Rows::Anywhere => shards.push(any),
                Rows::Keyed(keyed) => keyed.shards(&cx.args, &mut shards),
            }
            shards.sort_unstable();
            shards.dedup();
            if shards.is_empty() {
                // No partition holds such a key; any shard of the table knows its columns.
                shards.push(any);
            }
            let filter = table.filter.as_ref();
            tables.push(Copied {
                table: table.clone(),
                shards,
                filter: filter.and_then(|f| f.with(&cx.args)),
            });
        }
        let has_rows = |t: &&Copied, s: &ShardId| t.shards.contains(s);
        let count = |s: &ShardId| tables.iter().filter(|t| has_rows(t, s)).count();
        let scratch = all.iter().rev().max_by_key(|s| count(s)).copied();
        let scratch = scratch.unwrap_or(any);
        Ok(GatherRoute { scratch, tables })
    }
}

impl Read<'_> {
    /// What would have to be copied for this statement, or why that does not help either.
    pub(super) fn gather(
        self,
        keyed: Vec<Keyed>,
        analysis: Option<&Analysis<'_>>,
        why: String,
    ) -> Result<Gather, Refusal> {
        let traits = self.traits;
        let names = self.names;
        let block = if traits.locking {
            Some("it locks rows, which copies cannot do")
        } else if traits.writes_user_variables {
            Some("it assigns user variables")
        } else if traits.named_locks {
            Some("it asks for a named lock")
        } else if self.uses_sequences() {
            Some("it uses a sequence, of which every shard may have its own")
        } else if traits.into_file {
            Some("it writes a file")
        } else if names.information_schema || self.names_system_schema() {
            Some("it also asks the server's own schemas")
        } else if names
            .tables
            .iter()
            .any(|t| matches!(t.placement, Placement::View(_)))
        {
            Some("it uses a view, which would not see the copies")
        } else if !self.ctx.flavor.mariadb {
            Some("copies can be read only once in a statement on MySQL servers")
        } else {
            None
        };
        let unknown = || {
            let called = unknown_call(self.text, self.tokens, self.ctx.flavor)?;
            Some(format!(
                "it calls {called}, which may read tables that are not copied"
            ))
        };
        if let Some(block) = block.map(str::to_string).or_else(unknown) {
            return Err(ReadError::CannotGather { why, block }.into());
        }
        let columns = self.columns();
        let table = |t: &std::sync::Arc<catalog::Table>| GatherTable {
            name: t.name.clone(),
            columns: columns.clone(),
            filter: analysis.and_then(|a| Filter::of(a, t)),
            rows: match &t.placement {
                Placement::Single(s) | Placement::View(s) => Rows::Fixed(*s),
                Placement::Reference => Rows::Anywhere,
                Placement::Sharded(_) => {
                    let mut of_table = keyed.iter().filter(|k| k.table.id == t.id);
                    // Facts of one use say nothing of the rows that another one needs.
                    match (of_table.next(), of_table.next()) {
                        (Some(one), None) => Rows::Keyed(one.clone()),
                        _ => Rows::Keyed(Keyed::everywhere(t.clone())),
                    }
                }
            },
        };
        Ok(Gather {
            tables: names.tables.iter().map(table).collect(),
            why,
        })
    }

    /// NEXT VALUE FOR and the like.
    fn uses_sequences(self) -> bool {
        let is = |i: usize, words: [&str; 2]| {
            let name = self.tokens.get(i).and_then(|t| name_of(self.text, *t));
            name.is_some_and(|n| words.iter().any(|w| n.eq_ignore_ascii_case(w)))
        };
        let called = |i: usize| {
            let call = self.tokens.get(i + 1).map(|t| t.kind) == Some(TokenKind::Op(Op::LParen));
            call && (is(i, ["NEXTVAL", "LASTVAL"]) || is(i, ["SETVAL", "SETVAL"]))
        };
        let value_for =
            |i| is(i, ["NEXT", "PREVIOUS"]) && is(i + 1, ["VALUE"; 2]) && is(i + 2, ["FOR"; 2]);
        (0..self.tokens.len()).any(|i| called(i) || value_for(i))
    }

    fn names_system_schema(self) -> bool {
        let dot = |i: usize| self.tokens.get(i).map(|t| t.kind) == Some(TokenKind::Op(Op::Dot));
        let names = self.tokens.iter().enumerate().filter(|(i, _)| dot(i + 1));
        let mut names = names.filter_map(|(_, t)| name_of(self.text, *t));
        names.any(|name| is_system_schema(&name))
    }

    /// Names in the statement, any of which may be a column; `None` if a star or NATURAL means more.
    fn columns(self) -> Option<BTreeSet<String>> {
        let mut out = BTreeSet::new();
        for (i, t) in self.tokens.iter().enumerate() {
            if t.kind == TokenKind::Op(Op::Star) && !self.is_count_star(i) {
                return None;
            }
            let Some(name) = name_of(self.text, *t) else {
                continue;
            };
            if ["natural", "table"]
                .iter()
                .any(|w| name.eq_ignore_ascii_case(w))
            {
                return None;
            }
            out.insert(name.to_lowercase());
        }
        Some(out)
    }

    fn is_count_star(self, at: usize) -> bool {
        let is = |i: Option<usize>, op| {
            i.and_then(|i| self.tokens.get(i)).map(|t| t.kind) == Some(TokenKind::Op(op))
        };
        is(at.checked_sub(1), Op::LParen) && is(Some(at + 1), Op::RParen)
    }
}
