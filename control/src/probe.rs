//! What one server is like: version, settings that matter, clock.

use crate::{Cluster, ShardConfig, machine, prepare};
use admin_types::report::{Finding, Severity};
use shard::{ConnClass, Login, ServerConn, ShardError, Timeouts};
use sql::Flavor;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long the inspection of one server may take.
pub(crate) const PROBE_TIME: Duration = Duration::from_secs(10);
/// A difference of clocks that is a warning.
const CLOCK_DIFFERENCE_MS_MAX: u128 = 1_000;

/// A setting, what it should be, and what happens otherwise.
struct Wanted {
    name: &'static str,
    good: &'static [&'static str],
    severity: Severity,
    why: &'static str,
}

const WANTED: [Wanted; 6] = [
    Wanted {
        name: "log_bin",
        good: &["1", "ON"],
        severity: Severity::Warning,
        why: "without a binary log no replica can follow, and no table can be moved online",
    },
    Wanted {
        name: "binlog_format",
        good: &["ROW"],
        severity: Severity::Warning,
        why: "moving tables online reads rows from the binary log",
    },
    Wanted {
        name: "binlog_row_image",
        good: &["FULL"],
        severity: Severity::Warning,
        why: "moving tables online needs whole rows in the binary log",
    },
    Wanted {
        name: "innodb_flush_log_at_trx_commit",
        good: &["1"],
        severity: Severity::Warning,
        why: "a power cut can lose commits that clients have seen acknowledged",
    },
    Wanted {
        name: "sync_binlog",
        good: &["1"],
        severity: Severity::Warning,
        why: "a power cut can lose commits from the binary log",
    },
    Wanted {
        name: "read_only",
        good: &["0", "OFF"],
        severity: Severity::Critical,
        why: "a primary must take writes",
    },
];

/// Inspects a server that is to become a shard, or to take one's place.
pub(crate) async fn probe(cluster: &Cluster, account: &ShardConfig) -> Vec<Finding> {
    let subject = format!("shard {}", account.name);
    let login = match account.strongest(Timeouts::connecting_within(PROBE_TIME)) {
        Ok(login) => login,
        Err(e) => return vec![Finding::new(Severity::Critical, subject, e, "")],
    };
    let mut out = inspect(&subject, &login).await;
    let catalog = cluster.catalog();
    if catalog.shard_named(&account.name).is_none() {
        let left = prepare::leftovers(&subject, &login, &catalog).await;
        out.extend(left.ok().flatten());
    }
    if let Ok(conn) = connect(&login).await
        && let Some(why) = cluster
            .shards
            .kind
            .differs(Flavor::from_version(&conn.version))
    {
        let advice = "take a server of the kind that the others are";
        out.push(Finding::new(Severity::Critical, subject, why, advice));
    }
    out
}

/// Version, settings, clock, disk and replication of a server.
pub(crate) async fn inspect(subject: &str, login: &Login) -> Vec<Finding> {
    let inspected = tokio::time::timeout(PROBE_TIME, ask(subject, login)).await;
    let late = || format!("no answer within {} s", PROBE_TIME.as_secs());
    match inspected {
        Ok(Ok(findings)) => findings,
        Ok(Err(e)) => vec![down(subject, login, e.to_string())],
        Err(_) => vec![down(subject, login, late())],
    }
}

fn down(subject: &str, login: &Login, why: String) -> Finding {
    let advice = format!(
        "start the server at {}:{}, or repair its account",
        login.host, login.port
    );
    Finding::new(Severity::Critical, subject, why, advice)
}

/// A connection of its own.
pub(crate) async fn connect(login: &Login) -> Result<ServerConn, ShardError> {
    ServerConn::connect(login, ConnClass::default(), Rc::default(), 1).await
}

async fn ask(subject: &str, login: &Login) -> Result<Vec<Finding>, ShardError> {
    let mut conn = connect(login).await?;
    let names: Vec<_> = WANTED.iter().map(|w| format!("'{}'", w.name)).collect();
    let sql = format!(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ({})",
        names.join(", ")
    );
    let answer = conn.run(&sql).await?;
    let variables = answer.text_rows().map_err(|e| conn.broken(e))?;
    let sql = "SELECT VERSION(), UNIX_TIMESTAMP(NOW(6))";
    let before = SystemTime::now();
    let answer = conn.run(sql).await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let mut row = rows.into_iter().next().unwrap_or_default().into_iter();
    let version = row.next().unwrap_or_default();
    let clock: f64 = row.next().and_then(|t| t.parse().ok()).unwrap_or(0.0);
    let mut out = vec![Finding::ok(subject, format!("answers, version {version}"))];
    out.extend(WANTED.iter().filter_map(|w| check(subject, w, &variables)));
    let middle = before + before.elapsed().unwrap_or_default() / 2;
    let here = middle
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis());
    let apart = here.abs_diff((clock * 1000.0) as u128);
    if apart > CLOCK_DIFFERENCE_MS_MAX {
        let text = format!("its clock is {apart} ms away from this proxy's");
        let advice = "NOW() differs between shards: run a time service";
        out.push(Finding::new(Severity::Warning, subject, text, advice));
    }
    out.extend(machine::inspect(subject, &mut conn).await?);
    Ok(out)
}

fn check(subject: &str, wanted: &Wanted, variables: &[Vec<String>]) -> Option<Finding> {
    let row = variables
        .iter()
        .find(|r| r.first().is_some_and(|n| n == wanted.name))?;
    let value = row.get(1)?;
    if wanted.good.iter().any(|g| g.eq_ignore_ascii_case(value)) {
        return None;
    }
    let text = format!("{} is {value}", wanted.name);
    let advice = format!("set it to {}: {}", wanted.good[0], wanted.why);
    Some(Finding::new(wanted.severity, subject, text, advice))
}
