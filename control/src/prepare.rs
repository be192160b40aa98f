//! A server becomes a shard: it must be empty where it counts, and gets the databases of the others.

use crate::probe::connect;
use admin_types::report::{Finding, Severity};
use catalog::Catalog;
use shard::{Login, ShardError, ShardHandle};
use std::collections::HashMap;

fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\\', "\\\\").replace('\'', "''"))
}

/// Tables that stand in the way: rows of another life would appear in answers.
pub(crate) async fn leftovers(
    subject: &str,
    login: &Login,
    catalog: &Catalog,
) -> Result<Option<Finding>, ShardError> {
    if catalog.databases.is_empty() {
        return Ok(None);
    }
    let list: Vec<_> = catalog.databases.keys().map(|d| quoted(d)).collect();
    let sql = format!(
        "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA IN ({}) LIMIT 1",
        list.join(", ")
    );
    let mut conn = connect(login).await?;
    let answer = conn.run(&sql).await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    Ok(rows.first().and_then(|r| r.first()).map(|table| {
        let text = format!("it has the table {table} already");
        let advice = "a new shard is empty: drop what is there, or take another server";
        Finding::new(Severity::Critical, subject, text, advice)
    }))
}

/// Makes the catalog's databases on a new shard, as they are where their single tables live.
pub(crate) async fn databases(
    login: &Login,
    catalog: &Catalog,
    shards: &HashMap<String, ShardHandle>,
) -> Result<(), String> {
    let mut target = connect(login).await.map_err(|e| e.to_string())?;
    for (name, database) in &catalog.databases {
        let home = catalog.shard_name(database.default_shard);
        let source = shards
            .get(home)
            .ok_or_else(|| format!("shard {home} has no account here"))?;
        let made = async {
            let mut conn = connect(source.strongest()).await?;
            let sql = format!(
                "SHOW CREATE DATABASE IF NOT EXISTS `{}`",
                name.replace('`', "``")
            );
            let answer = conn.run(&sql).await?;
            let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
            let create = rows.into_iter().next().and_then(|r| r.into_iter().nth(1));
            target.run(&create.unwrap_or_default()).await
        };
        let made: Result<_, ShardError> = made.await;
        made.map_err(|e| format!("cannot make database {name}: {e}"))?;
    }
    Ok(())
}
