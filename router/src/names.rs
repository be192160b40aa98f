//! Which tables a statement may mean, from its names alone.
//!
//! Every name in the statement is compared with every table of the catalog. The answer is never too
//! small (views and routines over sharded tables are refused when they are made), and that is enough
//! to send statements on single tables, in whatever syntax, to the shard that has them all.

use crate::analyze::scope::is_system_schema;
use crate::traits::is_word;
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
    /// A table in a database that the catalog does not know.
    pub unknown: Option<TableName>,
    /// information_schema is named, or is the current database.
    pub information_schema: bool,
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
    let is_own = |name: &str| name.eq_ignore_ascii_case("information_schema");
    out.information_schema = database.is_some_and(is_own);
    let mut i = 0;
    while i < tokens.len() {
        let t = tokens[i];
        i += 1;
        let Some(name) = name_of(text, t) else {
            continue;
        };
        out.information_schema |= is_own(&name);
        let dot = tokens
            .get(i)
            .is_some_and(|t| t.kind == TokenKind::Op(Op::Dot));
        let second = if dot { tokens.get(i + 1) } else { None };
        if let Some(second) = second.and_then(|t| name_of(text, *t)) {
            if catalog.databases.contains_key(&name) {
                out.look_up(catalog, &name, &second);
            } else if !is_system_schema(&name) && stands_for_table(text, tokens, i - 1) {
                out.unknown.get_or_insert(TableName::new(&name, second));
            }
        }
        if let Some(d) = database {
            out.look_up(catalog, d, &name);
        }
    }
    out
}

/// True if the name at an index stands where only a table can: its first part is a database then.
/// Behind a comma it is if the list is one of tables.
pub fn stands_for_table(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|b| tokens.get(b));
    match before.map(|t| t.kind) {
        Some(TokenKind::Op(Op::Comma)) => is_list_of_tables(text, tokens, at - 1),
        Some(TokenKind::Op(Op::LParen)) => is_group_of_tables(text, tokens, at - 1),
        _ => is_behind_word_for_table(text, tokens, at),
    }
}

/// Words behind which a list holds tables, and those behind which it holds anything else. ON is among the
/// first: a condition has no comma of its own, so the list of tables goes on behind it.
const LISTS_OF_TABLES: [&[u8]; 10] = [
    b"FROM",
    b"JOIN",
    b"STRAIGHT_JOIN",
    b"ON",
    b"USING",
    b"UPDATE",
    b"TABLE",
    b"TABLES",
    b"DELETE",
    b"VIEW",
];
const OTHER_LISTS: [&[u8]; 16] = [
    b"SELECT",
    b"BY",
    b"SET",
    b"VALUES",
    b"VALUE",
    b"WHERE",
    b"HAVING",
    b"RETURNING",
    b"INTO",
    b"LIMIT",
    b"WINDOW",
    b"CALL",
    b"DO",
    b"WITH",
    b"IN",
    b"OVER",
];

/// True if the comma at an index divides tables.
fn is_list_of_tables(text: &[u8], tokens: &[Token], comma: usize) -> bool {
    let is = |t: &Token, words: &[&[u8]]| words.iter().any(|w| is_word(text, *t, w));
    let mut depth = 0usize;
    for i in (0..comma).rev() {
        let t = &tokens[i];
        match t.kind {
            TokenKind::Op(Op::RParen) => depth += 1,
            TokenKind::Op(Op::LParen) if depth == 0 => return is_group_of_tables(text, tokens, i),
            TokenKind::Op(Op::LParen) => depth -= 1,
            TokenKind::Word if depth == 0 => {
                let before = i.checked_sub(1).and_then(|b| tokens.get(b));
                // ON DUPLICATE KEY UPDATE assigns; a name of a column behind a dot is no word.
                let plain = !before
                    .is_some_and(|b| b.kind == TokenKind::Op(Op::Dot) || is(b, &[b"KEY", b"FOR"]));
                if plain && is(t, &LISTS_OF_TABLES) {
                    return true;
                }
                if plain && is(t, &OTHER_LISTS) {
                    return false;
                }
            }
            _ => {}
        }
    }
    false
}

/// True if the parenthesis at an index groups tables: `FROM (a, b)`, `JOIN ((a JOIN b) ...`.
fn is_group_of_tables(text: &[u8], tokens: &[Token], open: usize) -> bool {
    let Some(before) = open.checked_sub(1) else {
        return false;
    };
    let is = |words: &[&[u8]]| words.iter().any(|w| is_word(text, tokens[before], w));
    match tokens[before].kind {
        TokenKind::Op(Op::Comma) => is_list_of_tables(text, tokens, before),
        TokenKind::Op(Op::LParen) => is_group_of_tables(text, tokens, before),
        _ => is(&[b"FROM", b"JOIN", b"STRAIGHT_JOIN"]) && !is_argument(text, tokens, before),
    }
}

/// True if the FROM at an index stands in a call: EXTRACT(YEAR FROM x).
fn is_argument(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let call = enclosing(tokens, at).and_then(|open| open.checked_sub(1));
    let reads = [&b"EXTRACT"[..], b"TRIM", b"SUBSTRING", b"SUBSTR", b"MID"];
    call.is_some_and(|i| reads.iter().any(|w| is_word(text, tokens[i], w)))
}

fn is_behind_word_for_table(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let word = |i: Option<usize>, list: &[&[u8]]| {
        let t = i.and_then(|i| tokens.get(i));
        t.is_some_and(|t| list.iter().any(|w| is_word(text, *t, w)))
    };
    let before = at.checked_sub(1);
    if word(
        before,
        &[
            b"JOIN",
            b"STRAIGHT_JOIN",
            b"INTO",
            b"TABLE",
            b"TABLES",
            b"REFERENCES",
        ],
    ) {
        return true;
    }
    if word(before, &[b"FROM"]) {
        return !is_argument(text, tokens, at);
    }
    if word(before, &[b"UPDATE"]) {
        return !word(at.checked_sub(2), &[b"KEY", b"FOR"]);
    }
    let modifiers = [
        &b"LOW_PRIORITY"[..],
        b"HIGH_PRIORITY",
        b"DELAYED",
        b"IGNORE",
        b"INSERT",
        b"REPLACE",
    ];
    let changes = word(Some(0), &[b"INSERT", b"REPLACE", b"UPDATE"]);
    changes && word(before, &modifiers) || word(before, &[b"LIKE"]) && word(Some(0), &[b"CREATE"])
}

/// Index of the parenthesis that is open at an index.
fn enclosing(tokens: &[Token], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for i in (0..at).rev() {
        match tokens.get(i)?.kind {
            TokenKind::Op(Op::RParen) => depth += 1,
            TokenKind::Op(Op::LParen) if depth == 0 => return Some(i),
            TokenKind::Op(Op::LParen) => depth -= 1,
            _ => {}
        }
    }
    None
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
