//! What is sent to a shard: a text, or a prepared statement with its parameters.

use shard::{ServerConn, ShardError};
use std::rc::Rc;
use wire::reply::ErrPacket;

/// Parameters that came by COM_STMT_SEND_LONG_DATA: number and bytes.
pub type LongData = Vec<(u16, Vec<u8>)>;

/// A request.
#[derive(Debug, Clone)]
pub enum Request {
    /// COM_QUERY.
    Query(Rc<[u8]>),
    /// COM_STMT_EXECUTE.
    Execute(Rc<Execute>),
}

/// An execution of a prepared statement.
#[derive(Debug)]
pub struct Execute {
    /// The worker's number of the text.
    pub key: u64,
    /// The text, to prepare where it is not yet.
    pub text: Rc<[u8]>,
    /// Cursor flags.
    pub flags: u8,
    /// Null bitmap, types and values.
    pub nulls: Vec<u8>,
    /// Two bytes a parameter.
    pub types: Vec<u8>,
    /// The values.
    pub values: Vec<u8>,
    /// Parameters that came as long data.
    pub long: LongData,
}

impl Request {
    /// Queues the request on a connection; a statement that cannot be prepared is the client's error.
    pub async fn queue(&self, conn: &mut ServerConn) -> Result<Result<(), ErrPacket>, ShardError> {
        match self {
            Request::Query(text) => conn.queue_query(text),
            Request::Execute(e) => {
                let id = match conn.statement(e.key, &e.text).await? {
                    Ok(id) => id,
                    Err(err) => return Ok(Err(err)),
                };
                for (n, bytes) in &e.long {
                    let mut payload = vec![0x18];
                    payload.extend_from_slice(&id.to_le_bytes());
                    payload.extend_from_slice(&n.to_le_bytes());
                    payload.extend_from_slice(bytes);
                    conn.queue(&payload);
                }
                let mut payload = Vec::with_capacity(e.values.len() + e.types.len() + 32);
                wire::execute::put_execute(
                    &mut payload,
                    id,
                    e.flags,
                    &e.nulls,
                    &e.types,
                    &e.values,
                );
                conn.queue(&payload);
            }
        }
        Ok(Ok(()))
    }
}
