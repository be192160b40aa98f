//! A SET whose effect is what the server says it is.

use super::text::{ServerText, is_proxys};
use super::{check_size, on_server, value_text};
use crate::exec::Run;
use crate::session::outcome::Conditions;
use crate::session::{Session, Stop};
use errors::SettingError;
use shard::Settings;
use sql::set::{Assignment, SetTarget, SetValueKind};
use sql::{LexMode, ident::quote_name};

/// Longer texts are not remembered with their effect.
const KNOWN_TEXT_BYTES_MAX: usize = 256;
/// Nor those of sessions with more settings than this.
const KNOWN_SETTINGS_BYTES_MAX: usize = 1024;

/// The SET has taken effect: the session remembers what the server made of it.
pub(super) async fn run(
    s: &mut Session,
    list: &[Assignment],
    run: Run<'_>,
) -> Result<Conditions, Stop> {
    let mut settings = None;
    let asked = ServerText::of(s, list, run)?;
    let mut conditions = Conditions::Kept;
    if !asked.text.is_empty() {
        let before = s.client.settings.all.clone();
        let is_sure = !s.branches.iter().any(|b| b.pins.stored_code);
        let constant = is_sure
            && asked.expressions.is_empty()
            && asked.text.len() <= KNOWN_TEXT_BYTES_MAX
            && before.bytes() <= KNOWN_SETTINGS_BYTES_MAX;
        if constant && let Some(after) = s.worker.known_set(&before, &asked.text) {
            settings = Some((*after).clone());
        } else {
            let done = on_server::run(s, &asked, run).await?;
            let quiet = done.warnings.count() == 0;
            let after = adopt(s, &asked, &done).await?;
            if !quiet {
                conditions = done.warnings.into();
            }
            if constant && quiet && !sets_insert_id(&asked) {
                let after = s.worker.intern(after.clone());
                s.worker.know_set(before, &asked.text, after);
            }
            settings = Some(after);
        }
    }
    let mut settings = settings.unwrap_or_else(|| (*s.client.settings.all).clone());
    for a in list {
        if let SetTarget::Session(name) = &a.target
            && is_proxys(name)
        {
            let value = proxys_value(s, a, run).await?;
            settings.set(name, &value);
        }
    }
    check_size(&settings)?;
    s.client.settings.put(&s.worker, settings);
    Ok(conditions)
}

fn sets_insert_id(asked: &ServerText) -> bool {
    let mut names = asked.system.iter();
    names.any(|n| matches!(n.as_str(), "last_insert_id" | "identity"))
}

/// The session's settings with what was read back; the connection has them already. What the proxy cannot
/// work under is taken back there, and refused.
async fn adopt(
    s: &mut Session,
    asked: &ServerText,
    done: &on_server::Done,
) -> Result<Settings, Stop> {
    let before = s.client.settings.all.clone();
    let mut after = (*before).clone();
    if let Some((charset, collation)) = &asked.names {
        after.set_names(charset, collation.as_deref());
    }
    asked.fresh.iter().for_each(|n| after.set(n, "DEFAULT"));
    let written = asked.written.iter();
    let readings = done.system.iter().chain(&done.user).chain(written);
    readings.for_each(|(name, value)| after.set(name, value));
    let allowed = refuse_unsafe(&after).and_then(|()| check_size(&after));
    let conn = s.branches.held(done.shard)?.conn()?;
    let now = s.worker.intern(after.clone());
    conn.settings = now;
    if let Err(stop) = allowed {
        if let Some(back) = conn.settings.change_to(&before) {
            conn.run(&back).await?;
            conn.state_is_known();
        }
        conn.settings = before;
        return Err(stop);
    }
    Ok(after)
}

/// Under some settings a statement's text cannot be read here as the server reads it.
pub(in crate::exec) fn refuse_unsafe(settings: &Settings) -> Result<(), Stop> {
    let charset = settings.client_charset().to_ascii_lowercase();
    if !wire::charset::is_ascii_safe(&charset) {
        return Err(SettingError::CharacterSet { name: charset }.into());
    }
    let mode = settings.get("sql_mode").unwrap_or_default();
    if LexMode::has_bracket_quotes(mode.trim_matches('\'')) {
        return Err(SettingError::BracketQuotes.into());
    }
    match settings.get("sql_auto_is_null") {
        Some("1") => Err(SettingError::AutoIsNull.into()),
        _ => Ok(()),
    }
}

/// The literal that a bare word stands for.
fn literal_of(value: &str) -> String {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" => "1".to_string(),
        "off" | "false" => "0".to_string(),
        "default" => "DEFAULT".to_string(),
        word if word.starts_with(|c: char| c.is_ascii_alphabetic()) => format!("'{value}'"),
        _ => value.to_string(),
    }
}

/// The value of a variable that no shard is told.
async fn proxys_value(s: &mut Session, a: &Assignment, run: Run<'_>) -> Result<String, Stop> {
    let value = value_text(s, a, run)?;
    if a.kind != SetValueKind::Expression {
        return Ok(literal_of(&String::from_utf8_lossy(&value)));
    }
    const SCRATCH: &str = "shardwright_value";
    let head = format!("SET @{} = ", quote_name(SCRATCH));
    let asked = ServerText {
        text: [head.as_bytes(), &value].concat(),
        user: vec![SCRATCH.to_string()],
        expressions: vec![value],
        ..Default::default()
    };
    let done = on_server::run(s, &asked, run).await?;
    let conn = s.branches.held(done.shard)?.conn()?;
    conn.run(&format!("SET @{} = NULL", quote_name(SCRATCH)))
        .await?;
    conn.state_is_known();
    let read = done.user.into_iter().next();
    Ok(read.map_or("NULL".to_string(), |(_, literal)| literal))
}
