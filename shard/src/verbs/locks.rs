//! Who waits for a row lock.

use crate::conn::ServerConn;
use crate::error::ShardError;

impl ServerConn {
    /// True if the statement of a thread waits for a row lock now.
    pub async fn waits_for_lock(&mut self, thread_id: u32) -> Result<bool, ShardError> {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.INNODB_TRX \
             WHERE trx_mysql_thread_id = {thread_id} AND trx_state = 'LOCK WAIT'"
        );
        let waiting = self.run_own(&sql).await?.number();
        Ok(waiting.is_some_and(|n| n > 0))
    }
}
