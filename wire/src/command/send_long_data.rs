//! COM_STMT_SEND_LONG_DATA: a parameter's bytes ahead of the execution. It has no answer.

use super::ClientCommand;
use crate::read::{Malformed, Reader};

/// A piece of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongDataPiece<'a> {
    /// The statement.
    pub id: u32,
    /// Number of the parameter, from 0.
    pub parameter: u16,
    /// Its bytes; further pieces are appended.
    pub bytes: &'a [u8],
}

impl<'a> LongDataPiece<'a> {
    /// Reads a body.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(body);
        Ok(Self {
            id: r.u32("statement id")?,
            parameter: r.u16("parameter number")?,
            bytes: r.rest(),
        })
    }

    /// Appends the command.
    pub fn put(&self, out: &mut Vec<u8>) {
        let (id, parameter) = (self.id.to_le_bytes(), self.parameter.to_le_bytes());
        ClientCommand::StmtSendLongData.put(out, &[&id, &parameter, self.bytes]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_reads_back() {
        let piece = LongDataPiece {
            id: 7,
            parameter: 258,
            bytes: b"abc",
        };
        let mut out = Vec::new();
        piece.put(&mut out);
        assert_eq!(out[4], ClientCommand::StmtSendLongData as u8);
        assert_eq!(LongDataPiece::decode(&out[5..]), Ok(piece));
        assert!(LongDataPiece::decode(&[1, 2, 3, 4, 5]).is_err());
    }
}
