//! A change that rows of one shard may forbid (a narrower type, a unique key, a CHECK, a foreign key) is
//! tried on copies first. The shard that refuses there goes first in earnest: it gives the server's own
//! error, and nothing has been done anywhere.

use super::Change;
use super::job::Running;
use crate::exec::Run;
use crate::session::Stop;
use crate::session::settings::is_on;
use crate::session::waiting::unless_ended;
use catalog::{ShardId, Table, TableName};
use shard::{ServerConn, ShardError};
use sql::ddl::{AlterAction, ForeignKeyClause};
use sql::ident::{quote_name, quote_qualified, quote_string};

/// Larger tables are not copied for it: then the job may stop halfway, and says so.
const COPY_BYTES_MAX: u64 = 1 << 30;

/// The copy's name until it takes the table's own, which it hides on its connection.
const COPY: &str = "shardwright rehearsal";

/// Words of changes that rows can forbid.
const OF_ROWS: [&str; 9] = [
    "MODIFY",
    "CHANGE",
    "UNIQUE",
    "PRIMARY",
    "CHECK",
    "CONVERT",
    "NOT",
    "GENERATED",
    "AS",
];

/// Errors that a server gives for a row: duplicates, NULLs, values that do not fit, failed conditions.
const ROW_ERRORS: [u16; 18] = [
    1048, 1062, 1138, 1263, 1264, 1265, 1292, 1366, 1367, 1406, 1411, 1526, 1586, 1690, 3140, 3819,
    4025, 1452,
];

fn quoted(name: &TableName) -> String {
    quote_qualified(&name.database, &name.table)
}

fn depends_on_rows(run: Run<'_>) -> bool {
    run.lexed.tokens.iter().any(|t| {
        let is = |w: &&str| router::traits::is_word(run.text, *t, w.as_bytes());
        OF_ROWS.iter().any(is)
    })
}

impl Change<'_> {
    /// Puts the first shard whose rows forbid the statement in front of the others.
    pub(super) async fn refusing_first(
        &mut self,
        job: &mut Running,
        table: &Table,
        actions: &[AlterAction],
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let shards = job.pending();
        // The session's own locks would be waited for.
        if shards.len() < 2 || self.branches.locked().next().is_some() {
            return Ok(());
        }
        let keys: Vec<_> = actions
            .iter()
            .filter_map(|a| match a {
                AlterAction::ForeignKey(key) => Some(key),
                _ => None,
            })
            .collect();
        for shard in shards {
            let tried = self.refuses(shard, table, &keys, run);
            match unless_ended(&self.worker, self.io, &self.client.info, tried).await {
                Ok(Ok(true)) => {
                    job.put_first(shard);
                    return Ok(());
                }
                Ok(Ok(false)) => {}
                // The statement itself will show what is wrong there.
                Ok(Err(error)) => {
                    tracing::debug!(%error, table = %table.name, "not tried on a copy");
                }
                Err(ended) => {
                    self.abandon_job(job).await?;
                    return Err(ended);
                }
            }
        }
        Ok(())
    }

    async fn refuses(
        &self,
        shard: ShardId,
        table: &Table,
        keys: &[&ForeignKeyClause],
        run: Run<'_>,
    ) -> Result<bool, ShardError> {
        let login = {
            let catalog = self.worker.catalog();
            let shards = self.worker.shared.shards();
            let handle = shards.get(catalog.shard_name(shard));
            handle.map(|h| h.strongest().clone())
        };
        let Some(login) = login else {
            return Ok(false);
        };
        let fresh = self.worker.fresh.clone();
        let mut conn = ServerConn::connect(&login, self.client.class, fresh, 1).await?;
        let checked = self.client.settings.all.get("foreign_key_checks");
        if checked.is_none_or(is_on) {
            for key in keys {
                if has_orphans(&mut conn, &table.name, key).await? {
                    return Ok(true);
                }
            }
        }
        if !depends_on_rows(run) || !copy(&mut conn, table).await? {
            return Ok(false);
        }
        let (settings, database) = (&self.client.settings.plain, self.client.database.as_ref());
        conn.use_session(settings, database).await?;
        match conn.run(&String::from_utf8_lossy(run.text)).await {
            Err(ShardError::Server { err, .. }) => Ok(ROW_ERRORS.contains(&err.code)),
            other => other.map(|_| false),
        }
    }
}

/// True if a row refers to none.
async fn has_orphans(
    conn: &mut ServerConn,
    name: &TableName,
    key: &ForeignKeyClause,
) -> Result<bool, ShardError> {
    let database = key.table.database.as_deref().unwrap_or(&name.database);
    let target = quoted(&TableName::new(database, key.table.name.clone()));
    let columns: Vec<_> = key.columns.iter().map(|c| quote_name(c)).collect();
    let pairs = columns.iter().zip(&key.referred);
    let equal: Vec<_> = pairs
        .map(|(c, r)| format!("p.{} = c.{c}", quote_name(r)))
        .collect();
    if equal.is_empty() {
        return Ok(false);
    }
    let set: Vec<_> = columns
        .iter()
        .map(|c| format!("c.{c} IS NOT NULL AND "))
        .collect();
    let sql = format!(
        "SELECT 1 FROM {} c WHERE {}NOT EXISTS (SELECT 1 FROM {target} p WHERE {}) LIMIT 1",
        quoted(name),
        set.concat(),
        equal.join(" AND ")
    );
    has_rows(conn, &sql).await
}

async fn has_rows(conn: &mut ServerConn, sql: &str) -> Result<bool, ShardError> {
    let answer = conn.run(sql).await?;
    let (_, rows) = answer.rows().map_err(|e| conn.broken(e))?;
    Ok(!rows.is_empty())
}

/// Puts a copy in front of the table on this connection, which ends with it; false if it is too large,
/// or would be written to the binary log.
async fn copy(conn: &mut ServerConn, table: &Table) -> Result<bool, ShardError> {
    let name = &table.name;
    let sql = format!(
        "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} \
         AND DATA_LENGTH <= {COPY_BYTES_MAX}",
        quote_string(&name.database, false),
        quote_string(&name.table, false)
    );
    // Replicas would make the copy too, where the binary log has statements.
    if conn.logs_temporary_tables().await? || !has_rows(conn, &sql).await? {
        return Ok(false);
    }
    let copy = quoted(&TableName::new(&name.database, COPY));
    let columns = table
        .definition
        .columns
        .iter()
        .filter(|c| c.generated.is_none());
    let columns: Vec<_> = columns.map(|c| quote_name(&c.name)).collect();
    let columns = columns.join(", ");
    for sql in [
        format!("CREATE TEMPORARY TABLE {copy} LIKE {}", quoted(name)),
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_string(),
        // Rows that are there may be such as nobody could insert today.
        "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'".to_string(),
        format!(
            "INSERT INTO {copy} ({columns}) SELECT {columns} FROM {}",
            quoted(name)
        ),
        "SET SESSION sql_mode = DEFAULT".to_string(),
        format!("ALTER TABLE {copy} RENAME TO {}", quoted(name)),
    ] {
        conn.run(&sql).await?;
    }
    Ok(true)
}
