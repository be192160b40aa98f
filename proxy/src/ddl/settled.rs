//! Before and after a change of structure: who still plans by the catalog before it.

use super::Change;
use crate::session::Stop;
use crate::session::waiting::unless_ended;
use catalog::TableName;
use errors::{ClientError, DdlError};
use peers::{NotReached, Wanted};
use std::time::Duration;

/// lock_wait_timeout of a session that has not set it, as MariaDB's.
const LOCK_WAIT_S: u64 = 86_400;
/// ER_UNKNOWN_ERROR: there is none for a proxy that does not follow.
const BEHIND_CODE: &str = "1105";

impl Change<'_> {
    /// Waits until every proxy plans by this epoch and no statement on the objects uses an older one, or says
    /// who stands in the way.
    pub(super) async fn settled(&mut self, epoch: u64, objects: &[TableName]) -> Result<(), Stop> {
        let reached = self.wait(epoch, objects, self.lock_wait_timeout());
        let refused: ClientError = match reached.await? {
            Ok(()) => return Ok(()),
            Err(NotReached::InUse { proxy, statement }) => DdlError::StillUsed {
                objects: objects.iter().map(shown).collect(),
                proxy,
                session: statement.session,
                seconds: statement.for_ms / 1_000,
            },
            Err(why) => DdlError::ProxyBehind {
                why: why.to_string(),
            },
        }
        .into();
        Err(refused.into())
    }

    /// Waits until every proxy plans by this epoch, so that the next statement of any session sees the
    /// change. It is made already: who does not follow is a warning.
    pub(super) async fn followed(&mut self, epoch: u64) {
        // KILL comes too late.
        let Ok(Err(why)) = self.wait(epoch, &[], Duration::ZERO).await else {
            return;
        };
        tracing::warn!(%why, epoch, "a proxy has not taken a change of structure over");
        let text = format!("the change is made, but not everybody knows it yet: {why}");
        self.notes.warn(BEHIND_CODE, text);
    }

    async fn wait(
        &self,
        epoch: u64,
        objects: &[TableName],
        statements: Duration,
    ) -> Result<Result<(), NotReached>, Stop> {
        let peers = &self.worker.shared.peers;
        let wanted = Wanted {
            epoch,
            tables: objects.to_vec(),
            except: Some(self.client.info.id),
        };
        let reached = peers.wait_for_epoch(&wanted, peers.patience(statements));
        unless_ended(&self.worker, self.io, &self.client.info, reached).await
    }

    fn lock_wait_timeout(&self) -> Duration {
        let set = self.client.settings.all.get("lock_wait_timeout");
        let seconds = set.and_then(|v| v.trim_matches('\'').parse().ok());
        Duration::from_secs(seconds.unwrap_or(LOCK_WAIT_S))
    }
}

/// A table, or a database.
fn shown(object: &TableName) -> String {
    match object.table.is_empty() {
        true => object.database.clone(),
        false => object.to_string(),
    }
}
