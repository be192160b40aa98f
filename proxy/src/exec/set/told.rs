//! What a client with session tracking is told after SET: the variables that servers tell of unless they are
//! asked for others. Drivers decode results by them.

use crate::session::Session;
use crate::session::settings::SessionSettings;
use shard::Settings;
use sql::set::{Assignment, SetTarget};
use wire::caps::CLIENT_SESSION_TRACK;
use wire::session_state::put_variable;

const CHARACTER_SETS: [&str; 3] = [
    "character_set_client",
    "character_set_connection",
    "character_set_results",
];

/// The session state of the OK packet: what was assigned, whether it is another value or not.
pub(super) fn told(s: &Session, list: &[Assignment]) -> Vec<u8> {
    let mut out = Vec::new();
    if s.io.capabilities & CLIENT_SESSION_TRACK == 0 {
        return out;
    }
    let settings = &s.client.settings;
    let mut tell = |name: &str| {
        if let Some(value) = value_of(settings, name) {
            put_variable(&mut out, name.as_bytes(), value.as_bytes());
        }
    };
    for a in list {
        match &a.target {
            SetTarget::Names { .. } | SetTarget::CharacterSet(_) => {
                CHARACTER_SETS.iter().for_each(|n| tell(n))
            }
            SetTarget::Session(name) => tell(name),
            SetTarget::UserVariable(_) | SetTarget::Transaction { .. } => {}
        }
    }
    out
}

fn value_of(settings: &SessionSettings, name: &str) -> Option<String> {
    let all = &settings.all;
    Some(match name {
        "autocommit" if settings.autocommit => "ON".to_string(),
        "autocommit" => "OFF".to_string(),
        "time_zone" => plain(all.get(name).unwrap_or("SYSTEM")),
        "character_set_client" => all.client_charset().to_string(),
        "character_set_results" => charset(all, all.get(name)),
        "character_set_connection" => {
            let collation = all.get("collation_connection").map(plain);
            let of_collation = collation.as_deref().and_then(|c| c.split('_').next());
            charset(all, all.get(name).or(of_collation))
        }
        _ => return None,
    })
}

/// The value of a variable, or what SET NAMES gave it.
fn charset(settings: &Settings, value: Option<&str>) -> String {
    let names = || settings.get("names").and_then(|n| n.split(' ').next());
    match value.or_else(names) {
        Some(null) if null.eq_ignore_ascii_case("NULL") => String::new(),
        Some(name) => plain(name),
        None => "utf8mb4".to_string(),
    }
}

fn plain(literal: &str) -> String {
    literal.trim_matches('\'').to_string()
}
