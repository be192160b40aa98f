//! What SHOW WARNINGS, SHOW ERRORS and @@warning_count tell of the last statement.

use crate::session::{Done, Session, Stop};
use catalog::ShardId;
use shard::{ServerConn, ShardError};
use sql::show::Diagnostics as Asked;
use wire::column::Column;
use wire::reply::ErrPacket;
use wire::resultset::ResultSet;

/// Longest read that is kept for its warnings.
const RUN_AGAIN_BYTES_MAX: usize = 64 * 1024;

/// One condition: level, code, text.
pub type Condition = (String, String, String);

/// Conditions of the last statement.
#[derive(Debug, Default)]
pub struct Diagnostics {
    conditions: Vec<Condition>,
    /// Warnings that were counted but could not be fetched (a shared connection gave them).
    unfetched: u16,
    /// The read that gave them, and where: run once more, it gives them again.
    again: Option<(ShardId, Box<[u8]>)>,
}

impl Diagnostics {
    /// Nothing to tell.
    pub fn clear(&mut self) {
        if !self.conditions.is_empty() || self.unfetched > 0 {
            *self = Self::default();
        }
    }

    /// The statement failed.
    pub fn set_error(&mut self, err: &ErrPacket) {
        self.clear();
        let row = (
            "Error".to_string(),
            err.code.to_string(),
            err.message.clone(),
        );
        self.conditions.push(row);
    }

    /// The statement gave warnings that are not known in detail.
    pub fn set_unfetched(&mut self, warnings: u16) {
        self.clear();
        self.unfetched = warnings;
    }

    /// Keeps the read whose warnings could not be fetched.
    pub fn can_run_again(&mut self, shard: ShardId, text: &[u8]) {
        if self.unfetched > 0 && text.len() <= RUN_AGAIN_BYTES_MAX {
            self.again = Some((shard, text.into()));
        }
    }

    /// Conditions in all.
    pub fn count(&self) -> usize {
        self.conditions.len() + usize::from(self.unfetched)
    }

    fn errors(&self) -> usize {
        self.conditions.iter().filter(|c| c.0 == "Error").count()
    }
}

/// Fetches the warnings of the statement that just ran on `conn`.
pub async fn fetch(conn: &mut ServerConn) -> Result<Diagnostics, ShardError> {
    let answer = conn.run("SHOW WARNINGS").await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let conditions = rows.into_iter().map(|r| {
        let mut r = r.into_iter();
        let mut next = || r.next().unwrap_or_default();
        (next(), next(), next())
    });
    Ok(Diagnostics {
        conditions: conditions.collect(),
        ..Default::default()
    })
}

impl Session {
    /// Gets the warnings of a read that ran on a shared connection: it runs once more on one of its own.
    async fn fetch_again(&mut self) -> Result<(), Stop> {
        let Some((shard, text)) = self.diagnostics.again.take() else {
            return Ok(());
        };
        let pool = self.worker.pool(shard)?;
        let (settings, database) = (self.plain_settings.clone(), self.database.clone());
        let lease = pool.lease(self.class, &settings, database.as_ref());
        let mut lease = lease.await?;
        let conn = lease.conn()?;
        conn.prepare_for(&settings, database.as_ref()).await?;
        conn.run(&String::from_utf8_lossy(&text)).await?;
        self.diagnostics = fetch(conn).await?;
        Ok(())
    }

    /// Answers SHOW WARNINGS and its relatives.
    pub async fn show_diagnostics(&mut self, asked: Asked) -> Result<ResultSet, Stop> {
        if matches!(asked, Asked::Warnings | Asked::Errors) {
            self.fetch_again().await?;
        }
        let mut set = ResultSet::default();
        let d = &self.diagnostics;
        match asked {
            Asked::WarningCount => {
                set.columns = vec![Column::number("@@session.warning_count", false)];
                set.row([d.count().to_string()]);
            }
            Asked::ErrorCount => {
                set.columns = vec![Column::number("@@session.error_count", false)];
                set.row([d.errors().to_string()]);
            }
            Asked::Warnings | Asked::Errors => {
                if d.unfetched > 0 {
                    return Err(crate::session::error(
                        1235,
                        "42000",
                        "The last execution ran on a shared connection and its warnings are gone; \
                         run it once more, then SHOW WARNINGS has them",
                    ));
                }
                let mut code = Column::number("Code", true);
                code.length = 4;
                code.kind = wire::column::column_type::LONG;
                set.columns = vec![Column::text("Level", 7), code, Column::text("Message", 512)];
                for (level, code, text) in &d.conditions {
                    if asked == Asked::Warnings || level == "Error" {
                        set.row([level.clone(), code.clone(), text.clone()]);
                    }
                }
            }
        }
        Ok(set)
    }

    /// Notes the warnings of a statement that ran on a held or leased connection.
    pub async fn note_warnings(&mut self, index: usize, warnings: u16) -> Done {
        if warnings == 0 {
            self.diagnostics.clear();
            return Ok(());
        }
        if let Some(h) = self.held.get_mut(index) {
            self.diagnostics = fetch(h.lease.conn()?).await?;
        }
        Ok(())
    }
}

impl Diagnostics {
    /// True if the last statement failed.
    pub fn has_error(&self) -> bool {
        self.conditions.iter().any(|c| c.0 == "Error")
    }
}

impl Diagnostics {
    /// Adds the conditions of another part of the statement.
    pub fn add(&mut self, other: Diagnostics) {
        self.conditions.extend(other.conditions);
        self.conditions.truncate(64);
        self.unfetched = self.unfetched.saturating_add(other.unfetched);
    }
}

impl Diagnostics {
    /// Adds a note of the proxy's own.
    pub fn note(&mut self, code: &str, text: String) {
        self.conditions
            .push(("Note".to_string(), code.to_string(), text));
    }
}
