//! Records of the log: length, checksum, JSON.
//!
//! ```text
//! | length u32 | crc32 u32 | length bytes |   ... repeated
//! ```
//! The checksum covers the bytes. A last record that is cut short was never acknowledged and is
//! dropped; a wrong checksum with more behind it is damage, and the log is not read further.

/// Bytes in front of a record.
pub const RECORD_HEADER_LEN: usize = 8;
/// Longest record.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// Appends a record.
pub fn put_record(out: &mut Vec<u8>, body: &[u8]) {
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    out.extend_from_slice(body);
}

/// A log that is damaged in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record at byte {at} does not match its checksum, and it is not the last one")]
pub struct Damaged {
    /// Where the record begins.
    pub at: usize,
}

/// Splits a log into records; also gives the length of what is good.
pub fn records(log: &[u8]) -> Result<(Vec<&[u8]>, usize), Damaged> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(head) = log.get(at..at + RECORD_HEADER_LEN) {
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let crc = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let start = at + RECORD_HEADER_LEN;
        let body = if len > RECORD_BYTES_MAX {
            None
        } else {
            log.get(start..start + len)
        };
        match body {
            Some(body) if crc32fast::hash(body) == crc => {
                out.push(body);
                at = start + len;
            }
            Some(_) if start + len < log.len() => return Err(Damaged { at }),
            _ => break,
        }
    }
    Ok((out, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_ends_are_dropped_and_damage_is_named() {
        let mut log = Vec::new();
        put_record(&mut log, b"one");
        put_record(&mut log, b"two");
        for cut in 0..log.len() {
            let (r, good) = records(&log[..cut]).unwrap();
            assert_eq!(r.len(), cut / 11);
            assert_eq!(good, cut / 11 * 11);
        }
        let mut bad = log.clone();
        bad[9] ^= 1;
        assert_eq!(records(&bad), Err(Damaged { at: 0 }));
        let mut torn = log.clone();
        torn[20] ^= 1;
        assert_eq!(records(&torn).unwrap().0.len(), 1);
    }
}
