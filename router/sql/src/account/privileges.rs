//! Privileges of GRANT and REVOKE, in the groups that the catalog's rights are.

use super::{Read, SYNTAX};
use crate::cursor::Cursor;
use crate::lexer::Op;

/// Rights of the catalog that a list of privileges stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// ALL PRIVILEGES.
    All,
    /// Groups; USAGE is none of them.
    Some {
        /// SELECT.
        read: bool,
        /// INSERT, UPDATE and DELETE.
        write: bool,
        /// CREATE, ALTER and DROP.
        ddl: bool,
    },
}

/// Words of a privilege, longest first where one begins another; its group, and whether the group asks for
/// it.
const PRIVILEGES: [(&[&str], Group, bool); 22] = [
    (&["SELECT"], Group::Read, true),
    (&["SHOW", "VIEW"], Group::Read, false),
    (&["INSERT"], Group::Write, true),
    (&["UPDATE"], Group::Write, true),
    (&["DELETE", "HISTORY"], Group::Write, false),
    (&["DELETE"], Group::Write, true),
    (&["EXECUTE"], Group::Write, false),
    (&["LOCK", "TABLES"], Group::Write, false),
    (&["CREATE", "TEMPORARY", "TABLES"], Group::Write, false),
    (&["CREATE", "VIEW"], Group::Ddl, false),
    (&["CREATE", "ROUTINE"], Group::Ddl, false),
    (&["CREATE"], Group::Ddl, true),
    (&["ALTER", "ROUTINE"], Group::Ddl, false),
    (&["ALTER"], Group::Ddl, true),
    (&["DROP"], Group::Ddl, true),
    (&["INDEX"], Group::Ddl, false),
    (&["REFERENCES"], Group::Ddl, false),
    (&["TRIGGER"], Group::Ddl, false),
    (&["EVENT"], Group::Ddl, false),
    (&["SHOW", "CREATE", "ROUTINE"], Group::Read, false),
    (&["USAGE"], Group::None, false),
    (&["SHOW", "DATABASES"], Group::None, false),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    None,
    Read,
    Write,
    Ddl,
}

/// Reads the list. A group is granted whole or not at all: nobody gets a right that the statement does not
/// name.
pub(super) fn read(c: &mut Cursor<'_>) -> Read<Granted> {
    if c.eat("ALL") {
        c.eat("PRIVILEGES");
        return Ok(Granted::All);
    }
    let mut named: Vec<usize> = Vec::new();
    loop {
        let at = PRIVILEGES.iter().position(|(words, ..)| c.eat_all(words));
        named.push(
            at.ok_or("privileges other than those on tables, views and routines, and roles")?,
        );
        if c.is_op(Op::LParen) {
            return Err("rights on columns: rights are by database");
        }
        if !c.eat_op(Op::Comma) {
            break;
        }
    }
    let has = |group: Group| {
        let in_group = |n: &&usize| PRIVILEGES[**n].1 == group;
        let wanted = PRIVILEGES.iter().filter(|p| p.1 == group && p.2).count();
        let core = named
            .iter()
            .filter(in_group)
            .filter(|n| PRIVILEGES[**n].2)
            .count();
        match named.iter().filter(in_group).count() {
            0 => Ok(false),
            _ if core >= wanted => Ok(true),
            _ => Err(
                "part of a right: `write` is INSERT, UPDATE, DELETE (with EXECUTE, LOCK TABLES, CREATE \
                 TEMPORARY TABLES), `ddl` is CREATE, ALTER, DROP (with INDEX and the like), `read` is \
                 SELECT; name a whole one",
            ),
        }
    };
    if named.is_empty() {
        return Err(SYNTAX);
    }
    Ok(Granted::Some {
        read: has(Group::Read)?,
        write: has(Group::Write)?,
        ddl: has(Group::Ddl)?,
    })
}
