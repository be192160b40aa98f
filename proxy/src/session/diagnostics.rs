//! What SHOW WARNINGS, SHOW ERRORS and @@warning_count show of the last statement.

use catalog::ShardId;
use errors::ClientError;
use shard::{ServerConn, ShardError};
use wire::reply::ErrPacket;

/// Longest read that is kept for its warnings.
const RUN_AGAIN_BYTES_MAX: usize = 64 * 1024;
/// Conditions that are kept of one statement, as max_error_count of a server.
const CONDITIONS_MAX: usize = 64;

/// One condition: level, code, text.
pub(crate) type Condition = (String, String, String);

/// Conditions of the last statement.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    /// Level, code and text of each.
    pub conditions: Vec<Condition>,
    /// Warnings that were counted but could not be fetched (a pipelined connection gave them).
    pub unfetched: u16,
    /// The read that gave them, and where: run once more, it gives them again.
    pub again: Option<(ShardId, Box<[u8]>)>,
}

impl Diagnostics {
    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        if self.count() > 0 {
            *self = Self::default();
        }
    }

    /// The statement failed.
    pub(crate) fn set_error(&mut self, err: &ErrPacket) {
        *self = Self::default();
        let row = (
            "Error".to_string(),
            err.code.to_string(),
            err.message.clone(),
        );
        self.conditions.push(row);
    }

    /// The statement gave warnings that are not known in detail.
    pub(crate) fn of_unfetched(warnings: u16) -> Self {
        Self {
            unfetched: warnings,
            ..Default::default()
        }
    }

    /// Keeps the read whose warnings could not be fetched.
    pub(crate) fn can_run_again(&mut self, shard: ShardId, text: &[u8]) {
        if self.unfetched > 0 && text.len() <= RUN_AGAIN_BYTES_MAX {
            self.again = Some((shard, text.into()));
        }
    }

    /// Conditions in all.
    pub(crate) fn count(&self) -> usize {
        self.conditions.len() + usize::from(self.unfetched)
    }

    /// Errors among them.
    pub(crate) fn errors(&self) -> usize {
        self.conditions.iter().filter(|c| c.0 == "Error").count()
    }

    /// Adds the conditions of another part of the statement.
    pub(crate) fn add(&mut self, other: Diagnostics) {
        self.conditions.extend(other.conditions);
        self.conditions.truncate(CONDITIONS_MAX);
        self.unfetched = self.unfetched.saturating_add(other.unfetched);
    }

    /// Adds a warning of the proxy's own.
    pub(crate) fn warn(&mut self, code: &str, text: String) {
        self.conditions
            .push(("Warning".to_string(), code.to_string(), text));
    }

    /// Under sql_notes=0 there are none.
    pub(crate) fn forget_notes(&mut self) {
        self.conditions.retain(|c| c.0 != "Note");
    }

    /// Adds what would be an error without IF EXISTS and the like.
    pub(crate) fn note(&mut self, error: &ClientError) {
        let code = error.code().number.to_string();
        let note = ("Note".to_string(), code, error.to_string());
        self.conditions.push(note);
    }
}

/// Fetches the warnings of the statement that just ran on `conn`.
pub(crate) async fn fetch(conn: &mut ServerConn) -> Result<Diagnostics, ShardError> {
    let conditions = conn.warnings().await?.into_iter();
    Ok(Diagnostics {
        conditions: conditions.map(|c| (c.level, c.code, c.message)).collect(),
        ..Default::default()
    })
}
