//! COM_STMT_BULK_EXECUTE: one statement with the parameters of many executions.
//!
//! Source: MariaDB "COM_STMT_BULK_EXECUTE". Behind the types follow the rows; a byte ahead of each value says
//! whether there is one.

use super::ClientCommand;
use crate::command::execute::ParamList;
use crate::read::{Malformed, Reader};
use crate::value::read_param;

/// The types of the parameters are there.
const SEND_TYPES: u16 = 128;

/// The body of COM_STMT_BULK_EXECUTE, behind the command byte.
#[derive(Debug, Clone, Copy)]
pub struct BulkExecute<'a> {
    /// Client's statement id.
    pub id: u32,
    /// Two bytes a parameter, if sent this time.
    pub types: Option<&'a [u8]>,
    /// The rows, one behind the other.
    pub rows: &'a [u8],
}

/// A value that is left to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkError {
    /// DEFAULT or IGNORE stands in place of a value.
    Indicator,
    /// The bytes end too early.
    Malformed(Malformed),
}

impl From<Malformed> for BulkError {
    fn from(e: Malformed) -> Self {
        BulkError::Malformed(e)
    }
}

impl<'a> BulkExecute<'a> {
    /// Reads the body for a statement with `params` parameters.
    pub fn decode(body: &'a [u8], params: usize) -> Result<Self, Malformed> {
        let mut r = Reader::new(body);
        let id = r.u32("statement id")?;
        let types = match r.u16("bulk flags")? & SEND_TYPES {
            0 => None,
            _ => Some(r.bytes(params * 2, "parameter types")?),
        };
        let rows = r.rest();
        match rows.is_empty() || params == 0 {
            true => Err(Malformed("no parameters")),
            false => Ok(Self { id, types, rows }),
        }
    }
}

/// Takes one row off the front; `None` behind the last.
pub fn next_row(rows: &mut Reader<'_>, types: &[u8]) -> Result<Option<ParamList>, BulkError> {
    if rows.is_empty() {
        return Ok(None);
    }
    let mut out = ParamList::default();
    for kind in types.chunks_exact(2) {
        let kind = [kind[0], kind[1]];
        let value = match rows.u8("indicator")? {
            0 => {
                let rest = rows.rest();
                let start = rows.position();
                read_param(rows, kind[0], kind[1] & 0x80 != 0)?;
                rest.get(..rows.position() - start)
            }
            1 => None,
            2 | 3 => return Err(BulkError::Indicator),
            _ => return Err(Malformed("indicator of a parameter").into()),
        };
        out.push(kind, value, false);
    }
    Ok(Some(out))
}

/// Appends the command for server statement `id`, with all types and rows as a client sent them.
pub fn put(out: &mut Vec<u8>, id: u32, types: &[u8], rows: &[u8]) {
    let (id, flags) = (id.to_le_bytes(), SEND_TYPES.to_le_bytes());
    ClientCommand::StmtBulkExecute.put(out, &[&id, &flags, types, rows]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::column_type as t;
    use crate::command::execute::locate_params;
    use crate::value::ParamValue;

    #[test]
    fn rows_follow_each_other() {
        let types = [t::LONG, 0, t::VAR_STRING, 0];
        let rows = b"\x00\x07\x00\x00\x00\x00\x02hi\x00\x08\x00\x00\x00\x01";
        let mut out = Vec::new();
        put(&mut out, 9, &types, rows);
        let b = BulkExecute::decode(&out[5..], 2).unwrap();
        assert_eq!((b.id, b.types, b.rows), (9, Some(&types[..]), &rows[..]));
        let mut r = Reader::new(b.rows);
        let mut seen = Vec::new();
        while let Some(row) = next_row(&mut r, &types).unwrap() {
            let (nulls, types, values) = row.into_parts();
            let p = locate_params(&nulls, &types, &values, |_| false).unwrap();
            let text = format!("{:?}", [p[0].value(&values), p[1].value(&values)]);
            seen.push(text);
        }
        let first = [
            Ok(Some(ParamValue::Int(7))),
            Ok::<_, Malformed>(Some(ParamValue::Bytes(b"hi"))),
        ];
        assert_eq!(seen[0], format!("{first:?}"));
        assert!(seen[1].contains("Int(8)") && seen[1].contains("Null") && seen.len() == 2);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert!(BulkExecute::decode(&[1, 0, 0, 0, 128, 0], 1).is_err());
        assert!(BulkExecute::decode(&[1, 0, 0, 0, 0, 0], 1).is_err());
        let types = [t::LONG, 0];
        let row = |bytes| next_row(&mut Reader::new(bytes), &types);
        assert!(matches!(row(&[0, 1, 2]), Err(BulkError::Malformed(_))));
        assert_eq!(row(&[2]).err(), Some(BulkError::Indicator));
        assert!(matches!(row(&[7]), Err(BulkError::Malformed(_))));
    }
}
