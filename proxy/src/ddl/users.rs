//! What was made before a table of its name had rows on several shards: views, routines, triggers and events
//! run inside their own server, whatever their names come to mean.

use super::Change;
use super::job::Running;
use crate::session::Stop;
use catalog::{ShardId, TableName};
use errors::{DdlError, NameList};
use schema::users::{Spread, in_the_way};
use shard::{ServerConn, ShardError};
use std::collections::BTreeSet;

impl Change<'_> {
    /// Gives the job up if a name that is about to be a table on several shards is used by something that
    /// runs inside one of them.
    pub(super) async fn check_users(
        &mut self,
        job: &Running,
        name: &TableName,
        spread: Option<Spread>,
        shards: &[ShardId],
    ) -> Result<(), Stop> {
        let Some(spread) = spread else {
            return Ok(());
        };
        let mut found: BTreeSet<String> = BTreeSet::new();
        for shard in shards {
            match self.users_on(*shard, name, spread).await {
                Ok(some) => found.extend(some),
                Err(e) => {
                    self.abandon_job(job).await?;
                    return Err(e);
                }
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        self.abandon_job(job).await?;
        let (table, objects) = (name.to_string(), found.into_iter().collect::<NameList>());
        Err(DdlError::UsedInside { table, objects }.into())
    }

    async fn users_on(
        &self,
        shard: ShardId,
        name: &TableName,
        spread: Spread,
    ) -> Result<Vec<String>, Stop> {
        let (class, fresh) = (self.client.class, self.worker.fresh.clone());
        let found: Result<_, ShardError> = match self.manager_of(shard) {
            Some(manager) => {
                let mut conn = ServerConn::connect(&manager, class, fresh, 1).await?;
                in_the_way(&mut conn, name, spread).await
            }
            None => {
                let pool = self.worker.pool(shard)?;
                let mut lease = pool.lease(class, &fresh, None).await?;
                let conn = lease.conn()?;
                conn.plan_session(&fresh, None);
                in_the_way(conn, name, spread).await
            }
        };
        Ok(found?)
    }
}
