//! COM_STMT_PREPARE and its answer.
//!
//! Source: MySQL "COM_STMT_PREPARE Response".

use super::ClientCommand;
use crate::packet::put_packet;
use crate::read::{Malformed, Reader};
use crate::reply::put_eof;

/// Appends the command.
pub fn put(out: &mut Vec<u8>, text: &[u8]) {
    ClientCommand::StmtPrepare.put(out, &[text]);
}

/// COM_STMT_PREPARE_OK and the definitions that follow it, as raw payloads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prepared {
    /// The server's statement id.
    pub id: u32,
    /// Parameter definitions.
    pub params: Vec<Vec<u8>>,
    /// Column definitions.
    pub columns: Vec<Vec<u8>>,
    /// Warnings of the preparation.
    pub warnings: u16,
}

/// The fixed part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrepareOk {
    /// The server's statement id.
    pub id: u32,
    /// Columns of its result.
    pub columns: u16,
    /// Its parameters.
    pub params: u16,
    /// Warnings.
    pub warnings: u16,
}

impl PrepareOk {
    /// Reads the first payload of the answer.
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(payload);
        if r.u8("prepare header")? != 0 {
            return Err(Malformed("prepare header"));
        }
        let id = r.u32("statement id")?;
        let columns = r.u16("columns")?;
        let params = r.u16("parameters")?;
        r.u8("filler")?;
        Ok(Self {
            id,
            columns,
            params,
            warnings: r.u16("warnings").unwrap_or(0),
        })
    }
}

impl Prepared {
    /// Appends the whole answer for a client that knows the statement as `id`.
    pub fn encode(
        &self,
        out: &mut Vec<u8>,
        seq: &mut u8,
        id: u32,
        deprecate_eof: bool,
        status: u16,
    ) {
        let mut head = vec![0];
        head.extend_from_slice(&id.to_le_bytes());
        head.extend_from_slice(&(self.columns.len() as u16).to_le_bytes());
        head.extend_from_slice(&(self.params.len() as u16).to_le_bytes());
        head.push(0);
        head.extend_from_slice(&self.warnings.to_le_bytes());
        put_packet(out, seq, &head);
        for list in [&self.params, &self.columns] {
            for def in list {
                put_packet(out, seq, def);
            }
            if !list.is_empty() && !deprecate_eof {
                let mut eof = Vec::new();
                put_eof(&mut eof, 0, status);
                put_packet(out, seq, &eof);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_has_the_eofs_that_the_client_expects() {
        let p = Prepared {
            id: 3,
            params: vec![vec![1]],
            columns: vec![vec![2], vec![3]],
            warnings: 0,
        };
        for (deprecate, packets) in [(true, 4), (false, 6)] {
            let (mut out, mut seq) = (Vec::new(), 1);
            p.encode(&mut out, &mut seq, 9, deprecate, 2);
            assert_eq!(seq, 1 + packets);
            let ok = PrepareOk::decode(&out[4..16]).unwrap();
            assert_eq!(
                ok,
                PrepareOk {
                    id: 9,
                    columns: 2,
                    params: 1,
                    warnings: 0
                }
            );
        }
    }
}
