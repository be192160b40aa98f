//! Conditions that the last statement left.

use crate::conn::ServerConn;
use crate::error::ShardError;

/// A condition, as SHOW WARNINGS has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Note, Warning or Error.
    pub level: String,
    /// Its number.
    pub code: String,
    /// Its text.
    pub message: String,
}

impl ServerConn {
    /// What the last statement warned of.
    pub async fn warnings(&mut self) -> Result<Vec<Condition>, ShardError> {
        let answer = self.run_own("SHOW WARNINGS").await?;
        let rows = answer.text_rows().map_err(|e| self.broken(e))?;
        let conditions = rows.into_iter().map(|r| {
            let mut r = r.into_iter();
            let mut next = || r.next().unwrap_or_default();
            Condition {
                level: next(),
                code: next(),
                message: next(),
            }
        });
        Ok(conditions.collect())
    }
}
