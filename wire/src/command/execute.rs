//! COM_STMT_EXECUTE and its parameters.
//!
//! Source: MySQL "COM_STMT_EXECUTE". A client that executes twice may leave the types out the second
//! time (`new-params-bound` = 0); a shared server statement must always be given them.

use super::ClientCommand;
use crate::read::{Malformed, Reader};
use crate::value::{ParamValue, read_param};
use smallvec::SmallVec;
use std::ops::Range;

/// The body of COM_STMT_EXECUTE, behind the command byte.
#[derive(Debug, Clone, Copy)]
pub struct Execute<'a> {
    /// Client's statement id.
    pub id: u32,
    /// CURSOR_TYPE_* flags.
    pub flags: u8,
    /// One bit a parameter.
    pub null_bitmap: &'a [u8],
    /// Two bytes a parameter, if sent this time.
    pub types: Option<&'a [u8]>,
    /// The values, one behind the other.
    pub values: &'a [u8],
}

/// The statement id alone.
pub fn statement_id(body: &[u8]) -> Result<u32, Malformed> {
    Reader::new(body).u32("statement id")
}

impl<'a> Execute<'a> {
    /// Reads the body for a statement with `params` parameters.
    pub fn decode(body: &'a [u8], params: usize) -> Result<Self, Malformed> {
        let mut r = Reader::new(body);
        let id = r.u32("statement id")?;
        let flags = r.u8("flags")?;
        r.u32("iteration count")?;
        let (mut null_bitmap, mut types): (&[u8], _) = (&[], None);
        if params > 0 {
            null_bitmap = r.bytes(params.div_ceil(8), "null bitmap")?;
            if r.u8("new-params-bound")? == 1 {
                types = Some(r.bytes(params * 2, "parameter types")?);
            }
        }
        Ok(Self {
            id,
            flags,
            null_bitmap,
            types,
            values: r.rest(),
        })
    }
}

/// One parameter: where its bytes are, and its type.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundParam {
    /// The two type bytes.
    pub kind: [u8; 2],
    /// Range in the values; `None` is NULL or sent as long data.
    pub at: Option<Range<usize>>,
    /// True if the value came by COM_STMT_SEND_LONG_DATA.
    pub long: bool,
}

/// Finds every parameter. `long(i)` tells which came as long data (they have no bytes here). Bytes behind the
/// last one are left alone, as servers do.
pub fn locate_params(
    null_bitmap: &[u8],
    types: &[u8],
    values: &[u8],
    long: impl Fn(usize) -> bool,
) -> Result<SmallVec<[BoundParam; 8]>, Malformed> {
    let mut r = Reader::new(values);
    let mut out = SmallVec::new();
    for (i, kind) in types.chunks_exact(2).enumerate() {
        let kind = [kind[0], kind[1]];
        let null = null_bitmap
            .get(i / 8)
            .is_some_and(|b| b >> (i % 8) & 1 == 1);
        if long(i) || null {
            out.push(BoundParam {
                kind,
                at: None,
                long: long(i),
            });
            continue;
        }
        let start = r.position();
        read_param(&mut r, kind[0], kind[1] & 0x80 != 0)?;
        out.push(BoundParam {
            kind,
            at: Some(start..r.position()),
            long: false,
        });
    }
    Ok(out)
}

impl BoundParam {
    /// The value in `values`; `None` if it came as long data.
    pub fn value<'a>(&self, values: &'a [u8]) -> Result<Option<ParamValue<'a>>, Malformed> {
        match &self.at {
            None if self.long => Ok(None),
            None => Ok(Some(ParamValue::Null)),
            Some(at) => {
                let bytes = values.get(at.clone()).ok_or(Malformed("parameter range"))?;
                let unsigned = self.kind[1] & 0x80 != 0;
                read_param(&mut Reader::new(bytes), self.kind[0], unsigned).map(Some)
            }
        }
    }
}

/// A parameter list that is being put together for a server statement.
#[derive(Debug, Default)]
pub struct ParamList {
    count: usize,
    nulls: Vec<u8>,
    types: Vec<u8>,
    values: Vec<u8>,
}

impl ParamList {
    /// Adds one parameter; `None` bytes is NULL or long data.
    pub fn push(&mut self, kind: [u8; 2], bytes: Option<&[u8]>, long: bool) {
        if self.count.is_multiple_of(8) {
            self.nulls.push(0);
        }
        if bytes.is_none() && !long {
            self.nulls[self.count / 8] |= 1 << (self.count % 8);
        }
        self.types.extend_from_slice(&kind);
        self.values.extend_from_slice(bytes.unwrap_or_default());
        self.count += 1;
    }

    /// Adds an unsigned BIGINT.
    pub fn push_u64(&mut self, value: u64) {
        let kind = [crate::column::column_type::LONGLONG, 0x80];
        self.push(kind, Some(&value.to_le_bytes()), false);
    }

    /// Parameters so far.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True if there is none yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Null bitmap, types and values.
    pub fn into_parts(self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        (self.nulls, self.types, self.values)
    }

    /// The execution of server statement `id` with these parameters.
    pub fn execution(&self, id: u32, flags: u8) -> Execution<'_> {
        Execution {
            id,
            flags,
            nulls: &self.nulls,
            types: &self.types,
            values: &self.values,
        }
    }
}

/// An execution of a server's statement. Types always go along: another session may have executed it with
/// others.
#[derive(Debug, Clone, Copy)]
pub struct Execution<'a> {
    /// The server's statement id.
    pub id: u32,
    /// CURSOR_TYPE_* flags.
    pub flags: u8,
    /// One bit a parameter.
    pub nulls: &'a [u8],
    /// Two bytes a parameter.
    pub types: &'a [u8],
    /// The values, one behind the other.
    pub values: &'a [u8],
}

impl Execution<'_> {
    /// Appends the command.
    pub fn put(&self, out: &mut Vec<u8>) {
        let (id, iterations) = (self.id.to_le_bytes(), 1u32.to_le_bytes());
        let head: [&[u8]; 3] = [&id, &[self.flags], &iterations];
        let [id, flags, iterations] = head;
        if self.types.is_empty() {
            return ClientCommand::StmtExecute.put(out, &[id, flags, iterations]);
        }
        let parameters = [self.nulls, &[1], self.types, self.values];
        let [nulls, bound, types, values] = parameters;
        ClientCommand::StmtExecute.put(out, &[id, flags, iterations, nulls, bound, types, values]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::column_type as t;

    #[test]
    fn a_list_reads_back() {
        let mut list = ParamList::default();
        list.push([t::LONG, 0], Some(&7u32.to_le_bytes()), false);
        list.push([t::VAR_STRING, 0], None, false);
        list.push([t::VAR_STRING, 0], Some(b"\x02hi"), false);
        let mut out = Vec::new();
        list.execution(9, 0).put(&mut out);
        let e = Execute::decode(&out[5..], 3).unwrap();
        assert_eq!(e.id, 9);
        let p = locate_params(e.null_bitmap, e.types.unwrap(), e.values, |_| false).unwrap();
        assert_eq!(p[0].value(e.values), Ok(Some(ParamValue::Int(7))));
        assert_eq!(p[1].value(e.values), Ok(Some(ParamValue::Null)));
        assert_eq!(p[2].value(e.values), Ok(Some(ParamValue::Bytes(b"hi"))));
    }

    #[test]
    fn short_bodies_are_errors_and_long_ones_are_not() {
        assert!(Execute::decode(&[1, 0, 0], 0).is_err());
        assert!(Execute::decode(&[1, 0, 0, 0, 0, 1, 0, 0, 0], 1).is_err());
        assert!(locate_params(&[0], &[t::LONG, 0], &[1, 2], |_| false).is_err());
        let found = locate_params(&[0], &[t::TINY, 0], &[1, 2], |_| false).unwrap();
        assert_eq!(found[0].at, Some(0..1));
    }
}
