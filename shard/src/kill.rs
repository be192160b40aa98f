//! Ends a running statement on a shard, over a connection of its own.

use crate::conn::{ConnClass, ServerConn};
use crate::error::ShardError;
use crate::login::Login;
use std::rc::Rc;

/// KILL QUERY of a thread. A thread that is gone already is no error.
pub async fn kill_query(login: &Login, thread_id: u32) -> Result<(), ShardError> {
    let class = ConnClass::default();
    let mut conn = ServerConn::connect(login, class, Rc::default(), 1).await?;
    match conn.run(&format!("KILL QUERY {thread_id}")).await {
        Err(ShardError::Server { err, .. }) if err.code == 1094 => Ok(()),
        other => other.map(|_| ()),
    }
}
