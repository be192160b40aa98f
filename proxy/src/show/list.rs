//! SHOW TABLES and the like for a database whose objects live on several shards: each shard lists its own.

use crate::exec::{Run, one};
use crate::session::outcome::Conditions;
use crate::session::{Done, Outcome, Session, Stop};
use catalog::ShardId;
use errors::ReadError;
use router::List;
use std::collections::BTreeMap;
use wire::resultset::ResultSet;

/// Lists by name, as a server does; what the home does not list is taken from where it lives.
pub(crate) async fn run(s: &mut Session, list: &List, run: Run<'_>) -> Done {
    let text = String::from_utf8_lossy(run.text).into_owned();
    let mut set = list_of(s, list.home, &text).await?;
    let name_at = usize::from(set.columns.first().is_some_and(|c| c.name == "Database"));
    let key = |row: &[Option<String>]| row.get(name_at).cloned().flatten().unwrap_or_default();
    let mut rows: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in set.rows.drain(..) {
        rows.entry(key(&row)).or_default().push(row);
    }
    for &shard in &list.others {
        let mut more: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for row in list_of(s, shard, &text).await?.rows {
            more.entry(key(&row)).or_default().push(row);
        }
        for (name, listed) in more {
            rows.entry(name).or_insert(listed);
        }
    }
    set.rows.extend(rows.into_values().flatten());
    Ok(Outcome {
        conditions: Conditions::Cleared,
        shards: list.shards().into(),
        ..super::answer(s, &set, run)
    })
}

async fn list_of(s: &mut Session, shard: ShardId, text: &str) -> Result<ResultSet, Stop> {
    let acquired = s.branches.acquire(&s.worker, &s.client, shard, false);
    acquired.await?;
    let answer = one::ask(s, shard, text).await;
    let conn = s.branches.held(shard)?.conn()?;
    let listed = answer.and_then(|a| a.rows().map_err(|e| conn.broken(e)));
    let (columns, rows) = match listed {
        Ok(listed) => listed,
        Err(e) => return Err(s.branches.abort_unless_server(e).await),
    };
    let text = |v: Option<Vec<u8>>| v.map(String::from_utf8).transpose();
    let rows = rows.into_iter();
    let rows = rows.map(|r| r.into_iter().map(text).collect::<Result<Vec<_>, _>>());
    let rows = rows
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| ReadError::ListingNotUtf8)?;
    Ok(ResultSet {
        columns,
        rows,
        warnings: 0,
    })
}
