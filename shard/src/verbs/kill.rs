//! Ends what another connection does.

use crate::conn::{ConnClass, ServerConn};
use crate::error::ShardError;
use crate::login::Login;
use std::rc::Rc;

/// ER_NO_SUCH_THREAD.
const NO_SUCH_THREAD: u16 = 1094;

impl ServerConn {
    /// Ends the statement that a thread runs. A thread that is gone already is no error.
    pub async fn kill_query(&mut self, thread_id: u32) -> Result<(), ShardError> {
        self.kill(&format!("KILL QUERY {thread_id}")).await
    }

    /// Ends a thread and its connection.
    pub async fn kill_connection(&mut self, thread_id: u32) -> Result<(), ShardError> {
        self.kill(&format!("KILL CONNECTION {thread_id}")).await
    }

    async fn kill(&mut self, sql: &str) -> Result<(), ShardError> {
        let limit = self.timeouts().kill();
        match self.run_within(sql, limit).await {
            Err(ShardError::Server { err, .. }) if err.code == NO_SUCH_THREAD => Ok(()),
            other => other.map(drop),
        }
    }
}

/// Ends the statement that a thread runs, over a connection of its own.
pub async fn kill_query(login: &Login, thread_id: u32) -> Result<(), ShardError> {
    let class = ConnClass::default();
    let mut login = login.clone();
    login.timeouts.connect = login.timeouts.connect.min(login.timeouts.kill);
    let mut conn = ServerConn::connect(&login, class, Rc::default(), 1).await?;
    conn.kill_query(thread_id).await
}
