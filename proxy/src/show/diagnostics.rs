//! SHOW WARNINGS, SHOW ERRORS and their counts.

use crate::exec::Run;
use crate::session::diagnostics::fetch;
use crate::session::{Done, Session, Stop};
use errors::ReadError;
use sql::show::Diagnostics as Asked;
use wire::column::ResultColumn;
use wire::framer::Expect;
use wire::resultset::ResultSet;

/// Tokens of SHOW COUNT(*) WARNINGS and a semicolon; LIMIT makes more.
const TOKENS_MAX: usize = 6;

/// Answers from what the last statement left.
pub(crate) async fn run(s: &mut Session, asked: Asked, run: Run<'_>) -> Done {
    if run.lexed.tokens.len() > TOKENS_MAX {
        return Err(ReadError::WarningsLimit.into());
    }
    if matches!(asked, Asked::Warnings | Asked::Errors) {
        fetch_again(s).await?;
    }
    let set = rows(s, asked)?;
    Ok(super::answer(s, &set, run))
}

/// Gets the warnings of a read that ran on a pipelined connection: it runs once more on one of its own.
async fn fetch_again(s: &mut Session) -> Result<(), Stop> {
    let Some((shard, text)) = s.client.last.diagnostics.again.take() else {
        return Ok(());
    };
    let pool = s.worker.pool(shard)?;
    let (settings, database) = (&s.client.settings.plain, s.client.database.as_ref());
    let mut lease = pool.lease(s.client.class, settings, database).await?;
    let conn = lease.conn()?;
    conn.plan_session(settings, database);
    conn.query(&text).await?;
    conn.own_answer(Expect::Result).await?;
    s.client.last.diagnostics = fetch(conn).await?;
    Ok(())
}

fn rows(s: &Session, asked: Asked) -> Result<ResultSet, Stop> {
    let mut set = ResultSet::default();
    let d = &s.client.last.diagnostics;
    match asked {
        Asked::WarningCount => {
            set.columns = vec![ResultColumn::number("@@session.warning_count", false)];
            set.row([d.count().to_string()]);
        }
        Asked::ErrorCount => {
            set.columns = vec![ResultColumn::number("@@session.error_count", false)];
            set.row([d.errors().to_string()]);
        }
        Asked::Warnings | Asked::Errors => {
            if d.unfetched > 0 {
                return Err(ReadError::WarningsGone.into());
            }
            let mut code = ResultColumn::number("Code", true);
            code.length = 4;
            code.kind = wire::column::column_type::LONG;
            set.columns = vec![
                ResultColumn::text("Level", 7),
                code,
                ResultColumn::text("Message", 512),
            ];
            for (level, code, text) in &d.conditions {
                if asked == Asked::Warnings || level == "Error" {
                    set.row([level.clone(), code.clone(), text.clone()]);
                }
            }
        }
    }
    Ok(set)
}
