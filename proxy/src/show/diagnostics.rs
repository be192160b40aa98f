//! SHOW WARNINGS, SHOW ERRORS and their counts.

use crate::exec::Run;
use crate::session::diagnostics::fetch;
use crate::session::waiting::unless_ended;
use crate::session::{Done, Session, Stop};
use errors::ReadError;
use router::traits::is_word;
use sql::show::Diagnostics as Asked;
use wire::column::ResultColumn;
use wire::framer::Expect;
use wire::resultset::ResultSet;

/// Flags of a column.
const NOT_NULL: u16 = 1;
const UNSIGNED: u16 = 32;
const BINARY: u16 = 128;

/// Answers from what the last statement left.
pub(crate) async fn run(s: &mut Session, asked: Asked, run: Run<'_>) -> Done {
    if matches!(asked, Asked::Warnings | Asked::Errors) {
        fetch_again(s).await?;
    }
    let set = rows(s, asked, limit(run))?;
    Ok(super::answer(s, &set, run))
}

/// Gets the warnings of a read that ran on a pipelined connection: it runs once more on one of its own.
async fn fetch_again(s: &mut Session) -> Result<(), Stop> {
    let Some((shard, text)) = s.client.last.diagnostics.again.take() else {
        return Ok(());
    };
    let pool = s.worker.pool(shard)?;
    let (settings, database) = (&s.client.settings.plain, s.client.database.as_ref());
    let class = s.client.class;
    let again = async {
        let mut lease = pool.lease(class, settings, database).await?;
        let conn = lease.conn()?;
        conn.plan_session(settings, database);
        conn.query(&text).await?;
        conn.own_answer(Expect::Result).await?;
        fetch(conn).await
    };
    let fetched = unless_ended(&s.worker, &s.io, &s.client.info, again).await?;
    s.client.last.diagnostics = fetched?;
    Ok(())
}

/// The column of a count: unsigned, and not said to be NOT NULL.
fn count_column(name: &str) -> ResultColumn {
    ResultColumn {
        flags: UNSIGNED | BINARY,
        ..ResultColumn::number(name, false)
    }
}

/// Which rows LIMIT leaves: how many are skipped, and how many follow.
fn limit(run: Run<'_>) -> (usize, usize) {
    let tokens = &run.lexed.tokens;
    let at = tokens.iter().position(|t| is_word(run.text, *t, b"LIMIT"));
    let behind = at.map_or(&[][..], |at| &tokens[at + 1..]);
    let number = |t: &sql::Token| {
        std::str::from_utf8(run.text.get(t.range())?)
            .ok()?
            .parse()
            .ok()
    };
    let numbers: Vec<usize> = behind.iter().filter_map(number).collect();
    let offset = behind.iter().any(|t| is_word(run.text, *t, b"OFFSET"));
    match numbers[..] {
        [count] => (0, count),
        [count, skip] if offset => (skip, count),
        [skip, count] => (skip, count),
        _ => (0, usize::MAX),
    }
}

fn rows(s: &Session, asked: Asked, (skip, count): (usize, usize)) -> Result<ResultSet, Stop> {
    let mut set = ResultSet::default();
    let d = &s.client.last.diagnostics;
    match asked {
        Asked::WarningCount => {
            set.columns = vec![count_column("@@session.warning_count")];
            set.row([d.count().to_string()]);
        }
        Asked::ErrorCount => {
            set.columns = vec![count_column("@@session.error_count")];
            set.row([d.errors().to_string()]);
        }
        Asked::Warnings | Asked::Errors => {
            if d.unfetched > 0 {
                return Err(ReadError::WarningsGone.into());
            }
            let mut code = ResultColumn::number("Code", true);
            code.length = 4;
            code.kind = wire::column::column_type::LONG;
            let text = |name, chars| ResultColumn {
                flags: NOT_NULL,
                ..ResultColumn::text(name, chars)
            };
            set.columns = vec![text("Level", 7), code, text("Message", 512)];
            let wanted = |level: &str| asked == Asked::Warnings || level == "Error";
            let conditions = d.conditions.iter().filter(|c| wanted(&c.0));
            for (level, code, text) in conditions.skip(skip).take(count) {
                set.row([level.clone(), code.clone(), text.clone()]);
            }
        }
    }
    Ok(set)
}
