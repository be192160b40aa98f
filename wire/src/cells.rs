//! Cells of a row, text or binary, without decoding the others.
//!
//! Source: MySQL "ProtocolText::ResultsetRow", "Binary Protocol Resultset Row".

use crate::column::{ResultColumn, column_type as t};
use crate::read::{Malformed, Reader};
use crate::resultset::RowFormat;

/// Columns of a row and how it travels.
#[derive(Debug, Clone, Copy)]
pub struct RowShape<'c> {
    /// The columns.
    pub columns: &'c [ResultColumn],
    /// Text or binary.
    pub format: RowFormat,
}

/// Bytes of the null bitmap of a binary row with `columns` columns, which starts two bits late.
fn bitmap_bytes(columns: usize) -> usize {
    (columns + 9) / 8
}

/// True for kinds whose cells in a binary row have no length in front: numbers, and dates, which begin with
/// their own.
pub fn is_bare(kind: u8) -> bool {
    matches!(
        kind,
        t::TINY
            | t::SHORT
            | t::YEAR
            | t::LONG
            | t::INT24
            | t::FLOAT
            | t::LONGLONG
            | t::DOUBLE
            | t::DATE
            | t::DATETIME
            | t::TIMESTAMP
            | t::TIME
    )
}

impl RowShape<'_> {
    /// The bytes of one cell as they travel, without a length in front; `None` is NULL. In a binary row
    /// numbers are little endian, and dates keep their own length byte.
    pub fn cell<'r>(&self, row: &'r [u8], n: usize) -> Result<Option<&'r [u8]>, Malformed> {
        let mut cells = self.cells(row)?;
        for _ in 0..n {
            cells.skip_one()?;
        }
        cells.take_one()
    }

    /// Appends the row with only its first `n` cells: hidden columns stand behind them.
    pub fn put_first(&self, row: &[u8], n: usize, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut cells = self.cells(row)?;
        let start = cells.reader.position();
        for _ in 0..n {
            cells.skip_one()?;
        }
        let end = cells.reader.position();
        if self.format == RowFormat::Text {
            out.extend_from_slice(&row[..end]);
            return Ok(());
        }
        out.push(0);
        let kept = bitmap_bytes(n);
        let bitmap = row.get(1..1 + kept).ok_or(Malformed("null bitmap"))?;
        out.extend_from_slice(bitmap);
        // Bits of the columns that go belong to nobody.
        if let (Some(last), used @ 1..) = (out.last_mut(), (n + 2) % 8) {
            *last &= (1 << used) - 1;
        }
        out.extend_from_slice(&row[start..end]);
        Ok(())
    }

    /// Hands each column with its cell to `f`.
    pub fn each<'r>(
        &self,
        row: &'r [u8],
        mut f: impl FnMut(&ResultColumn, Option<&'r [u8]>),
    ) -> Result<(), Malformed> {
        let mut cells = self.cells(row)?;
        for column in self.columns {
            f(column, cells.take_one()?);
        }
        Ok(())
    }

    fn cells<'s, 'r>(&'s self, row: &'r [u8]) -> Result<Cells<'s, 'r>, Malformed> {
        let mut reader = Reader::new(row);
        let mut nulls: &[u8] = &[];
        if self.format == RowFormat::Binary {
            reader.u8("header of a binary row")?;
            nulls = reader.bytes(bitmap_bytes(self.columns.len()), "null bitmap")?;
        }
        Ok(Cells {
            shape: self,
            reader,
            nulls,
            at: 0,
        })
    }
}

struct Cells<'s, 'r> {
    shape: &'s RowShape<'s>,
    reader: Reader<'r>,
    nulls: &'r [u8],
    at: usize,
}

impl<'r> Cells<'_, 'r> {
    fn skip_one(&mut self) -> Result<(), Malformed> {
        self.take_one().map(drop)
    }

    fn take_one(&mut self) -> Result<Option<&'r [u8]>, Malformed> {
        let n = self.at;
        self.at += 1;
        let column = self.shape.columns.get(n).ok_or(Malformed("column"))?;
        if self.shape.format == RowFormat::Text {
            if self.reader.rest().first() == Some(&0xfb) {
                self.reader.u8("null")?;
                return Ok(None);
            }
            return self.reader.lenenc_bytes("cell").map(Some);
        }
        if self
            .nulls
            .get((n + 2) / 8)
            .is_some_and(|b| b & (1 << ((n + 2) % 8)) != 0)
        {
            return Ok(None);
        }
        let width = match column.kind {
            t::TINY => 1,
            t::SHORT | t::YEAR => 2,
            t::LONG | t::INT24 | t::FLOAT => 4,
            t::LONGLONG | t::DOUBLE => 8,
            t::NULL => return Ok(None),
            t::DATE | t::DATETIME | t::TIMESTAMP | t::TIME => {
                let len = *self.reader.rest().first().ok_or(Malformed("date"))?;
                usize::from(len) + 1
            }
            _ => return self.reader.lenenc_bytes("cell").map(Some),
        };
        self.reader.bytes(width, "cell").map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resultset::ResultSet;

    fn set() -> ResultSet {
        let mut set = ResultSet::with_text_columns(&["a", "n", "b"]);
        set.columns[1] = ResultColumn::number("n", false);
        set.row(["first", "77", "last"]);
        set.rows.push(vec![None, Some("-1".into()), None]);
        set
    }

    fn rows(format: RowFormat) -> Vec<Vec<u8>> {
        let set = set();
        let mut bytes = Vec::new();
        let caps = crate::caps::CLIENT_DEPRECATE_EOF;
        set.encode(&mut bytes, &mut 1, caps, 0, format);
        let mut reader = crate::rows::RowReader::new(true, 1 << 20);
        let (mut at, mut out) = (0, Vec::new());
        loop {
            let (item, taken) = reader.step(&bytes[at..]).unwrap();
            if let crate::rows::RowEvent::Row(crate::rows::RowBytes::At(r)) = item {
                out.push(bytes[at + r.start..at + r.end].to_vec());
            }
            at += taken;
            if reader.is_done() {
                return out;
            }
        }
    }

    #[test]
    fn cells_of_both_formats() {
        let columns = set().columns;
        let text = RowShape {
            columns: &columns,
            format: RowFormat::Text,
        };
        let rows_of_text = rows(RowFormat::Text);
        assert_eq!(text.cell(&rows_of_text[0], 1), Ok(Some(&b"77"[..])));
        assert_eq!(text.cell(&rows_of_text[1], 0), Ok(None));
        let binary = RowShape {
            columns: &columns,
            format: RowFormat::Binary,
        };
        let rows_of_binary = rows(RowFormat::Binary);
        assert_eq!(
            binary.cell(&rows_of_binary[0], 1),
            Ok(Some(&77u64.to_le_bytes()[..]))
        );
        assert_eq!(binary.cell(&rows_of_binary[0], 2), Ok(Some(&b"last"[..])));
        assert_eq!(binary.cell(&rows_of_binary[1], 2), Ok(None));
        assert!(binary.cell(&rows_of_binary[0], 3).is_err());
        assert!(text.cell(&rows_of_text[0][..3], 0).is_err());
    }

    #[test]
    fn hidden_columns_are_cut_off() {
        let columns = set().columns;
        for format in [RowFormat::Text, RowFormat::Binary] {
            let whole = RowShape {
                columns: &columns,
                format,
            };
            let cut = RowShape {
                columns: &columns[..2],
                format,
            };
            for row in rows(format) {
                let mut out = Vec::new();
                whole.put_first(&row, 2, &mut out).unwrap();
                for n in 0..2 {
                    assert_eq!(cut.cell(&out, n), whole.cell(&row, n));
                }
                assert!(cut.cell(&out, 2).is_err());
                let mut again = Vec::new();
                cut.put_first(&out, 2, &mut again).unwrap();
                assert_eq!(out, again);
            }
        }
    }
}
