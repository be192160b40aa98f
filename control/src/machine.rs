//! What a server's machine and its replicas are like: free space, who follows, whom it follows.

use admin_types::report::{Finding, Severity};
use shard::{ServerConn, ShardError};

/// A disk this full is a warning.
const USED_PERCENT_WARNING: u64 = 80;
/// A disk this full is critical: writes stop soon.
const USED_PERCENT_CRITICAL: u64 = 95;

async fn rows(conn: &mut ServerConn, sql: &str) -> Result<Vec<Vec<String>>, ShardError> {
    let answer = conn.run(sql).await?;
    answer.text_rows().map_err(|e| conn.broken(e))
}

/// The disk of the data, and replication.
pub(crate) async fn inspect(
    subject: &str,
    conn: &mut ServerConn,
) -> Result<Vec<Finding>, ShardError> {
    let mut out = vec![disk(subject, conn).await?];
    out.extend(follows(subject, conn).await?);
    let sql =
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'";
    let found = rows(conn, sql).await?;
    let count = found
        .first()
        .and_then(|r| r.first())
        .map_or("0", |n| n.as_str());
    out.push(match count {
        "0" => Finding::new(
            Severity::Warning,
            subject,
            "no replica follows it",
            "what it holds is lost with its machine: attach a replica",
        ),
        n => Finding::ok(subject, format!("{n} replicas follow it")),
    });
    Ok(out)
}

/// MariaDB shows disks by a plugin; MySQL has nothing of the kind.
async fn disk(subject: &str, conn: &mut ServerConn) -> Result<Finding, ShardError> {
    let sql = "SELECT d.Path, d.Total, d.Used FROM information_schema.DISKS d \
               WHERE @@datadir LIKE CONCAT(d.Path, '%') ORDER BY LENGTH(d.Path) DESC LIMIT 1";
    let found = match rows(conn, sql).await {
        Ok(found) => found,
        Err(ShardError::Server { .. }) => Vec::new(),
        Err(e) => return Err(e),
    };
    let number = |n: usize| found.first().and_then(|r| r.get(n)?.parse::<u64>().ok());
    let (Some(total), Some(used)) = (number(1).filter(|t| *t > 0), number(2)) else {
        let text = "its free space is not visible from here (on MariaDB: INSTALL SONAME 'disks')";
        return Ok(Finding::ok(subject, text));
    };
    let percent = used.saturating_mul(100) / total;
    let free_gib = (total - used.min(total)) as f64 / 1024.0 / 1024.0;
    let text = format!("its disk is {percent} % full, {free_gib:.1} GiB are free");
    let severity = match percent {
        p if p >= USED_PERCENT_CRITICAL => Severity::Critical,
        p if p >= USED_PERCENT_WARNING => Severity::Warning,
        _ => return Ok(Finding::ok(subject, text)),
    };
    let advice = "make room: a full disk stops every write to the shard";
    Ok(Finding::new(severity, subject, text, advice))
}

/// A primary that follows another server itself takes writes that are not the proxy's.
async fn follows(subject: &str, conn: &mut ServerConn) -> Result<Option<Finding>, ShardError> {
    let mut found = rows(conn, "SHOW REPLICA STATUS").await;
    if matches!(found, Err(ShardError::Server { .. })) {
        // Servers before the new words.
        found = rows(conn, "SHOW SLAVE STATUS").await;
    }
    let found = match found {
        Ok(found) => found,
        // No right to see it.
        Err(ShardError::Server { .. }) => Vec::new(),
        Err(e) => return Err(e),
    };
    Ok(found.first().map(|row| {
        let source = row.get(1).map_or("another server", |h| h.as_str());
        let text = format!("it follows {source} itself");
        let advice =
            "a primary follows nobody: STOP REPLICA; RESET REPLICA ALL, or name the real primary";
        Finding::new(Severity::Warning, subject, text, advice)
    }))
}
