//! Every value on disk carries its length, a checksum and the version of its encoding.
//!
//! ```text
//! | crc32 u32 | length u32 | format u32 | length bytes of JSON |
//! ```
//! The checksum covers all that follows it. A value that is cut short, changed or from a newer version
//! is an error; it is never used in part.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the encoding that is written; older ones are read.
pub const FORMAT: u32 = 3;
const HEADER_LEN: usize = 12;

/// Why a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The bytes do not match their checksum.
    #[error(
        "it is damaged ({0}); nothing of it was used; restore it from a backup or another node"
    )]
    Damaged(String),
    /// A newer version wrote it.
    #[error("it has format {0}, this version reads up to {FORMAT}")]
    Newer(u32),
}

/// A value as bytes.
pub fn seal<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = vec![0; HEADER_LEN];
    serde_json::to_writer(&mut out, value)?;
    let len = (out.len() - HEADER_LEN) as u32;
    out[4..8].copy_from_slice(&len.to_le_bytes());
    out[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    let crc = crc32fast::hash(&out[4..]);
    out[..4].copy_from_slice(&crc.to_le_bytes());
    Ok(out)
}

/// The value of bytes that [`seal`] made.
pub fn unseal<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let damaged = |why: &str| Unreadable::Damaged(why.to_string());
    let (head, body) = bytes
        .split_at_checked(HEADER_LEN)
        .ok_or_else(|| damaged("too short"))?;
    let field =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if field(4) as usize != body.len() {
        return Err(damaged("wrong length"));
    }
    if field(0) != crc32fast::hash(&bytes[4..]) {
        return Err(damaged("wrong checksum"));
    }
    if field(8) > FORMAT {
        return Err(Unreadable::Newer(field(8)));
    }
    serde_json::from_slice(body).map_err(|e| Unreadable::Damaged(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_any_byte_is_seen() {
        let sealed = seal(&vec![1, 2, 3]).unwrap();
        assert_eq!(unseal::<Vec<u8>>(&sealed), Ok(vec![1, 2, 3]));
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 0x10;
            assert!(unseal::<Vec<u8>>(&bad).is_err(), "byte {at}");
            assert!(unseal::<Vec<u8>>(&sealed[..at]).is_err(), "cut at {at}");
        }
        assert!(unseal::<Vec<u8>>(&[0; 64]).is_err());
    }

    #[test]
    fn a_newer_format_is_named() {
        let mut sealed = seal(&1).unwrap();
        sealed[8..12].copy_from_slice(&9u32.to_le_bytes());
        let crc = crc32fast::hash(&sealed[4..]).to_le_bytes();
        sealed[..4].copy_from_slice(&crc);
        assert_eq!(unseal::<u32>(&sealed), Err(Unreadable::Newer(9)));
    }
}
