//! FOUND_ROWS(), which only the connection knows that ran SQL_CALC_FOUND_ROWS, until its next statement.

use crate::conn::ServerConn;
use crate::error::ShardError;

impl ServerConn {
    /// Rows that the last statement would have had without its LIMIT.
    pub async fn found_rows(&mut self) -> Result<Option<u64>, ShardError> {
        Ok(self.run_own("SELECT FOUND_ROWS()").await?.number())
    }
}
