//! What is sent to a shard: a text, or a prepared statement with its parameters.

use shard::{ServerConn, ShardError};
use std::rc::Rc;
use wire::command::execute::Execution;
use wire::reply::ErrPacket;

/// Parameters that came by COM_STMT_SEND_LONG_DATA: number and bytes.
pub(crate) type LongData = Vec<(u16, Vec<u8>)>;

/// A request.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// COM_QUERY.
    Query(Rc<[u8]>),
    /// COM_STMT_EXECUTE.
    Execute(Rc<Execute>),
    /// COM_STMT_BULK_EXECUTE.
    Bulk(Rc<Bulk>),
}

/// Many executions of a prepared statement in one command.
#[derive(Debug)]
pub(crate) struct Bulk {
    /// The worker's number of the text.
    pub key: u64,
    /// The text, to prepare where it is not yet.
    pub text: Rc<[u8]>,
    /// Two bytes a parameter.
    pub types: Vec<u8>,
    /// The rows, one behind the other.
    pub rows: Vec<u8>,
}

/// An execution of a prepared statement.
#[derive(Debug)]
pub(crate) struct Execute {
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
    /// Queues the request on a connection, behind what is planned there; a statement that cannot be prepared
    /// is the client's error.
    pub(crate) async fn queue(
        &self,
        conn: &mut ServerConn,
    ) -> Result<Result<(), ErrPacket>, ShardError> {
        match self {
            Request::Query(text) => conn.query(text).await?,
            Request::Bulk(b) => {
                let id = match conn.statement(b.key, &b.text).await? {
                    Ok(id) => id,
                    Err(err) => return Ok(Err(err)),
                };
                conn.bulk_execute(id, &b.types, &b.rows).await?;
            }
            Request::Execute(e) => {
                let id = match conn.statement(e.key, &e.text).await? {
                    Ok(id) => id,
                    Err(err) => return Ok(Err(err)),
                };
                let execution = Execution {
                    id,
                    flags: e.flags,
                    nulls: &e.nulls,
                    types: &e.types,
                    values: &e.values,
                };
                conn.execute(&execution, &e.long).await?;
            }
        }
        Ok(Ok(()))
    }
}
