//! The table of a trigger.

use crate::cursor::Cursor;
use crate::ident::ObjectName;

/// What stands behind ON in `CREATE TRIGGER name BEFORE INSERT ON table ...`; `None` for other statements.
pub fn trigger_table(mut c: Cursor<'_>) -> Option<ObjectName> {
    if !c.eat("CREATE") {
        return None;
    }
    // OR REPLACE and DEFINER = user@host come first.
    while !c.eat("TRIGGER") {
        if c.is_word("PROCEDURE") || c.is_word("FUNCTION") || c.is_word("EVENT") {
            return None;
        }
        c.next()?;
    }
    while !c.eat("ON") {
        c.next()?;
    }
    c.object_name()
}
