//! The compressed protocol: frames of zlib data around the packet stream.
//!
//! Source: MySQL "Compression". A frame that says uncompressed length 0 carries plain bytes.

use crate::packet::MAX_PAYLOAD;
use flate2::Compression;
use flate2::write::{ZlibDecoder, ZlibEncoder};
use std::io::Write;

/// Bytes of a frame header.
pub const FRAME_HEADER_LEN: usize = 7;
/// Below this a payload is sent plain, as the server does.
const MIN_COMPRESS_LENGTH: usize = 50;

/// A frame that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The zlib data is broken.
    #[error("compressed packet does not inflate")]
    Broken,
    /// The data inflates to another length than the header says.
    #[error("compressed packet inflates to another length than it says")]
    Length,
}

/// Bytes that the frame at the front of `input` comes to, as its header says; `None` if it is not complete.
pub fn plain_len(input: &[u8]) -> Option<usize> {
    let h = input.get(..FRAME_HEADER_LEN)?;
    let len = u32::from_le_bytes([h[0], h[1], h[2], 0]) as usize;
    let plain = u32::from_le_bytes([h[4], h[5], h[6], 0]) as usize;
    (input.len() >= FRAME_HEADER_LEN + len).then_some(plain.max(len))
}

/// Takes one frame off the front of `input` and appends what it holds to `out`.
/// Returns the bytes used and the frame's number; `None` if the frame is not complete.
pub fn take_frame(input: &[u8], out: &mut Vec<u8>) -> Result<Option<(usize, u8)>, FrameError> {
    let Some(h) = input.get(..FRAME_HEADER_LEN) else {
        return Ok(None);
    };
    let len = u32::from_le_bytes([h[0], h[1], h[2], 0]) as usize;
    let plain_len = u32::from_le_bytes([h[4], h[5], h[6], 0]) as usize;
    let Some(body) = input.get(FRAME_HEADER_LEN..FRAME_HEADER_LEN + len) else {
        return Ok(None);
    };
    if plain_len == 0 {
        out.extend_from_slice(body);
    } else {
        inflate(body, plain_len, out)?;
    }
    Ok(Some((FRAME_HEADER_LEN + len, h[3])))
}

/// Inflates at most `plain_len` bytes (the header's 24 bits bound it to 16 MiB).
fn inflate(body: &[u8], plain_len: usize, out: &mut Vec<u8>) -> Result<(), FrameError> {
    struct Bounded<'a> {
        out: &'a mut Vec<u8>,
        left: usize,
    }
    impl Write for Bounded<'_> {
        fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
            if buf.len() > self.left {
                return Err(std::io::ErrorKind::FileTooLarge.into());
            }
            self.left -= buf.len();
            self.out.extend_from_slice(buf);
            Ok(buf.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut decoder = ZlibDecoder::new(Bounded {
        out,
        left: plain_len,
    });
    decoder.write_all(body).map_err(|_| FrameError::Broken)?;
    let rest = decoder.finish().map_err(|_| FrameError::Broken)?;
    if rest.left != 0 {
        return Err(FrameError::Length);
    }
    Ok(())
}

/// Appends `plain` as frames numbered from `*seq`.
pub fn put_frames(out: &mut Vec<u8>, seq: &mut u8, plain: &[u8]) {
    for chunk in plain.chunks(MAX_PAYLOAD) {
        let packed = if chunk.len() < MIN_COMPRESS_LENGTH {
            None
        } else {
            deflate(chunk)
        };
        let (body, plain_len) = match &packed {
            Some(p) => (&p[..], chunk.len()),
            None => (chunk, 0),
        };
        out.extend_from_slice(&(body.len() as u32).to_le_bytes()[..3]);
        out.push(*seq);
        out.extend_from_slice(&(plain_len as u32).to_le_bytes()[..3]);
        out.extend_from_slice(body);
        *seq = seq.wrapping_add(1);
    }
}

fn deflate(chunk: &[u8]) -> Option<Vec<u8>> {
    let mut e = ZlibEncoder::new(Vec::with_capacity(chunk.len() / 2), Compression::fast());
    e.write_all(chunk).ok()?;
    e.finish().ok().filter(|p| p.len() < chunk.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_round_trip() {
        for plain in [
            vec![1u8; 10],
            vec![7; 100_000],
            (0..=255).cycle().take(300).collect(),
        ] {
            let (mut framed, mut seq, mut back) = (Vec::new(), 0, Vec::new());
            put_frames(&mut framed, &mut seq, &plain);
            assert_eq!(plain_len(&framed), Some(plain.len()));
            assert_eq!(plain_len(&framed[..framed.len() - 1]), None);
            let (used, n) = take_frame(&framed, &mut back).unwrap().unwrap();
            assert_eq!((used, n, &back), (framed.len(), 0, &plain));
            assert_eq!(take_frame(&framed[..used - 1], &mut Vec::new()), Ok(None));
        }
    }

    #[test]
    fn lies_about_the_length_are_errors() {
        let (mut framed, mut seq) = (Vec::new(), 0);
        put_frames(&mut framed, &mut seq, &[7; 1000]);
        framed[4] = 5;
        framed[5] = 0;
        assert!(take_frame(&framed, &mut Vec::new()).is_err());
        framed[5] = 200;
        assert_eq!(
            take_frame(&framed, &mut Vec::new()),
            Err(FrameError::Length)
        );
    }
}
