//! A statement changed its session by something that its text does not show: a procedure, a function or a
//! trigger did. The session takes over what can be read, and keeps the connection for the rest.

use super::read_back::system_variables;
use super::set::refuse_unsafe;
use crate::session::{Session, Stop};
use catalog::ShardId;
use wire::session_state::{StateEntry, entries};

/// Read where a server says only that something changed.
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
const NEVER_READ: [&str; 8] = [
    "identity",
    "insert_id",
    "last_insert_id",
    "pseudo_thread_id",
    "rand_seed1",
    "rand_seed2",
    "timestamp",
    "character_set_connection",
];

/// Takes over the system variables that the last statement on a shard's connection changed; `state` is what
/// its OK packet says of them. The connection is the session's until it is closed.
pub(super) async fn absorb(s: &mut Session, shard: ShardId, state: &[u8]) -> Result<(), Stop> {
    let mariadb = s.worker.flavor.get().mariadb;
    let conn = s.branches.held(shard)?.conn()?;
    let entries = entries(state).map_err(|e| conn.broken(e))?;
    let mut names: Vec<String> = entries.iter().filter_map(variable).collect();
    let known = s.client.settings.plain.names();
    names.extend(known.filter(|n| *n != "names").map(str::to_string));
    if state.is_empty() {
        names.extend(USUAL.map(str::to_string));
        let transaction = if mariadb { "tx" } else { "transaction" };
        names.push(format!("{transaction}_isolation"));
        names.push(format!("{transaction}_read_only"));
    }
    if names.iter().any(|n| n == "character_set_connection") {
        // The collation says it too.
        names.push("collation_connection".to_string());
    }
    names.retain(|n| !NEVER_READ.contains(&n.as_str()) && !n.starts_with("session_track_"));
    names.sort();
    names.dedup();
    // A function's change is named with the value from before: what counts is what is there now.
    let readings = system_variables(conn, &names).await?;
    let (mut session, mut there) = ((*s.client.settings.all).clone(), (*conn.settings).clone());
    for (name, value) in &readings {
        if is_fresh(name, value, session.get(name)) {
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
    s.client.settings.put(&s.worker, session);
    Ok(())
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

/// True if a session that has not set a variable finds what a fresh connection has.
fn is_fresh(name: &str, value: &str, set: Option<&str>) -> bool {
    let on = matches!(name, "autocommit" | "foreign_key_checks" | "unique_checks");
    set.is_none() && (on && value == "1" || name == "sql_auto_is_null" && value == "0")
}
