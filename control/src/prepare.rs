//! A server becomes a shard: it must be empty where it counts, and gets the databases of the others.

use crate::definers;
use crate::probe::connect;
use admin_types::report::{Finding, Severity};
use catalog::Catalog;
use shard::{Login, ServerConn, ShardError, ShardHandle};
use sql::ident::{quote_name, quote_string};
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

/// Makes what every shard has: databases as they are where their single tables live, sharded tables without
/// rows, and stored functions.
pub(crate) async fn fill(
    login: &Login,
    catalog: &Catalog,
    shards: &HashMap<String, ShardHandle>,
) -> Result<(), String> {
    let mut target = Target {
        conn: connect(login).await.map_err(|e| e.to_string())?,
        shards,
    };
    for (name, database) in &catalog.databases {
        let home = catalog.shard_name(database.default_shard);
        let show = format!("SHOW CREATE DATABASE IF NOT EXISTS {}", quote_name(name));
        let made = target.copy(home, &show, 1).await;
        made.map_err(|e| format!("cannot make database {name}: {e}"))?;
    }
    // In whatever order their foreign keys are.
    let settings = "SET SESSION foreign_key_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'";
    target.run(settings).await?;
    for table in catalog.tables.values() {
        let Some(from) = table.sharding().and_then(|s| s.shards().first()) else {
            continue;
        };
        target
            .run(&format!("USE {}", quote_name(&table.name.database)))
            .await?;
        let name = quote_name(&table.name.table);
        let show = format!(
            "SHOW CREATE TABLE {}.{name}",
            quote_name(&table.name.database)
        );
        let made = target.copy(catalog.shard_name(*from), &show, 1).await;
        made.map_err(|e| format!("cannot make table {}: {e}", table.name))?;
    }
    for (name, database) in &catalog.databases {
        let home = catalog.shard_name(database.default_shard);
        // Their definers must exist, or every call fails.
        if let Some(source) = shards.get(home) {
            let copied = definers::copy(catalog, source.strongest(), login).await;
            copied
                .map_err(|e| format!("cannot make those who defined functions of {name}: {e}"))?;
        }
        let made = target.functions(home, name).await;
        made.map_err(|e| format!("cannot make the functions of {name}: {e}"))?;
    }
    Ok(())
}

/// The new shard, and those that it is filled from.
struct Target<'a> {
    conn: ServerConn,
    shards: &'a HashMap<String, ShardHandle>,
}

impl Target<'_> {
    async fn run(&mut self, sql: &str) -> Result<(), String> {
        let done = self.conn.run(sql).await;
        done.map(|_| ()).map_err(|e| e.to_string())
    }

    /// Rows of an answer of another shard.
    async fn ask(&self, shard: &str, sql: &str) -> Result<Vec<Vec<String>>, String> {
        let source = self.shards.get(shard);
        let source = source.ok_or_else(|| format!("shard {shard} has no account here"))?;
        let asked = async {
            let mut conn = connect(source.strongest()).await?;
            let answer = conn.run(sql).await?;
            answer.text_rows().map_err(|e| conn.broken(e))
        };
        let rows: Result<_, ShardError> = asked.await;
        rows.map_err(|e| e.to_string())
    }

    /// Runs what a SHOW CREATE of another shard says in a column, unless it is there.
    async fn copy(&mut self, shard: &str, show: &str, column: usize) -> Result<(), String> {
        let rows = self.ask(shard, show).await?;
        let create = rows
            .into_iter()
            .next()
            .and_then(|r| r.into_iter().nth(column));
        let create = create.unwrap_or_default();
        match create.strip_prefix("CREATE TABLE ") {
            Some(table) => {
                self.run(&format!("CREATE TABLE IF NOT EXISTS {table}"))
                    .await
            }
            None => self.run(&create).await,
        }
    }

    /// Functions of a database, which a statement may call on any shard.
    async fn functions(&mut self, home: &str, database: &str) -> Result<(), String> {
        let list = format!(
            "SELECT ROUTINE_NAME, SQL_MODE FROM information_schema.ROUTINES \
             WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA = {}",
            quote_string(database, false)
        );
        for row in self.ask(home, &list).await? {
            let [name, mode] = row.as_slice() else {
                continue;
            };
            let name = format!("{}.{}", quote_name(database), quote_name(name));
            self.run(&format!("USE {}", quote_name(database))).await?;
            self.run(&format!(
                "SET SESSION sql_mode = {}",
                quote_string(mode, false)
            ))
            .await?;
            self.run(&format!("DROP FUNCTION IF EXISTS {name}")).await?;
            self.copy(home, &format!("SHOW CREATE FUNCTION {name}"), 2)
                .await?;
        }
        Ok(())
    }
}
