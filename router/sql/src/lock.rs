//! LOCK TABLES: its tables, each with the bytes that say how it is locked.

use crate::cursor::Cursor;
use crate::ident::ObjectName;
use crate::lexer::Op;
use std::ops::Range;

/// LOCK TABLES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockTables {
    /// The tables.
    pub tables: Vec<LockedTable>,
    /// Bytes behind them: WAIT n, NOWAIT, or none.
    pub tail: Range<usize>,
}

/// One table of LOCK TABLES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedTable {
    /// Its name.
    pub table: ObjectName,
    /// Bytes of name, alias and kind of lock.
    pub range: Range<usize>,
}

/// Reads LOCK TABLES; `None` if it is something else, or nothing that a server takes.
pub fn parse(mut c: Cursor<'_>) -> Option<LockTables> {
    if !c.eat("LOCK") {
        return None;
    }
    c.eat_one(&["TABLES", "TABLE"])?;
    let mut tables = Vec::new();
    loop {
        let start = c.position();
        let table = c.object_name()?;
        if !is_kind(&c) {
            c.eat("AS");
            c.name()?;
        }
        kind(&mut c)?;
        // Up to the comma: a dump has LOCAL in a comment for some versions.
        let range = start..c.position();
        tables.push(LockedTable { table, range });
        if !c.eat_op(Op::Comma) {
            break;
        }
    }
    let start = c.position();
    let tail = match () {
        () if c.at_end() => start..start,
        () if c.eat("NOWAIT") => start..c.end_of_last(),
        () if c.eat("WAIT") => {
            c.next()?;
            start..c.end_of_last()
        }
        () => return None,
    };
    c.at_end().then_some(LockTables { tables, tail })
}

fn is_kind(c: &Cursor<'_>) -> bool {
    ["READ", "WRITE", "LOW_PRIORITY"]
        .iter()
        .any(|w| c.is_word(w))
}

fn kind(c: &mut Cursor<'_>) -> Option<()> {
    if c.eat("READ") {
        c.eat("LOCAL");
        return Some(());
    }
    c.eat("LOW_PRIORITY");
    if !c.eat("WRITE") {
        return None;
    }
    c.eat("CONCURRENT");
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, LexMode, Lexed};

    fn read(text: &str) -> Option<Vec<String>> {
        let mode = LexMode::default();
        let lexed = Lexed::new(text.as_bytes(), mode, Flavor::default()).unwrap();
        let lock = parse(Cursor::new(text.as_bytes(), &lexed.tokens, mode))?;
        let ranges = lock.tables.iter().map(|t| t.range.clone());
        let texts = ranges.chain([lock.tail]).map(|r| text[r].to_string());
        Some(texts.collect())
    }

    #[test]
    fn each_table_has_its_part_of_the_text() {
        let all = "LOCK TABLES `a` WRITE, d.b AS x READ LOCAL, c y low_priority write WAIT 5;";
        let parts = [
            "`a` WRITE",
            "d.b AS x READ LOCAL",
            "c y low_priority write ",
            "WAIT 5",
        ];
        let dumped =
            read("LOCK TABLES `a` READ /*!32311 LOCAL */,b READ /*!32311 LOCAL */").unwrap();
        assert_eq!(
            dumped[..2],
            ["`a` READ /*!32311 LOCAL */", "b READ /*!32311 LOCAL */"]
        );
        assert_eq!(read(all).unwrap(), parts);
        assert_eq!(read("lock table t read").unwrap(), ["t read", ""]);
        assert_eq!(
            read("LOCK TABLES `write` WRITE NOWAIT").unwrap()[1],
            "NOWAIT"
        );
        for wrong in [
            "LOCK TABLES t",
            "LOCK TABLES t READ x",
            "LOCK INSTANCE FOR BACKUP",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
