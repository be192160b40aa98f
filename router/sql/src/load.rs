//! `LOAD DATA [LOCAL] INFILE`: only what routing needs.

use crate::cursor::Cursor;
use crate::ident::ObjectName;

/// A LOAD DATA or LOAD XML statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// LOCAL: the client sends the file.
    pub local: bool,
    /// The table.
    pub table: ObjectName,
}

/// Reads the statement; `None` if it is none.
pub fn parse(mut c: Cursor<'_>) -> Option<Load> {
    if !c.eat("LOAD") {
        return None;
    }
    c.eat_one(&["DATA", "XML"])?;
    c.eat_one(&["LOW_PRIORITY", "CONCURRENT"]);
    let local = c.eat("LOCAL");
    if !c.eat("INFILE") {
        return None;
    }
    c.string()?;
    c.eat_one(&["REPLACE", "IGNORE"]);
    if !c.eat_all(&["INTO", "TABLE"]) {
        return None;
    }
    Some(Load {
        local,
        table: c.object_name()?,
    })
}
