//! Which tables a statement may mean, from its names alone.
//!
//! Every name in the statement is compared with every table of the catalog. The answer is never too
//! small (views and routines over sharded tables are refused when they are made), and that is enough
//! to send statements on single tables, in whatever syntax, to the shard that has them all.

use catalog::{Catalog, Placement, ShardId, Table, TableName};
use smallvec::SmallVec;
use sql::ident::name_of;
use sql::lexer::{Op, Token, TokenKind};
use std::sync::Arc;

/// Tables that a statement names.
#[derive(Debug, Default, Clone)]
pub struct Named {
    /// The tables, each once.
    pub tables: SmallVec<[Arc<Table>; 4]>,
    /// A table that a DDL job is still making.
    pub pending: Option<TableName>,
    /// A database named by a string or name next to information_schema.
    pub schema_of_interest: Option<String>,
}

/// What the named tables have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Common {
    /// No table of the catalog is named.
    Nothing,
    /// Single tables and views, all on one shard (reference tables may be there too).
    OneShard(ShardId),
    /// Only reference tables.
    Reference,
    /// Single tables on more than one shard: the names of two.
    Apart(TableName, TableName),
    /// A sharded table is there.
    Sharded(TableName),
}

/// Names that a statement calls on, looked up in the catalog.
pub fn named(catalog: &Catalog, database: Option<&str>, text: &[u8], tokens: &[Token]) -> Named {
    let mut out = Named::default();
    let mut information_schema = false;
    let mut i = 0;
    while i < tokens.len() {
        let t = tokens[i];
        i += 1;
        if t.kind == TokenKind::Str && out.schema_of_interest.is_none() {
            out.schema_of_interest = database_in(catalog, text, t);
        }
        let Some(name) = name_of(text, t) else {
            continue;
        };
        information_schema |= name.eq_ignore_ascii_case("information_schema");
        let dot = tokens
            .get(i)
            .is_some_and(|t| t.kind == TokenKind::Op(Op::Dot));
        if dot && catalog.databases.contains_key(&name) {
            let second = tokens.get(i + 1).and_then(|t| name_of(text, *t));
            if let Some(second) = second {
                out.look_up(catalog, &name, &second);
            }
        }
        if let Some(d) = database {
            out.look_up(catalog, d, &name);
        }
    }
    if !information_schema {
        out.schema_of_interest = None;
    }
    out
}

fn database_in(catalog: &Catalog, text: &[u8], t: Token) -> Option<String> {
    let raw = text.get(t.range())?;
    let name = std::str::from_utf8(raw.get(1..raw.len() - 1)?).ok()?;
    catalog
        .databases
        .contains_key(name)
        .then(|| name.to_string())
}

impl Named {
    fn look_up(&mut self, catalog: &Catalog, database: &str, name: &str) {
        if let Some(table) = catalog.table(database, name) {
            self.add(table);
        } else if !catalog.jobs.is_empty() {
            let wanted = TableName::new(database, name);
            if catalog.jobs.values().any(|j| j.objects.contains(&wanted)) {
                self.pending = Some(wanted);
            }
        }
    }

    fn add(&mut self, table: &Arc<Table>) {
        if !self.tables.iter().any(|t| t.id == table.id) {
            self.tables.push(table.clone());
        }
    }

    /// What the tables have in common.
    pub fn common(&self) -> Common {
        let mut home: Option<(ShardId, &TableName)> = None;
        let mut reference = false;
        for t in &self.tables {
            match &t.placement {
                Placement::Sharded(_) => return Common::Sharded(t.name.clone()),
                Placement::Reference => reference = true,
                Placement::Single(s) | Placement::View(s) => match home {
                    Some((other, name)) if other != *s => {
                        return Common::Apart(name.clone(), t.name.clone());
                    }
                    _ => home = Some((*s, &t.name)),
                },
            }
        }
        match home {
            Some((s, _)) => Common::OneShard(s),
            None if reference => Common::Reference,
            None => Common::Nothing,
        }
    }
}
