//! What stored code changed of the session, as far as a server tells.

use crate::conn::ServerConn;
use crate::error::ShardError;

/// A SET that changes nothing: its answer names what changed before and was not told, because an answer was
/// an error or had no room for it.
const NOTHING: &str = "SET @`shardwright_nothing` = NULL";
/// Counts statements that leave something besides variables, wherever they ran.
const OBJECTS_MADE: &str = "SELECT SUM(VARIABLE_VALUE) FROM information_schema.SESSION_STATUS \
     WHERE VARIABLE_NAME IN ('COM_CREATE_TEMPORARY_TABLE', 'COM_PREPARE_SQL', 'COM_HA_OPEN', \
     'COM_SET_ROLE', 'COM_CHANGE_DB')";

impl ServerConn {
    /// The session state of changes that no answer has named yet.
    pub async fn untold_changes(&mut self) -> Result<Vec<u8>, ShardError> {
        let ok = self.run_own(NOTHING).await?.ok;
        Ok(ok.map(|ok| ok.session_state).unwrap_or_default())
    }

    /// True if every variable that changed was named, and nothing else was made since the last time that this
    /// was asked. Servers that do not name all of them never say so.
    pub async fn changed_variables_alone(&mut self) -> Result<bool, ShardError> {
        if !self.names_all_changes() {
            return Ok(false);
        }
        let made = self.run_own(OBJECTS_MADE).await?.number();
        let before = self.note_objects_made(made.unwrap_or(u64::MAX));
        Ok(made == Some(before))
    }
}
