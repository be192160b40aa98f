//! COM_SET_OPTION: whether one COM_QUERY may hold several statements.

use super::ClientCommand;
use crate::read::{Malformed, Reader};

/// What a body asks for: several statements, or one.
pub fn multi_statements(body: &[u8]) -> Result<bool, Malformed> {
    match Reader::new(body).u16("option")? {
        0 => Ok(true),
        1 => Ok(false),
        _ => Err(Malformed("option")),
    }
}

/// Appends the command.
pub fn put(out: &mut Vec<u8>, multi_statements: bool) {
    ClientCommand::SetOption.put(out, &[&[u8::from(!multi_statements), 0]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back() {
        for on in [true, false] {
            let mut out = Vec::new();
            put(&mut out, on);
            assert_eq!(multi_statements(&out[5..]), Ok(on));
        }
        assert!(multi_statements(&[2, 0]).is_err());
    }
}
