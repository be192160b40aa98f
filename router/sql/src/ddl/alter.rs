//! ALTER: the actions that touch keys, names or other tables.

use super::Ddl;
use crate::cursor::Cursor;
use crate::ident::ObjectName;
use crate::lexer::{Op, TokenKind};

/// A foreign key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKeyClause {
    /// Columns of this table; empty if they stand with the column itself.
    pub columns: Vec<String>,
    /// The table referred to.
    pub table: ObjectName,
    /// Columns referred to.
    pub referred: Vec<String>,
    /// ON UPDATE.
    pub on_update: ReferenceAction,
    /// ON DELETE.
    pub on_delete: ReferenceAction,
}

/// What a foreign key does to its rows when those that they refer to change or go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReferenceAction {
    /// RESTRICT, NO ACTION, or nothing said.
    #[default]
    Restrict,
    /// CASCADE.
    Cascade,
    /// SET NULL.
    SetNull,
    /// SET DEFAULT.
    SetDefault,
}

/// One action of ALTER TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterAction {
    /// DROP, MODIFY, CHANGE, ALTER or RENAME of a column.
    Column(String),
    /// A UNIQUE or PRIMARY key that has these columns whole (empty if they could not be read).
    UniqueKey(Vec<String>),
    /// RENAME TO.
    RenameTo(ObjectName),
    /// ADD FOREIGN KEY.
    ForeignKey(ForeignKeyClause),
    /// COMMENT = 'shard by ...': rules are not changed this way.
    RuleComment,
    /// Engine partitions: exchange and the like move rows between tables.
    ExchangePartition,
    /// Anything else.
    Other,
}

/// Reads what follows ALTER.
pub(super) fn parse(mut c: Cursor<'_>) -> Option<Ddl> {
    if c.eat_one(&["DATABASE", "SCHEMA"]).is_some() {
        return Some(Ddl::AlterDatabase(c.name()));
    }
    c.eat_one(&["ONLINE", "IGNORE"]);
    c.eat("IGNORE");
    if c.eat("TABLE") {
        let if_exists = c.eat_all(&["IF", "EXISTS"]);
        let table = c.object_name()?;
        super::eat_wait(&mut c)?;
        return Some(Ddl::AlterTable {
            table,
            if_exists,
            actions: actions(&mut c),
        });
    }
    while !c.at_end() {
        if c.eat("VIEW") {
            return super::create_view(c, true);
        }
        if c.eat_one(&["PROCEDURE", "FUNCTION", "EVENT", "SEQUENCE", "SERVER"])
            .is_some()
        {
            c.eat_all(&["IF", "EXISTS"]);
            return Some(Ddl::Routine(c.object_name()?));
        }
        c.next();
    }
    None
}

fn actions(c: &mut Cursor<'_>) -> Vec<AlterAction> {
    let mut out = Vec::new();
    while !c.at_end() {
        let start = c.index;
        let mut depth = 0usize;
        while let Some(t) = c.peek() {
            match t.kind {
                TokenKind::Op(Op::LParen) => depth += 1,
                TokenKind::Op(Op::RParen) => depth = depth.saturating_sub(1),
                TokenKind::Op(Op::Comma) if depth == 0 => break,
                _ => {}
            }
            c.next();
        }
        let end = c.index;
        c.eat_op(Op::Comma);
        out.extend(action(c.at(start), end));
    }
    out
}

fn action(mut c: Cursor<'_>, end: usize) -> Vec<AlterAction> {
    let mut out: Vec<_> = foreign_keys(c, end)
        .into_iter()
        .map(AlterAction::ForeignKey)
        .collect();
    out.extend(unique_key(c, end));
    if c.eat_one(&["DROP", "MODIFY", "CHANGE", "ALTER"]).is_some() {
        let key = [
            "INDEX",
            "KEY",
            "PRIMARY",
            "FOREIGN",
            "CONSTRAINT",
            "PARTITION",
            "CHECK",
        ];
        if !key.iter().any(|w| c.is_word(w)) {
            c.eat("COLUMN");
            c.eat_all(&["IF", "EXISTS"]);
            out.extend(c.name().map(AlterAction::Column));
        }
    } else if c.eat("RENAME") {
        if c.eat("COLUMN") {
            c.eat_all(&["IF", "EXISTS"]);
            out.extend(c.name().map(AlterAction::Column));
        } else if c.eat_one(&["INDEX", "KEY"]).is_none() {
            c.eat_one(&["TO", "AS"]);
            c.eat_op(Op::Eq);
            out.extend(c.object_name().map(AlterAction::RenameTo));
        }
    } else if c.eat("EXCHANGE") || c.eat("CONVERT") && c.is_word("PARTITION") {
        out.push(AlterAction::ExchangePartition);
    } else if c.eat("COMMENT") {
        c.eat_op(Op::Eq);
        let text = c
            .string()
            .unwrap_or_default()
            .trim_start()
            .to_ascii_lowercase();
        if text.starts_with("shard by") {
            out.push(AlterAction::RuleComment);
        }
    }
    if out.is_empty() {
        out.push(AlterAction::Other);
    }
    out
}

/// UNIQUE or PRIMARY KEY within an action that adds or changes something.
fn unique_key(mut c: Cursor<'_>, end: usize) -> Option<AlterAction> {
    let adds = c.eat_one(&["ADD", "MODIFY", "CHANGE"])?;
    let mut column = None;
    if adds != "ADD" || c.is_word("COLUMN") {
        c.eat("COLUMN");
        column = c.clone().name();
    }
    while c.index < end {
        if c.eat("UNIQUE") || c.eat_all(&["PRIMARY", "KEY"]) {
            while c.index < end {
                if let Some(columns) = c.whole_columns() {
                    return Some(AlterAction::UniqueKey(columns));
                }
                c.next();
            }
            return Some(AlterAction::UniqueKey(column.into_iter().collect()));
        }
        c.next();
    }
    None
}

/// Every REFERENCES between the cursor and token `end`.
pub(super) fn foreign_keys(mut c: Cursor<'_>, end: usize) -> Vec<ForeignKeyClause> {
    let mut out = Vec::new();
    let mut columns = Vec::new();
    while c.index < end {
        if c.eat_all(&["FOREIGN", "KEY"]) {
            c.eat_all(&["IF", "NOT", "EXISTS"]);
            if !c.is_op(Op::LParen) {
                c.name();
            }
            columns = c.name_list().unwrap_or_default();
        } else if c.eat("REFERENCES") {
            if let Some(table) = c.object_name() {
                let referred = c.name_list().unwrap_or_default();
                if c.eat("MATCH") {
                    c.next();
                }
                let (on_update, on_delete) = reference_actions(&mut c);
                out.push(ForeignKeyClause {
                    columns: std::mem::take(&mut columns),
                    table,
                    referred,
                    on_update,
                    on_delete,
                });
            }
        } else {
            c.next();
        }
    }
    out
}

/// ON UPDATE and ON DELETE of a foreign key, in either order.
fn reference_actions(c: &mut Cursor<'_>) -> (ReferenceAction, ReferenceAction) {
    let (mut on_update, mut on_delete) = Default::default();
    loop {
        let slot = match () {
            () if c.eat_all(&["ON", "UPDATE"]) => &mut on_update,
            () if c.eat_all(&["ON", "DELETE"]) => &mut on_delete,
            () => return (on_update, on_delete),
        };
        *slot = match () {
            () if c.eat("CASCADE") => ReferenceAction::Cascade,
            () if c.eat_all(&["SET", "NULL"]) => ReferenceAction::SetNull,
            () if c.eat_all(&["SET", "DEFAULT"]) => ReferenceAction::SetDefault,
            () => {
                c.eat("RESTRICT");
                c.eat_all(&["NO", "ACTION"]);
                ReferenceAction::Restrict
            }
        };
    }
}
