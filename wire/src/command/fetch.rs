//! COM_STMT_FETCH: the next rows of a cursor.

use super::ClientCommand;
use crate::read::{Malformed, Reader};

/// What a body asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// The statement whose cursor it is.
    pub id: u32,
    /// How many rows at most.
    pub rows: u32,
}

impl Fetch {
    /// Reads a body.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(body);
        let id = r.u32("statement id")?;
        let rows = if r.is_empty() { 1 } else { r.u32("rows")? };
        Ok(Self { id, rows })
    }

    /// Appends the command.
    pub fn put(self, out: &mut Vec<u8>) {
        let (id, rows) = (self.id.to_le_bytes(), self.rows.to_le_bytes());
        ClientCommand::StmtFetch.put(out, &[&id, &rows]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back() {
        let fetch = Fetch { id: 3, rows: 500 };
        let mut out = Vec::new();
        fetch.put(&mut out);
        assert_eq!(Fetch::decode(&out[5..]), Ok(fetch));
        assert!(Fetch::decode(&[3, 0]).is_err());
    }
}
