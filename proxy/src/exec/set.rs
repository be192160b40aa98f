//! SET: run by a server, whose values are read back and remembered by the session, and replayed on whatever
//! connection comes next. What the text says counts for nothing: only the server knows what `=4` or
//! `="ANSI_QUOTES"` means to it.

mod autocommit;
mod judged;
mod on_server;
mod text;
mod told;

pub(super) use judged::refuse_unsafe;

use super::{Run, session_values};
use crate::session::outcome::Conditions;
use crate::session::{Done, Outcome, Session, Stop};
use errors::SettingError;
use sql::set::{Assignment, SetTarget, SetValueKind};
use wire::reply::OkPacket;

/// Bytes of all settings and user variables of one session.
const SETTINGS_BYTES_MAX: usize = 1 << 20;

/// Variables that the proxy cannot let a session change, and why.
const REFUSED: [(&str, &str); 9] = [
    ("pseudo_thread_id", "it names a connection of the server"),
    (
        "pseudo_slave_mode",
        "it changes what statements mean on one shard",
    ),
    (
        "sql_log_bin",
        "rows would be missing from the binary log of a shard",
    ),
    ("server_id", "it belongs to the server"),
    ("gtid_seq_no", "it belongs to the server"),
    ("gtid_domain_id", "it belongs to the server"),
    (
        "insert_id",
        "ids of sharded tables come from the metadata service",
    ),
    ("skip_replication", "rows would be missing on replicas"),
    ("proxy_user", "it belongs to the server"),
];

/// Runs a SET statement.
pub(super) async fn run(s: &mut Session, list: &[Assignment], run: Run<'_>) -> Done {
    let next = list.iter().find_map(|a| match &a.target {
        SetTarget::Transaction {
            session: false,
            isolation,
            read_only,
        } => Some((isolation.clone(), *read_only)),
        _ => None,
    });
    let mut conditions = Conditions::Kept;
    match next {
        Some((isolation, read_only)) => next_transaction(s, isolation, read_only)?,
        None if list.iter().all(|a| is_whole_number(a, run)) => {
            // Counters and ids: what they mean needs no server.
            let literal = |a: &Assignment| {
                let text = String::from_utf8_lossy(&run.text[a.value.clone()]).into_owned();
                (variable_of(a), text)
            };
            let pairs: Vec<_> = list.iter().map(literal).collect();
            keep(s, &pairs)?;
        }
        None => {
            refuse_fixed(list)?;
            let on = autocommit::asked(s, list, run).await?;
            conditions = judged::run(s, list, run).await?;
            if let Some(on) = on {
                autocommit::turn(s, on).await?;
            }
        }
    }
    let warnings = match &conditions {
        Conditions::Known(known) => known.count() as u16,
        _ => 0,
    };
    let ok = OkPacket {
        warnings,
        session_state: told::told(s, list),
        ..Default::default()
    };
    s.put_ok(ok, run.more);
    Ok(Outcome {
        conditions,
        ..Outcome::nothing()
    })
}

/// `@name = 5`.
fn is_whole_number(a: &Assignment, run: Run<'_>) -> bool {
    let value = run.text.get(a.value.clone()).unwrap_or_default();
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let is_number = (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    matches!(a.target, SetTarget::UserVariable(_)) && is_number && !is_negative_zero(value)
}

/// -0 is 0.
fn is_negative_zero(value: &[u8]) -> bool {
    value.starts_with(b"-0")
}

/// The name under which settings have what an assignment sets.
fn variable_of(a: &Assignment) -> String {
    match &a.target {
        SetTarget::UserVariable(name) => format!("@{name}"),
        SetTarget::Session(name) => name.clone(),
        _ => String::new(),
    }
}

fn refuse_fixed(list: &[Assignment]) -> Result<(), Stop> {
    for a in list {
        let SetTarget::Session(name) = &a.target else {
            continue;
        };
        if let Some((_, why)) = REFUSED.iter().find(|(n, _)| n == name) {
            let variable = name.clone();
            return Err(SettingError::FixedVariable { variable, why }.into());
        }
    }
    Ok(())
}

/// SET TRANSACTION, for the next one.
fn next_transaction(
    s: &mut Session,
    isolation: Option<String>,
    read_only: Option<bool>,
) -> Result<(), Stop> {
    if s.branches.in_transaction() {
        return Err(SettingError::InTransaction.into());
    }
    s.branches.next = Some(shard::NextTransaction {
        isolation,
        read_only,
    });
    Ok(())
}

fn keep(s: &mut Session, pairs: &[(String, String)]) -> Result<(), Stop> {
    let mut settings = (*s.client.settings.all).clone();
    for (name, value) in pairs {
        settings.set(name, value);
    }
    check_size(&settings)?;
    s.client.settings.put(&s.worker, settings);
    Ok(())
}

pub(super) fn check_size(settings: &shard::Settings) -> Result<(), Stop> {
    if settings.bytes() > SETTINGS_BYTES_MAX {
        let max_bytes = SETTINGS_BYTES_MAX;
        return Err(SettingError::SettingsTooLarge { max_bytes }.into());
    }
    Ok(())
}

/// The text of a value as a server is to read it.
fn value_text(s: &Session, a: &Assignment, run: Run<'_>) -> Result<Vec<u8>, Stop> {
    let value = run.text.get(a.value.clone()).unwrap_or_default();
    if a.kind != SetValueKind::Expression || !run.plan.traits.of_session() {
        return Ok(value.to_vec());
    }
    let lexed = text::lex(s, value)?;
    Ok(session_values::replace(&s.client, value, &lexed.tokens))
}
