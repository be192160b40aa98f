//! Messages on the wire: four bytes of length, most significant first, and so many bytes of JSON.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const HEAD_LEN: usize = 4;

/// A message longer than agreed on; nothing of it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes, where at most {limit} are taken")]
pub(crate) struct TooLong {
    pub(crate) bytes: usize,
    pub(crate) limit: usize,
}

/// Reads a message; `None` if the other side has closed between two.
pub(crate) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    limit: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; HEAD_LEN];
    if stream.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut head[1..]).await?;
    let bytes = u32::from_be_bytes(head) as usize;
    if bytes > limit {
        return Err(io::Error::other(TooLong { bytes, limit }));
    }
    let mut body = vec![0; bytes];
    stream.read_exact(&mut body).await?;
    Ok(Some(body))
}

/// Writes a message.
pub(crate) async fn write<S: AsyncWrite + Unpin>(stream: &mut S, body: &[u8]) -> io::Result<()> {
    let limit = u32::MAX as usize;
    let bytes = body.len();
    let head = u32::try_from(bytes).map_err(|_| io::Error::other(TooLong { bytes, limit }))?;
    stream.write_all(&head.to_be_bytes()).await?;
    stream.write_all(body).await?;
    stream.flush().await
}

/// The length of a message that was refused for it.
pub(crate) fn too_long(e: &io::Error) -> Option<TooLong> {
    e.get_ref()?.downcast_ref().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_come_out_as_they_went_in_and_a_long_one_is_refused_unread() {
        let (mut a, mut b) = tokio::io::duplex(64);
        write(&mut a, b"one").await.unwrap();
        write(&mut a, b"").await.unwrap();
        write(&mut a, b"longer than that").await.unwrap();
        assert_eq!(read(&mut b, 8).await.unwrap().unwrap(), b"one");
        assert_eq!(read(&mut b, 8).await.unwrap().unwrap(), b"");
        let refused = read(&mut b, 8).await.unwrap_err();
        let expected = TooLong {
            bytes: 16,
            limit: 8,
        };
        assert_eq!(too_long(&refused), Some(expected));
    }

    #[tokio::test]
    async fn an_end_between_messages_is_no_error_and_one_within_is() {
        let (mut a, mut b) = tokio::io::duplex(64);
        write(&mut a, b"x").await.unwrap();
        a.write_all(&[0, 0]).await.unwrap();
        drop(a);
        assert!(read(&mut b, 8).await.unwrap().is_some());
        assert!(read(&mut b, 8).await.is_err());
        let (a, mut b) = tokio::io::duplex(64);
        drop(a);
        assert!(read(&mut b, 8).await.unwrap().is_none());
    }
}
