//! SHOW TABLES and the like for a database whose objects live on several shards: each shard lists its own.

use crate::plans::CachedPlan;
use crate::session::{Done, Session, Stop, error};
use crate::statement::Run;
use catalog::{Catalog, Placement, ShardId};
use std::collections::BTreeMap;
use wire::resultset::ResultSet;

impl Session {
    /// SHOW TABLES, SHOW TABLE STATUS, SHOW TRIGGERS, SHOW OPEN TABLES.
    pub async fn show_of_database(
        &mut self,
        db: Option<&str>,
        plan: &CachedPlan,
        run: Run<'_>,
    ) -> Done {
        let catalog = self.worker.catalog();
        let db = db
            .map(str::to_string)
            .or_else(|| self.database.as_deref().map(Into::into));
        let home = catalog
            .default_shard(db.as_deref())
            .ok_or_else(router::plan::no_shards)?;
        let others = others(&catalog, db.as_deref(), home);
        if others.is_empty() {
            return self.run_alone(home, plan, run).await;
        }
        let text = String::from_utf8_lossy(run.text).into_owned();
        let mut set = self.list_of(home, &text).await?;
        // By name, as a server lists them; what the home does not list is taken from where it lives.
        let name_at = usize::from(set.columns.first().is_some_and(|c| c.name == "Database"));
        let key = |row: &[Option<String>]| row.get(name_at).cloned().flatten().unwrap_or_default();
        let mut rows: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for row in set.rows.drain(..) {
            rows.entry(key(&row)).or_default().push(row);
        }
        for shard in others {
            let mut more: BTreeMap<String, Vec<_>> = BTreeMap::new();
            for row in self.list_of(shard, &text).await?.rows {
                more.entry(key(&row)).or_default().push(row);
            }
            for (name, listed) in more {
                rows.entry(name).or_insert(listed);
            }
        }
        set.rows.extend(rows.into_values().flatten());
        self.diagnostics.clear();
        self.answer(&set, run);
        Ok(())
    }

    async fn list_of(&mut self, shard: ShardId, text: &str) -> Result<ResultSet, Stop> {
        let index = self.acquire(shard, false).await?;
        let conn = self.held[index].lease.conn()?;
        let answer = conn.run(text).await;
        let listed = answer.and_then(|a| a.rows().map_err(|e| conn.broken(e)));
        self.drop_idle();
        match listed {
            Ok((columns, rows)) => {
                let text = |v: Option<Vec<u8>>| v.map(String::from_utf8).transpose();
                let rows = rows.into_iter();
                let rows = rows.map(|r| r.into_iter().map(text).collect::<Result<Vec<_>, _>>());
                let rows = rows.collect::<Result<Vec<_>, _>>().map_err(|_| {
                    let why = "names or comments are not UTF-8 here; SET NAMES utf8mb4 before listing tables \
                               of several shards";
                    error(1235, "42000", why)
                })?;
                Ok(ResultSet { columns, rows })
            }
            Err(e) => Err(self.doom_unless_server(e).await),
        }
    }
}

/// Shards besides `home` that have an object of the database which the home has not.
fn others(catalog: &Catalog, db: Option<&str>, home: ShardId) -> Vec<ShardId> {
    let mut out: Vec<ShardId> = Vec::new();
    let of_database = catalog
        .tables
        .iter()
        .filter(|(n, _)| Some(&*n.database) == db);
    for (_, table) in of_database {
        let away = match &table.placement {
            Placement::Single(s) | Placement::View(s) => (*s != home).then_some(*s),
            Placement::Sharded(s) => {
                let shards = s.function.shards();
                let first = shards.first().copied();
                first.filter(|_| !shards.contains(&home))
            }
            Placement::Reference => None,
        };
        out.extend(away.filter(|s| !out.contains(s)));
    }
    out
}
