//! LAST_INSERT_ID() of a session, which a connection does not know by itself.

use crate::conn::{Effect, Section, ServerConn};
use crate::error::ShardError;

impl ServerConn {
    /// Plans that LAST_INSERT_ID() is this.
    pub fn plan_last_insert_id(&mut self, id: u64) {
        let sql = format!("SET last_insert_id = {id}");
        self.plan(Section::Request, &sql, Effect::Done);
    }

    /// FOUND_ROWS() and LAST_INSERT_ID() as a routine left them. Conditions stay.
    pub async fn left_by_routine(&mut self) -> Result<(Option<u64>, Option<u64>), ShardError> {
        let answer = self
            .run_own("SELECT FOUND_ROWS(), LAST_INSERT_ID()")
            .await?;
        let rows = answer.text_rows().map_err(|e| self.broken(e))?;
        let numbers = rows.into_iter().next().unwrap_or_default();
        let number = |i: usize| numbers.get(i).and_then(|n| n.parse().ok());
        Ok((number(0), number(1)))
    }

    /// What the last statement left as LAST_INSERT_ID().
    pub async fn last_insert_id(&mut self) -> Result<Option<u64>, ShardError> {
        Ok(self.run_own("SELECT LAST_INSERT_ID()").await?.number())
    }
}
