//! Requests by their command. Each goes behind what is planned for the connection, and none before that can
//! no longer fail it.

use super::ServerConn;
use crate::error::ShardError;
use crate::prepared::StatementKey;
use wire::command::execute::Execution;
use wire::command::fetch::Fetch;
use wire::command::prepare::Prepared;
use wire::command::send_long_data::LongDataPiece;
use wire::command::{bulk_execute, field_list, ping, prepare, stmt_close};
use wire::framer::Expect;
use wire::reply::ErrPacket;

impl ServerConn {
    /// Queues a statement as text; nothing is sent before the flush, unless something must be confirmed
    /// first.
    pub async fn query(&mut self, text: &[u8]) -> Result<(), ShardError> {
        self.put_query(text).await
    }

    /// Queues an execution of a statement that is prepared here, after `long` data of its parameters.
    pub async fn execute(
        &mut self,
        execution: &Execution<'_>,
        long: &[(u16, Vec<u8>)],
    ) -> Result<(), ShardError> {
        self.confirm_what_matters().await?;
        for (parameter, bytes) in long {
            let (id, parameter) = (execution.id, *parameter);
            LongDataPiece {
                id,
                parameter,
                bytes,
            }
            .put(&mut self.out);
        }
        execution.put(&mut self.out);
        self.begins_answer();
        Ok(())
    }

    /// Queues many executions of a statement that is prepared here, in one command.
    pub async fn bulk_execute(
        &mut self,
        id: u32,
        types: &[u8],
        rows: &[u8],
    ) -> Result<(), ShardError> {
        self.confirm_what_matters().await?;
        bulk_execute::put(&mut self.out, id, types, rows);
        self.begins_answer();
        Ok(())
    }

    /// Queues a read of the next rows of a cursor.
    pub async fn fetch(&mut self, fetch: Fetch) -> Result<(), ShardError> {
        self.confirm_what_matters().await?;
        fetch.put(&mut self.out);
        self.begins_answer();
        Ok(())
    }

    /// Queues COM_FIELD_LIST with a client's body.
    pub async fn field_list(&mut self, body: &[u8]) -> Result<(), ShardError> {
        self.confirm().await?;
        field_list::put(&mut self.out, body);
        self.begins_answer();
        Ok(())
    }

    pub(crate) fn put_ping(&mut self) {
        self.put_planned();
        ping::put(&mut self.out);
        self.begins_answer();
    }

    /// A request of its own packet is queued: its answer counts from 1.
    pub(crate) fn begins_answer(&mut self) {
        self.answer_seq = 1;
        self.dirty = true;
    }

    /// The server's id of a statement; prepared now if it is not yet.
    pub async fn statement(
        &mut self,
        key: StatementKey,
        text: &[u8],
    ) -> Result<Result<u32, ErrPacket>, ShardError> {
        if let Some(id) = self.prepared.get(key) {
            return Ok(Ok(id));
        }
        match self.prepare(text).await? {
            Err(err) => Ok(Err(err)),
            Ok(p) => {
                self.remember(key, p.id);
                Ok(Ok(p.id))
            }
        }
    }

    /// Notes a prepared statement and closes the one that has to go.
    pub fn remember(&mut self, key: StatementKey, id: u32) {
        if let Some(old) = self.prepared.put(key, id) {
            self.queue_close(old);
        }
    }

    /// Closes all statements prepared here.
    pub fn forget_prepared(&mut self) {
        for id in self.prepared.take_all() {
            self.queue_close(id);
        }
    }

    /// COM_STMT_CLOSE has no answer; it goes out with the next command.
    pub fn queue_close(&mut self, id: u32) {
        stmt_close::put(&mut self.out, id);
    }

    /// Prepares a statement, and reads all definitions. What is planned goes along: an execution comes
    /// after the answer.
    pub async fn prepare(
        &mut self,
        text: &[u8],
    ) -> Result<Result<Prepared, ErrPacket>, ShardError> {
        self.put_planned();
        prepare::put(&mut self.out, text);
        self.begins_answer();
        let answer = self.own_answer(Expect::Prepare).await?;
        match answer.err {
            Some(err) => Ok(Err(err)),
            None => answer.prepared().map(Ok).map_err(|e| self.broken(e)),
        }
    }
}
