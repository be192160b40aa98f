//! Packet headers, and the assembly of commands from one or more packets.
//!
//! Source: MySQL "Protocol Basics: MySQL Packets". A payload of 0xffffff bytes is continued by the
//! next packet, and a payload that is an exact multiple ends with an empty packet.

use crate::read::Malformed;
use std::ops::Range;

/// Bytes of a packet header: three of length, one of sequence number.
pub const HEADER_LEN: usize = 4;
/// The longest payload of one packet.
pub const MAX_PAYLOAD: usize = 0xff_ffff;

/// A header: payload length and sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Payload bytes that follow, at most [`MAX_PAYLOAD`].
    pub len: usize,
    /// Sequence number within one exchange.
    pub seq: u8,
}

impl Header {
    /// Reads a header, if four bytes are there.
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let b = bytes.get(..HEADER_LEN)?;
        let len = u32::from_le_bytes([b[0], b[1], b[2], 0]) as usize;
        Some(Header { len, seq: b[3] })
    }

    /// The four bytes of this header.
    pub fn bytes(self) -> [u8; HEADER_LEN] {
        let l = (self.len as u32).to_le_bytes();
        [l[0], l[1], l[2], self.seq]
    }
}

/// Appends `payload` as one or more packets starting at `*seq`, which moves on.
pub fn put_packet(out: &mut Vec<u8>, seq: &mut u8, payload: &[u8]) {
    let mut rest = payload;
    loop {
        let len = rest.len().min(MAX_PAYLOAD);
        out.extend_from_slice(&Header { len, seq: *seq }.bytes());
        out.extend_from_slice(&rest[..len]);
        *seq = seq.wrapping_add(1);
        rest = &rest[len..];
        if len < MAX_PAYLOAD {
            return;
        }
    }
}

/// Appends the parts, one behind the other, as one payload: one or more packets starting at `*seq`, which
/// moves on.
pub fn put_packet_parts(out: &mut Vec<u8>, seq: &mut u8, head: &[&[u8]], parts: &[&[u8]]) {
    let all = || head.iter().chain(parts);
    let len: usize = all().map(|p| p.len()).sum();
    if len < MAX_PAYLOAD {
        out.reserve(HEADER_LEN + len);
        out.extend_from_slice(&Header { len, seq: *seq }.bytes());
        all().for_each(|p| out.extend_from_slice(p));
        *seq = seq.wrapping_add(1);
        return;
    }
    let mut payload = Vec::with_capacity(len);
    all().for_each(|p| payload.extend_from_slice(p));
    put_packet(out, seq, &payload);
}

/// Appends a packet whose payload `fill` writes; the payload must stay below 16 MiB.
pub fn put_packet_with(out: &mut Vec<u8>, seq: &mut u8, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; HEADER_LEN]);
    fill(out);
    let len = out.len() - at - HEADER_LEN;
    if len >= MAX_PAYLOAD {
        let payload = out.split_off(at + HEADER_LEN);
        out.truncate(at);
        put_packet(out, seq, &payload);
        return;
    }
    out[at..at + HEADER_LEN].copy_from_slice(&Header { len, seq: *seq }.bytes());
    *seq = seq.wrapping_add(1);
}

/// What stands at the front of an input buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Front {
    /// More bytes are needed; at least this many in all (a hint).
    Need(usize),
    /// One packet holds the whole payload, at this range of the buffer.
    Whole {
        /// Where the payload stands.
        payload: Range<usize>,
        /// Bytes to drop from the buffer afterwards.
        consumed: usize,
        /// Sequence number of the packet.
        seq: u8,
    },
    /// The payload came in several packets and was copied together.
    Joined {
        /// The payload.
        payload: Vec<u8>,
        /// Bytes to drop from the buffer afterwards.
        consumed: usize,
        /// Sequence number of the last packet.
        seq: u8,
    },
}

/// Why the front of a buffer is no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontError {
    /// A sequence number that does not follow.
    #[error("packets out of order: sequence number {got}, expected {expected}")]
    OutOfOrder {
        /// The number that came.
        got: u8,
        /// The number that had to come.
        expected: u8,
    },
    /// Longer than the limit.
    #[error("packet of at least {len} bytes is longer than max_allowed_packet ({max})")]
    TooLarge {
        /// Bytes announced so far.
        len: usize,
        /// The limit.
        max: usize,
    },
}

/// Looks for one payload at the front of `buf`, whose first packet must have number `seq`.
pub fn front(buf: &[u8], seq: u8, max: usize) -> Result<Front, FrontError> {
    let Some(head) = Header::parse(buf) else {
        return Ok(Front::Need(HEADER_LEN));
    };
    check(head, seq, head.len, max)?;
    let end = HEADER_LEN + head.len;
    if head.len < MAX_PAYLOAD {
        if buf.len() < end {
            return Ok(Front::Need(end));
        }
        return Ok(Front::Whole {
            payload: HEADER_LEN..end,
            consumed: end,
            seq,
        });
    }
    join(buf, seq, max)
}

fn check(head: Header, seq: u8, total: usize, max: usize) -> Result<(), FrontError> {
    if head.seq != seq {
        return Err(FrontError::OutOfOrder {
            got: head.seq,
            expected: seq,
        });
    }
    if total > max {
        return Err(FrontError::TooLarge { len: total, max });
    }
    Ok(())
}

fn join(buf: &[u8], first: u8, max: usize) -> Result<Front, FrontError> {
    let (mut at, mut seq, mut total) = (0, first, 0);
    loop {
        let Some(head) = Header::parse(&buf[at..]) else {
            return Ok(Front::Need(at + HEADER_LEN));
        };
        total += head.len;
        check(head, seq, total, max)?;
        let end = at + HEADER_LEN + head.len;
        if buf.len() < end {
            return Ok(Front::Need(end));
        }
        at = end;
        if head.len < MAX_PAYLOAD {
            break;
        }
        seq = seq.wrapping_add(1);
    }
    let mut payload = Vec::with_capacity(total);
    let mut pos = 0;
    while pos < at {
        let len = Header::parse(&buf[pos..]).map_or(0, |h| h.len);
        payload.extend_from_slice(&buf[pos + HEADER_LEN..pos + HEADER_LEN + len]);
        pos += HEADER_LEN + len;
    }
    Ok(Front::Joined {
        payload,
        consumed: at,
        seq,
    })
}

/// Splits one packet off the front of `buf`: header, payload, and the bytes behind it.
pub fn split_packet(buf: &[u8]) -> Result<(Header, &[u8], &[u8]), Malformed> {
    let head = Header::parse(buf).ok_or(Malformed("packet header"))?;
    let end = HEADER_LEN + head.len;
    let payload = buf.get(HEADER_LEN..end).ok_or(Malformed("packet body"))?;
    Ok((head, payload, &buf[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_payload_comes_back_whole() {
        for len in [
            0,
            1,
            MAX_PAYLOAD - 1,
            MAX_PAYLOAD,
            MAX_PAYLOAD + 5,
            2 * MAX_PAYLOAD,
        ] {
            let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let (mut out, mut seq) = (Vec::new(), 0);
            put_packet(&mut out, &mut seq, &payload);
            match front(&out, 0, usize::MAX).unwrap() {
                Front::Whole {
                    payload: r,
                    consumed,
                    ..
                } => {
                    assert_eq!(&out[r], &payload[..]);
                    assert_eq!(consumed, out.len());
                }
                Front::Joined {
                    payload: p,
                    consumed,
                    ..
                } => {
                    assert!(p == payload);
                    assert_eq!(consumed, out.len());
                }
                Front::Need(n) => panic!("needs {n}"),
            }
            assert!(matches!(
                front(&out[..out.len() - 1], 0, usize::MAX),
                Ok(Front::Need(_))
            ));
        }
    }

    #[test]
    fn wrong_numbers_and_sizes_are_refused() {
        let (mut out, mut seq) = (Vec::new(), 3);
        put_packet(&mut out, &mut seq, b"abc");
        assert!(matches!(
            front(&out, 0, 100),
            Err(FrontError::OutOfOrder {
                got: 3,
                expected: 0
            })
        ));
        assert!(matches!(
            front(&out, 3, 2),
            Err(FrontError::TooLarge { len: 3, max: 2 })
        ));
    }

    #[test]
    fn parts_are_one_payload() {
        for last in [vec![], vec![1; 9], vec![7; MAX_PAYLOAD]] {
            let (mut parts, mut whole, mut a, mut b) = (Vec::new(), Vec::new(), 0, 0);
            put_packet_parts(&mut parts, &mut a, &[b"x"], &[b"yz", &last]);
            put_packet(&mut whole, &mut b, &[b"xyz", &last[..]].concat());
            assert!(parts == whole && a == b);
        }
    }

    #[test]
    fn put_packet_with_writes_the_length() {
        let (mut out, mut seq) = (Vec::new(), 1);
        put_packet_with(&mut out, &mut seq, |b| b.extend_from_slice(b"xy"));
        assert_eq!(out, [2, 0, 0, 1, b'x', b'y']);
        assert_eq!(seq, 2);
    }
}
