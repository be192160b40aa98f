//! A statement changed its session by something that its text does not show: a procedure, a function or a
//! trigger did. The session takes over what can be read, and keeps the connection for the rest.

use super::read_back::system_variables;
use super::set::refuse_unsafe;
use crate::session::{Session, Stop};
use catalog::ShardId;
use shard::Settings;
use wire::session_state::{StateEntry, entries};

/// Read where a server does not name all that changed.
const USUAL: [&str; 9] = [
    "autocommit",
    "character_set_client",
    "character_set_results",
    "collation_connection",
    "foreign_key_checks",
    "sql_auto_is_null",
    "sql_mode",
    "time_zone",
    "unique_checks",
];
/// These are a connection's own, or reading them does not give what was set.
const NEVER_READ: [&str; 7] = [
    "identity",
    "insert_id",
    "last_insert_id",
    "pseudo_thread_id",
    "rand_seed1",
    "rand_seed2",
    "timestamp",
];

/// Takes over the system variables that the last statement on a shard's connection changed; `state` is what
/// its OK packet says of them, if it had one. Where that is all that it may have changed, besides user
/// variables, the connection is anybody's again; else it is the session's until it is closed.
pub(super) async fn absorb(s: &mut Session, shard: ShardId, state: &[u8]) -> Result<(), Stop> {
    let changed = changed_variables(s, shard, state).await?;
    let conn = s.branches.held(shard)?.conn()?;
    let readable = |n: &&String| !NEVER_READ.contains(&n.as_str());
    let names: Vec<String> = changed.iter().filter(readable).cloned().collect();
    // A function's change is named with the value from before: what counts is what is there now.
    let readings = system_variables(conn, &names).await?;
    let all_read = names.len() == changed.len();
    let is_known = conn.changed_variables_alone().await? && all_read;
    let (mut session, mut there) = ((*s.client.settings.all).clone(), (*conn.settings).clone());
    for (name, value) in &readings {
        if is_fresh(name, value, &session, conn.names_all_changes()) {
            continue;
        }
        session.set(name, value);
        there.set(name, value);
    }
    if let Err(stop) = refuse_unsafe(&session) {
        conn.dirty = true;
        return Err(stop);
    }
    conn.settings = s.worker.intern(there);
    match is_known {
        true => conn.state_is_known(),
        false => conn.state_is_doubtful(),
    }
    s.client.settings.put(&s.worker, session);
    Ok(())
}

/// The names of the system variables that may have changed.
async fn changed_variables(
    s: &mut Session,
    shard: ShardId,
    state: &[u8],
) -> Result<Vec<String>, Stop> {
    let mariadb = s.worker.flavor.get().mariadb;
    let conn = s.branches.held(shard)?.conn()?;
    let untold = match state.is_empty() {
        true => conn.untold_changes().await?,
        false => state.to_vec(),
    };
    let entries = entries(&untold).map_err(|e| conn.broken(e))?;
    let mut names: Vec<String> = entries.iter().filter_map(variable).collect();
    if !conn.names_all_changes() {
        let known = s.client.settings.plain.names();
        names.extend(known.filter(|n| *n != "names").map(str::to_string));
        names.extend(USUAL.map(str::to_string));
        let transaction = if mariadb { "tx" } else { "transaction" };
        names.push(format!("{transaction}_isolation"));
        names.push(format!("{transaction}_read_only"));
    }
    if names.iter().any(|n| n == "character_set_connection") {
        // The collation says it too.
        names.push("collation_connection".to_string());
    }
    names.retain(|n| n != "character_set_connection" && !n.starts_with("session_track_"));
    names.sort();
    names.dedup();
    Ok(names)
}

fn variable(entry: &StateEntry<'_>) -> Option<String> {
    match entry {
        StateEntry::Variable(name, _) => {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            name.bytes().all(is_name).then_some(name)
        }
        StateEntry::Database(_) | StateEntry::Changed => None,
    }
}

/// True if a session that has not set a variable finds what a fresh connection has, or what its SET NAMES
/// says.
///
/// `is_named` says that the server named it as changed.
fn is_fresh(name: &str, value: &str, settings: &Settings, is_named: bool) -> bool {
    let set = settings.get(name);
    let value = value.trim_matches('\'');
    let charset = settings.client_charset();
    match name {
        "character_set_client" | "character_set_results" if set.is_none() => {
            return value == charset;
        }
        "collation_connection" if set.is_none() => {
            let names = settings.get("names").unwrap_or_default();
            let is_default = names.is_empty() && value.starts_with(charset) && !is_named;
            return is_default || names.ends_with(value);
        }
        _ => {}
    }
    let on = matches!(name, "autocommit" | "foreign_key_checks" | "unique_checks");
    let off = matches!(
        name,
        "sql_auto_is_null" | "tx_read_only" | "transaction_read_only"
    );
    set.is_none() && (on && value == "1" || off && value == "0")
}
