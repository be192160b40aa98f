//! User variables after a statement that may have assigned some: the session takes them over, so that they
//! follow it to whatever connection comes next.

use super::Run;
use super::read_back::{Reading, user_variables};
use crate::session::{Session, Stop};
use catalog::ShardId;
use shard::{ServerConn, ShardError};
use sql::TokenKind;

/// All that a connection has, on MariaDB.
const NAMES: &str = "SELECT VARIABLE_NAME FROM information_schema.USER_VARIABLES";
/// The same on MySQL.
const NAMES_ON_MYSQL: &str = "SELECT VARIABLE_NAME FROM performance_schema.user_variables_by_thread \
     WHERE THREAD_ID = (SELECT THREAD_ID FROM performance_schema.threads \
     WHERE PROCESSLIST_ID = CONNECTION_ID())";

/// The names of the user variables in a statement.
pub(super) fn named(run: Run<'_>) -> Vec<String> {
    let tokens = run.lexed.tokens.iter();
    let variables = tokens.filter(|t| t.kind == TokenKind::UserVar);
    let name = |t: &sql::Token| sql::set::user_variable_name(run.text.get(t.range())?);
    let mut names: Vec<String> = variables.filter_map(name).collect();
    names.sort();
    names.dedup();
    names
}

/// Takes over those with these names, as the connection to a shard has them.
pub(super) async fn take_over(
    s: &mut Session,
    shard: ShardId,
    names: &[String],
) -> Result<(), Stop> {
    let conn = s.branches.held(shard)?.conn()?;
    let readings = user_variables(conn, names).await?;
    keep(s, shard, readings)
}

/// Takes over all of them: stored code assigned them, if anybody did.
pub(super) async fn take_over_all(s: &mut Session, shard: ShardId) -> Result<(), Stop> {
    let mariadb = s.worker.flavor.get().mariadb;
    let branch = s.branches.held(shard)?;
    let conn = branch.conn()?;
    match all_names(conn, mariadb).await {
        Ok(names) => {
            let readings = user_variables(conn, &names).await?;
            keep(s, shard, readings)
        }
        // The server does not say: only this connection knows them.
        Err(ShardError::Server { .. }) => {
            branch.pins.user_variables = true;
            Ok(())
        }
        Err(e) => Err(s.branches.abort(e).await),
    }
}

async fn all_names(conn: &mut ServerConn, mariadb: bool) -> Result<Vec<String>, ShardError> {
    let sql = if mariadb { NAMES } else { NAMES_ON_MYSQL };
    let answer = conn.run(sql).await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let names = rows.into_iter().filter_map(|r| r.into_iter().next());
    Ok(names.map(|n| n.to_lowercase()).collect())
}

/// The session and the connection both have them from here on. More than a session may have stays where it
/// is, with its connection.
fn keep(s: &mut Session, shard: ShardId, readings: Vec<Reading>) -> Result<(), Stop> {
    let (mut session, mut changed) = ((*s.client.settings.all).clone(), false);
    for (name, value) in &readings {
        let nothing = value == "NULL" && session.get(name).is_none();
        if !nothing && session.get(name) != Some(value) {
            session.set(name, value);
            changed = true;
        }
    }
    let branch = s.branches.held(shard)?;
    if super::set::check_size(&session).is_err() {
        branch.pins.user_variables = true;
        return Ok(());
    }
    let conn = branch.conn()?;
    let mut there = (*conn.settings).clone();
    readings
        .iter()
        .for_each(|(name, value)| there.set(name, value));
    conn.settings = s.worker.intern(there);
    if changed {
        s.client.settings.put(&s.worker, session);
    }
    Ok(())
}
