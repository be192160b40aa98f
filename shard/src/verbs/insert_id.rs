//! LAST_INSERT_ID() of a session, which a connection does not know by itself.

use crate::conn::{Effect, Section, ServerConn};
use crate::error::ShardError;

impl ServerConn {
    /// Plans that LAST_INSERT_ID() is this.
    pub fn plan_last_insert_id(&mut self, id: u64) {
        let sql = format!("SET last_insert_id = {id}");
        self.plan(Section::Request, &sql, Effect::Done);
    }

    /// What the last statement left as LAST_INSERT_ID().
    pub async fn last_insert_id(&mut self) -> Result<Option<u64>, ShardError> {
        Ok(self.run_own("SELECT LAST_INSERT_ID()").await?.number())
    }
}
