//! Savepoints of a transaction.

use crate::conn::{Effect, Section, ServerConn};
use crate::error::ShardError;
use sql::ident::quote_name;

impl ServerConn {
    /// Plans a savepoint around the next request. That does the same without it: what fails is going back.
    pub fn plan_savepoint(&mut self, name: &str) {
        let sql = format!("SAVEPOINT {}", quote_name(name));
        self.plan(Section::Request, &sql, Effect::Harmless);
    }

    /// Plans a savepoint of the open transaction, to which the client may want to go back.
    pub fn plan_transaction_savepoint(&mut self, name: &str) {
        let sql = format!("SAVEPOINT {}", quote_name(name));
        self.plan(Section::Transaction, &sql, Effect::Done);
    }

    /// Takes back what came after a savepoint.
    pub async fn rollback_to(&mut self, name: &str) -> Result<(), ShardError> {
        let sql = format!("ROLLBACK TO SAVEPOINT {}", quote_name(name));
        self.run_own(&sql).await.map(drop)
    }

    /// Forgets a savepoint and those after it.
    pub async fn release_savepoint(&mut self, name: &str) -> Result<(), ShardError> {
        let sql = format!("RELEASE SAVEPOINT {}", quote_name(name));
        self.run_own(&sql).await.map(drop)
    }
}
