//! Statements that change structure, read from tokens as far as the catalog needs them.

use crate::cursor::Cursor;
use crate::ident::ObjectName;
use crate::lexer::{Op, TokenKind};
use crate::shard_by::{ClauseError, Rule, parse_rule};
use std::ops::Range;

mod alter;
mod trigger;
pub use alter::{AlterAction, ForeignKeyClause, ReferenceAction};
pub use trigger::trigger_table;

/// A DDL statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ddl {
    /// CREATE TABLE.
    CreateTable(CreateTable),
    /// DROP TABLE.
    DropTable {
        /// The tables.
        tables: Vec<ObjectName>,
        /// IF EXISTS.
        if_exists: bool,
        /// TEMPORARY.
        temporary: bool,
    },
    /// ALTER TABLE.
    AlterTable {
        /// The table.
        table: ObjectName,
        /// IF EXISTS.
        if_exists: bool,
        /// What it changes, as far as the catalog cares.
        actions: Vec<AlterAction>,
    },
    /// RENAME TABLE a TO b, ...
    RenameTable {
        /// Old and new names.
        pairs: Vec<(ObjectName, ObjectName)>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// TRUNCATE TABLE.
    Truncate(ObjectName),
    /// CREATE INDEX.
    CreateIndex {
        /// The table.
        table: ObjectName,
        /// UNIQUE.
        unique: bool,
        /// Columns that the index has whole.
        columns: Vec<String>,
    },
    /// DROP INDEX.
    DropIndex(ObjectName),
    /// CREATE DATABASE, with the text for shards and an optional default shard.
    CreateDatabase {
        /// The name.
        name: String,
        /// IF NOT EXISTS.
        if_not_exists: bool,
        /// DEFAULT SHARD clause: its bytes and the shard.
        shard: Option<(Range<usize>, String)>,
    },
    /// DROP DATABASE.
    DropDatabase {
        /// The name.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// ALTER DATABASE.
    AlterDatabase(Option<String>),
    /// CREATE [OR REPLACE] VIEW.
    CreateView {
        /// The view.
        view: ObjectName,
        /// OR REPLACE (or ALTER VIEW).
        replace: bool,
        /// IF NOT EXISTS.
        if_not_exists: bool,
        /// Token index of the query.
        query: usize,
    },
    /// DROP VIEW.
    DropView {
        /// The views.
        views: Vec<ObjectName>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// CREATE, ALTER or DROP of a routine, trigger, event or sequence.
    Routine(ObjectName),
    /// ANALYZE, OPTIMIZE, CHECK, REPAIR, CHECKSUM TABLE.
    Maintain(Vec<ObjectName>),
}

/// CREATE TABLE, as far as the catalog needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTable {
    /// The table.
    pub table: ObjectName,
    /// TEMPORARY.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// OR REPLACE.
    pub or_replace: bool,
    /// LIKE this table.
    pub like: Option<ObjectName>,
    /// Rows come from a query (AS SELECT).
    pub selects: bool,
    /// The rule in SHARD BY or in the COMMENT.
    pub rule: Option<Rule>,
    /// Bytes of the SHARD BY clause, which the shards must not see.
    pub clause: Option<Range<usize>>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKeyClause>,
}

/// Reads a DDL statement; `None` if it is none. A broken clause of ours is an error.
pub fn parse(c: Cursor<'_>) -> Option<Result<Ddl, ClauseError>> {
    let mut at = c;
    if at.eat("CREATE") {
        return create(at);
    }
    if at.eat("ALTER") {
        return alter::parse(at).map(Ok);
    }
    if at.eat("DROP") {
        return drop_object(at).map(Ok);
    }
    if at.eat("RENAME") {
        return rename(at).map(Ok);
    }
    if at.eat("TRUNCATE") {
        at.eat("TABLE");
        return Some(Ok(Ddl::Truncate(at.object_name()?)));
    }
    if at
        .eat_one(&["ANALYZE", "OPTIMIZE", "CHECK", "REPAIR", "CHECKSUM"])
        .is_some()
    {
        at.eat_one(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
        at.eat_one(&["TABLE", "TABLES"])?;
        return Some(Ok(Ddl::Maintain(object_list(&mut at)?)));
    }
    None
}

/// `a, b.c`, up to whatever follows.
fn object_list(c: &mut Cursor<'_>) -> Option<Vec<ObjectName>> {
    let mut out = vec![c.object_name()?];
    while c.eat_op(Op::Comma) {
        out.push(c.object_name()?);
    }
    Some(out)
}

fn create(mut c: Cursor<'_>) -> Option<Result<Ddl, ClauseError>> {
    let or_replace = c.eat_all(&["OR", "REPLACE"]);
    let temporary = c.eat("TEMPORARY");
    if c.eat("TABLE") {
        return create_table(c, or_replace, temporary);
    }
    if c.eat_one(&["DATABASE", "SCHEMA"]).is_some() {
        return create_database(c);
    }
    let unique = c.eat("UNIQUE");
    c.eat_one(&["FULLTEXT", "SPATIAL"]);
    if c.eat_one(&["INDEX", "KEY"]).is_some() {
        return create_index(c, unique).map(Ok);
    }
    // CREATE [OR REPLACE] [ALGORITHM = x] [DEFINER = y] [SQL SECURITY z] VIEW | PROCEDURE | ...
    while !c.at_end() {
        if c.eat("VIEW") {
            return create_view(c, or_replace).map(Ok);
        }
        let routine = [
            "PROCEDURE",
            "FUNCTION",
            "TRIGGER",
            "EVENT",
            "SEQUENCE",
            "PACKAGE",
            "SERVER",
        ];
        if c.eat_one(&routine).is_some() {
            c.eat_all(&["IF", "NOT", "EXISTS"]);
            return Some(Ok(Ddl::Routine(c.object_name()?)));
        }
        c.next();
    }
    None
}

fn create_view(mut c: Cursor<'_>, replace: bool) -> Option<Ddl> {
    let if_not_exists = c.eat_all(&["IF", "NOT", "EXISTS"]);
    let view = c.object_name()?;
    if c.is_op(Op::LParen) {
        c.skip_group()?;
    }
    if !c.eat("AS") {
        return None;
    }
    Some(Ddl::CreateView {
        view,
        replace,
        if_not_exists,
        query: c.index,
    })
}

fn create_database(mut c: Cursor<'_>) -> Option<Result<Ddl, ClauseError>> {
    let if_not_exists = c.eat_all(&["IF", "NOT", "EXISTS"]);
    let name = c.name()?;
    let mut shard = None;
    while !c.at_end() {
        let start = c.position();
        if c.eat_all(&["DEFAULT", "SHARD"]) {
            c.eat_op(Op::Eq);
            let Some(s) = c.name_or_string() else {
                let expected = "the name of the database's default shard";
                return Some(Err(ClauseError {
                    at: c.position(),
                    expected,
                }));
            };
            shard = Some((start..c.end_of_last(), s));
        } else {
            c.next();
        }
    }
    Some(Ok(Ddl::CreateDatabase {
        name,
        if_not_exists,
        shard,
    }))
}

fn create_index(mut c: Cursor<'_>, unique: bool) -> Option<Ddl> {
    c.eat_all(&["IF", "NOT", "EXISTS"]);
    c.name()?;
    if c.eat("USING") {
        c.next();
    }
    if !c.eat("ON") {
        return None;
    }
    let table = c.object_name()?;
    Some(Ddl::CreateIndex {
        table,
        unique,
        columns: c.whole_columns().unwrap_or_default(),
    })
}

fn create_table(
    mut c: Cursor<'_>,
    or_replace: bool,
    temporary: bool,
) -> Option<Result<Ddl, ClauseError>> {
    let if_not_exists = c.eat_all(&["IF", "NOT", "EXISTS"]);
    let table = c.object_name()?;
    let mut out = CreateTable {
        table,
        temporary,
        if_not_exists,
        or_replace,
        like: None,
        selects: false,
        rule: None,
        clause: None,
        foreign_keys: Vec::new(),
    };
    if c.eat("LIKE") {
        out.like = Some(c.object_name()?);
    } else if c.is_op(Op::LParen) && c.is_word_at(1, "LIKE") {
        c.index += 2;
        out.like = Some(c.object_name()?);
        c.eat_op(Op::RParen);
    } else if c.is_op(Op::LParen) && !c.is_word_at(1, "SELECT") {
        let open = c.index;
        c.skip_group()?;
        out.foreign_keys = alter::foreign_keys(c.at(open), c.index);
    }
    match table_options(&mut c, &mut out) {
        Ok(()) => Some(Ok(Ddl::CreateTable(out))),
        Err(e) => Some(Err(e)),
    }
}

/// Finds SELECT, COMMENT and SHARD BY behind the definitions.
fn table_options(c: &mut Cursor<'_>, out: &mut CreateTable) -> Result<(), ClauseError> {
    while !c.at_end() {
        let start = c.position();
        if c.eat_all(&["SHARD", "BY"]) {
            out.rule = Some(parse_rule(c)?);
            out.clause = Some(start..c.end_of_last());
        } else if c.eat("COMMENT") {
            c.eat_op(Op::Eq);
            if let (Some(text), None) = (c.string(), &out.rule) {
                out.rule = comment_rule(&text, start)?;
            }
        } else if c.is_word("SELECT") || c.is_word("WITH") && !c.is_word_at(1, "SYSTEM") {
            out.selects = true;
            return Ok(());
        } else {
            c.next();
        }
    }
    Ok(())
}

/// The rule in a table comment such as 'shard by hash(user_id)'.
fn comment_rule(text: &str, at: usize) -> Result<Option<Rule>, ClauseError> {
    let mode = crate::LexMode::default();
    let Ok(l) = crate::Lexed::new(text.as_bytes(), mode, crate::Flavor::default()) else {
        return Ok(None);
    };
    let mut c = Cursor::new(text.as_bytes(), &l.tokens, mode);
    if !c.eat_all(&["SHARD", "BY"]) {
        return Ok(None);
    }
    parse_rule(&mut c).map(Some).map_err(|e| ClauseError {
        at,
        expected: e.expected,
    })
}

fn drop_object(mut c: Cursor<'_>) -> Option<Ddl> {
    let temporary = c.eat("TEMPORARY");
    if c.eat_one(&["TABLE", "TABLES"]).is_some() {
        let if_exists = c.eat_all(&["IF", "EXISTS"]);
        return Some(Ddl::DropTable {
            tables: object_list(&mut c)?,
            if_exists,
            temporary,
        });
    }
    if c.eat_one(&["DATABASE", "SCHEMA"]).is_some() {
        let if_exists = c.eat_all(&["IF", "EXISTS"]);
        return Some(Ddl::DropDatabase {
            name: c.name()?,
            if_exists,
        });
    }
    if c.eat_one(&["INDEX", "KEY"]).is_some() {
        c.eat_all(&["IF", "EXISTS"]);
        c.name()?;
        return c.eat("ON").then(|| c.object_name().map(Ddl::DropIndex))?;
    }
    if c.eat("VIEW") {
        let if_exists = c.eat_all(&["IF", "EXISTS"]);
        return Some(Ddl::DropView {
            views: object_list(&mut c)?,
            if_exists,
        });
    }
    c.eat_one(&[
        "PROCEDURE",
        "FUNCTION",
        "TRIGGER",
        "EVENT",
        "SEQUENCE",
        "PACKAGE",
    ])?;
    c.eat_all(&["IF", "EXISTS"]);
    Some(Ddl::Routine(c.object_name()?))
}

fn rename(mut c: Cursor<'_>) -> Option<Ddl> {
    c.eat_one(&["TABLE", "TABLES"])?;
    let if_exists = c.eat_all(&["IF", "EXISTS"]);
    let mut pairs = Vec::new();
    loop {
        let from = c.object_name()?;
        eat_wait(&mut c)?;
        if !c.eat("TO") {
            return None;
        }
        pairs.push((from, c.object_name()?));
        if !c.eat_op(Op::Comma) {
            return c.at_end().then_some(Ddl::RenameTable { pairs, if_exists });
        }
    }
}

/// `WAIT n` or `NOWAIT`, or nothing; `None` for WAIT without its number.
fn eat_wait(c: &mut Cursor<'_>) -> Option<()> {
    if c.eat("WAIT") {
        c.next().filter(|t| t.kind == TokenKind::Int)?;
    } else {
        c.eat("NOWAIT");
    }
    Some(())
}

#[cfg(test)]
mod tests;
