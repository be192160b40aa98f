//! AUTO_INCREMENT = n of CREATE TABLE and ALTER TABLE: ids come from the metadata service, which is told.

use super::Change;
use crate::exec::Run;
use crate::session::Stop;
use catalog::{Change as Proposal, Placement, Table};
use errors::InsertError;
use meta_client::MetaError;
use shard::ShardError;
use sql::ident::quote_string;

impl Change<'_> {
    /// Raises the next id to what a statement says, as the table's servers have it now. It never goes back.
    pub(super) async fn raise_ids(&mut self, table: &Table, run: Run<'_>) -> Result<(), Stop> {
        let says = |t: &sql::Token| router::traits::is_word(run.text, *t, b"AUTO_INCREMENT");
        let is_ours = matches!(
            table.placement,
            Placement::Sharded(_) | Placement::Reference
        );
        if !is_ours || table.auto_increment.is_none() || !run.lexed.tokens.iter().any(says) {
            return Ok(());
        }
        let mut next = 1;
        for shard in self.shards_of(table) {
            next = next.max(self.counter_on(shard, table).await?);
        }
        if next <= 1 {
            return Ok(());
        }
        // The catalog knows its number by now.
        let Some(table) = self.find(&table.name) else {
            return Ok(());
        };
        let raise = Proposal::RaiseSequence {
            table: table.id,
            next,
        };
        let meta = &self.worker.shared.meta;
        match meta.submit(&self.client.user.name, raise, None).await {
            // It is beyond that already.
            Ok(_) | Err(MetaError::Rejected(_)) => {}
            Err(e) => return Err(InsertError::NoIds { why: e.to_string() }.into()),
        }
        Ok(self.worker.ids.observe(table.id, next - 1).await?)
    }

    async fn counter_on(&self, shard: catalog::ShardId, table: &Table) -> Result<u64, Stop> {
        let sql = format!(
            "SELECT AUTO_INCREMENT FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}",
            quote_string(&table.name.database, false),
            quote_string(&table.name.table, false)
        );
        let (class, fresh) = (self.client.class, self.worker.fresh.clone());
        let pool = self.worker.pool(shard)?;
        let mut lease = pool.lease(class, &fresh, None).await?;
        let conn = lease.conn()?;
        conn.plan_session(&fresh, None);
        let read: Result<_, ShardError> = async {
            // MySQL keeps an old answer for a day.
            if !self.worker.flavor.get().mariadb {
                conn.run("SET SESSION information_schema_stats_expiry = 0")
                    .await?;
                conn.dirty = true;
            }
            let answer = conn.run(&sql).await?;
            answer.text_rows().map_err(|e| conn.broken(e))
        }
        .await;
        let rows = read?;
        let text = rows.first().and_then(|r| r.first());
        Ok(text.and_then(|t| t.parse().ok()).unwrap_or(1))
    }
}
