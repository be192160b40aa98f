//! What of temporary tables goes to replicas.

use crate::conn::ServerConn;
use crate::error::ShardError;

impl ServerConn {
    /// True if the binary log gets statements on temporary tables: it does unless it has rows only.
    pub async fn logs_temporary_tables(&mut self) -> Result<bool, ShardError> {
        let sql = "SELECT @@log_bin AND @@binlog_format <> 'ROW'";
        Ok(self.run_own(sql).await?.number() == Some(1))
    }
}
