//! SET: checked by a shard, remembered by the session, replayed on whatever connection comes next.

use super::{Run, any_shard, default_shard, session_values, transaction};
use crate::session::settings::is_on;
use crate::session::{Done, Outcome, Session, Stop};
use errors::SettingError;
use router::{Operator, Plan, Planned, Refusal, RouteContext, SessionFacts};
use sql::Lexed;
use sql::ident::quote_string;
use sql::set::{Assignment, SetTarget, SetValueKind};
use wire::column::{ResultColumn, column_type as t};
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
    for a in list {
        assign(s, a, run).await?;
    }
    s.put_ok(OkPacket::default(), run.more);
    Ok(Outcome::nothing())
}

async fn assign(s: &mut Session, a: &Assignment, run: Run<'_>) -> Result<(), Stop> {
    let value = run.text.get(a.value.clone()).unwrap_or_default();
    let value = String::from_utf8_lossy(value).into_owned();
    match &a.target {
        SetTarget::Names { charset, collation } => names(s, charset, collation).await,
        SetTarget::CharacterSet(charset) => {
            let charset = charset.clone().unwrap_or_else(|| "utf8mb4".to_string());
            check_charset(&charset)?;
            let q = format!("'{charset}'");
            let pairs = [("character_set_client", &q), ("character_set_results", &q)];
            check_and_keep(s, &pairs.map(|(n, v)| (n.to_string(), v.clone()))).await
        }
        SetTarget::Transaction {
            session: true,
            isolation,
            read_only,
        } => session_transaction(s, isolation.as_deref(), *read_only).await,
        SetTarget::Transaction {
            session: false,
            isolation,
            read_only,
        } => next_transaction(s, isolation.as_deref(), *read_only),
        SetTarget::UserVariable(name) => {
            let literal = match a.kind {
                SetValueKind::Constant if !is_bare_word(&value) => value,
                _ => evaluate(s, &format!("SELECT {value}")).await?,
            };
            keep(s, &[(format!("@{name}"), literal)])
        }
        SetTarget::Session(name) => variable(s, name, &value, a.kind).await,
    }
}

async fn names(
    s: &mut Session,
    charset: &Option<String>,
    collation: &Option<String>,
) -> Result<(), Stop> {
    let charset = charset.clone().unwrap_or_else(|| "utf8mb4".to_string());
    check_charset(&charset)?;
    let collate = collation
        .as_ref()
        .map_or(String::new(), |c| format!(" COLLATE {c}"));
    check(s, &format!("SET NAMES {charset}{collate}")).await?;
    let mut settings = (*s.client.settings.all).clone();
    settings.set_names(&charset, collation.as_deref());
    s.client.settings.put(&s.worker, settings);
    Ok(())
}

/// SET SESSION TRANSACTION.
async fn session_transaction(
    s: &mut Session,
    isolation: Option<&str>,
    read_only: Option<bool>,
) -> Result<(), Stop> {
    let mariadb = s.worker.flavor.get().mariadb;
    let mut pairs = Vec::new();
    if let Some(level) = isolation {
        let name = isolation_variable(mariadb);
        pairs.push((name.to_string(), format!("'{}'", level.replace(' ', "-"))));
    }
    if let Some(ro) = read_only {
        let name = match mariadb {
            true => "tx_read_only",
            false => "transaction_read_only",
        };
        pairs.push((name.to_string(), u8::from(ro).to_string()));
    }
    check_and_keep(s, &pairs).await
}

/// SET TRANSACTION, for the next one.
fn next_transaction(
    s: &mut Session,
    isolation: Option<&str>,
    read_only: Option<bool>,
) -> Result<(), Stop> {
    if s.branches.in_transaction() {
        return Err(SettingError::InTransaction.into());
    }
    s.branches.next = Some(shard::NextTransaction {
        isolation: isolation.map(str::to_string),
        read_only,
    });
    Ok(())
}

async fn variable(
    s: &mut Session,
    name: &str,
    value: &str,
    kind: SetValueKind,
) -> Result<(), Stop> {
    if let Some((_, why)) = REFUSED.iter().find(|(n, _)| *n == name) {
        let variable = name.to_string();
        return Err(SettingError::FixedVariable { variable, why }.into());
    }
    match name {
        "autocommit" => return autocommit(s, value, kind).await,
        "last_insert_id" | "identity" => {
            let variable = || name.to_string();
            let wrong = |_| SettingError::WrongType {
                variable: variable(),
            };
            s.client.last.insert_id = value.parse().map_err(wrong)?;
            return Ok(());
        }
        "sql_auto_is_null" if kind == SetValueKind::Expression || is_on(value) => {
            return Err(SettingError::AutoIsNull.into());
        }
        "character_set_client" => check_charset(value.trim_matches('\''))?,
        _ => {}
    }
    let literal = match kind {
        SetValueKind::Constant | SetValueKind::Default => value.to_string(),
        SetValueKind::Expression => evaluate(s, &format!("SELECT {value}")).await?,
    };
    check_and_keep(s, &[(name.to_string(), literal)]).await
}

async fn autocommit(s: &mut Session, value: &str, kind: SetValueKind) -> Result<(), Stop> {
    let on = match kind {
        SetValueKind::Default => true,
        SetValueKind::Constant => is_on(value),
        SetValueKind::Expression => is_on(&evaluate(s, &format!("SELECT {value}")).await?),
    };
    if on && !s.client.settings.autocommit {
        // As on one server: turning it on commits what is open.
        transaction::commit_all(s).await?;
    }
    let value = if on { "DEFAULT" } else { "0" };
    keep(s, &[("autocommit".to_string(), value.to_string())])
}

/// Lets a shard judge the assignments, and keeps them.
async fn check_and_keep(s: &mut Session, pairs: &[(String, String)]) -> Result<(), Stop> {
    let text: Vec<_> = pairs.iter().map(|(n, v)| format!("{n} = {v}")).collect();
    check(s, &format!("SET {}", text.join(", "))).await?;
    keep(s, pairs)
}

/// Lets a shard judge a SET, unless it has accepted the same one before.
async fn check(s: &mut Session, set: &str) -> Result<(), Stop> {
    if s.worker.is_accepted_set(set) {
        return Ok(());
    }
    let shard = default_shard(&s.client, &s.worker.catalog())?;
    let branch = s
        .branches
        .acquire(&s.worker, &s.client, shard, true)
        .await?;
    let result = branch.conn()?.run(set).await;
    if branch.pins.is_empty() && !branch.open {
        // Its settings are not what the books say now.
        branch.lease.discard();
    }
    // What comes next in the same statement must not find it.
    s.branches.release_idle();
    if let Err(e) = result {
        return Err(s.branches.abort_unless_server(e).await);
    }
    s.worker.accept_set(set.to_string());
    Ok(())
}

fn keep(s: &mut Session, pairs: &[(String, String)]) -> Result<(), Stop> {
    let mut settings = (*s.client.settings.all).clone();
    for (name, value) in pairs {
        settings.set(name, value);
    }
    if settings.bytes() > SETTINGS_BYTES_MAX {
        let max_bytes = SETTINGS_BYTES_MAX;
        return Err(SettingError::SettingsTooLarge { max_bytes }.into());
    }
    s.client.settings.put(&s.worker, settings);
    Ok(())
}

/// The value of an expression as a literal that means the same on every connection.
async fn evaluate(s: &mut Session, select: &str) -> Result<String, Stop> {
    let (mode, flavor) = (s.client.settings.mode, s.worker.flavor.get());
    let lex = |text: &[u8]| Lexed::new(text, mode, flavor).map_err(Refusal::syntax);
    let lexed = lex(select.as_bytes())?;
    let traits = router::Traits::of(select.as_bytes(), &lexed.tokens);
    if traits.named_locks || traits.writes_user_variables {
        return Err(SettingError::SetEffects.into());
    }
    let select = session_values::replace(&s.client, select.as_bytes(), &lexed.tokens);
    let lexed = lex(&select)?;
    let catalog = s.worker.catalog();
    let planned = Planned::of(s.client.plan_context(&s.worker, &catalog), &select, &lexed);
    let operator = match &planned.plan {
        Plan::Forward(f) => f.route(&RouteContext {
            catalog: &catalog,
            args: s.client.args(&select, &lexed.tokens, &[]),
            session: SessionFacts::default(),
        })?,
        Plan::Refuse(r) => return Err(r.clone().into()),
        _ => Operator::Any,
    };
    let shard = match operator {
        Operator::One(shard) => shard,
        Operator::Any => any_shard(&s.branches, &catalog, s.client.info.id),
        _ => return Err(SettingError::SetFromSeveral.into()),
    };
    let branch = s
        .branches
        .acquire(&s.worker, &s.client, shard, true)
        .await?;
    if traits.last_insert_id {
        branch.conn()?.plan_last_insert_id(s.client.last.insert_id);
    }
    let conn = branch.conn()?;
    let answer = conn.run(&String::from_utf8_lossy(&select)).await;
    let value = answer.and_then(|a| a.rows().map_err(|e| conn.broken(e)));
    if traits.sets_last_insert_id && value.is_ok() {
        let id = branch.conn()?.last_insert_id().await?;
        s.client.last.insert_id = id.unwrap_or(s.client.last.insert_id);
    }
    let (columns, rows) = match value {
        Ok(v) => v,
        Err(e) => return Err(s.branches.abort_unless_server(e).await),
    };
    let cell = rows.into_iter().next().and_then(|r| r.into_iter().next());
    let no_escapes = s.client.settings.mode.no_backslash_escapes;
    Ok(literal(cell.flatten(), columns.first(), no_escapes))
}

/// A value as a literal.
fn literal(
    cell: Option<Vec<u8>>,
    column: Option<&ResultColumn>,
    no_backslash_escapes: bool,
) -> String {
    let Some(bytes) = cell else {
        return "NULL".to_string();
    };
    let number = column.is_some_and(|c| {
        matches!(
            c.kind,
            t::DECIMAL..=t::DOUBLE | t::LONGLONG | t::INT24 | t::NEWDECIMAL
        )
    });
    match String::from_utf8(bytes) {
        Ok(text) if number => text,
        Ok(text) if column.is_none_or(|c| c.collation != 63) => {
            quote_string(&text, no_backslash_escapes)
        }
        Ok(text) => hex(text.as_bytes()),
        Err(e) => hex(e.as_bytes()),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("x'{digits}'")
}

/// A bare word in a user variable's value is a column name or TRUE: the server must say.
fn is_bare_word(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !value.contains('\'')
}

fn check_charset(name: &str) -> Result<(), Stop> {
    if wire::charset::is_ascii_safe(&name.to_ascii_lowercase()) {
        return Ok(());
    }
    let name = name.to_string();
    Err(SettingError::CharacterSet { name }.into())
}

fn isolation_variable(mariadb: bool) -> &'static str {
    if mariadb {
        "tx_isolation"
    } else {
        "transaction_isolation"
    }
}
