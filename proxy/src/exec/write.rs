//! A write on several shards: all parts succeed, or nothing stays.

use super::one::Answered;
use super::request::Request;
use super::{one, transaction};
use crate::session::diagnostics::{self, Diagnostics};
use crate::session::outcome::Path;
use crate::session::waiting::unless_ended;
use crate::session::{Outcome, Session, Stop};
use catalog::ShardId;
use errors::TransactionError;
use router::Traits;
use shard::ShardError;
use shard::conn::ServerAnswer;
use wire::framer::Expect;
use wire::reply::{ErrPacket, OkPacket};

/// Savepoint around a statement that writes several shards. It is not released: the next statement's takes
/// its place, and nothing goes back to one that is not its own.
const STATEMENT_SAVEPOINT: &str = "__shardwright_statement";

/// What a server counts as a duplicate among rows that it inserts (mysql_insert of MariaDB's
/// sql_insert.cc).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// Rows that replaced or changed one.
    Changed,
    /// IGNORE: rows that came to nothing.
    Ignored,
}

/// A write to several shards.
pub(crate) struct Write {
    /// What goes where, ascending by shard.
    pub parts: Vec<(ShardId, Request)>,
    /// Every shard does the same: the effects are counted once.
    pub replicated: bool,
    /// The insert id that the client is given, if rows are inserted; where all shards do the same, it is
    /// what they say.
    pub insert_id: Option<u64>,
    /// What the statement asks of its connections.
    pub traits: Traits,
    /// Several rows are inserted: the client is told how many in all.
    pub inserts: Option<Duplicates>,
    /// Seconds since the epoch for NOW() and defaults, so that all shards agree.
    pub timestamp: Option<String>,
}

impl Write {
    /// The same request on each shard.
    pub(crate) fn same(
        shards: &[ShardId],
        request: Request,
        replicated: bool,
        traits: Traits,
    ) -> Self {
        Self {
            parts: shards.iter().map(|s| (*s, request.clone())).collect(),
            replicated,
            insert_id: None,
            inserts: None,
            traits,
            timestamp: replicated.then(now_text).flatten(),
        }
    }

    fn shards(&self) -> impl Iterator<Item = ShardId> {
        self.parts.iter().map(|(shard, _)| *shard)
    }
}

/// The time as SET timestamp takes it.
pub(crate) fn now_text() -> Option<String> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    Some(format!("{}.{:06}", now.as_secs(), now.subsec_micros()))
}

/// Runs the parts and answers with one OK packet.
pub(crate) async fn run(
    s: &mut Session,
    mut write: Write,
    more: u16,
) -> Result<(Outcome, Answered), Stop> {
    let own = !s.branches.in_transaction() && s.client.settings.autocommit;
    // A session that has set the clock has set it on every shard.
    let clock = s.client.settings.all.get("timestamp");
    if clock
        .and_then(|t| t.parse::<f64>().ok())
        .is_some_and(|t| t > 0.0)
    {
        write.timestamp = None;
    }
    s.branches.check_aborted().await?;
    s.branches.transaction.open_in_words();
    let (ok, warnings) = match parts(s, &write, own).await {
        Ok(done) => done,
        Err(stop) => {
            if own {
                s.branches.rollback_all().await;
            }
            return Err(stop);
        }
    };
    if own {
        transaction::commit_all(s).await?;
    }
    let outcome = Outcome {
        path: Path::Several,
        row_count: Some(ok.affected_rows as i64),
        insert_id: Some(ok.last_insert_id).filter(|id| *id != 0),
        conditions: warnings.into(),
        shards: write.shards().collect(),
        ..Default::default()
    };
    let answered = Answered {
        micros: 0,
        bytes: 0,
        warnings: ok.warnings,
        status: s.status(),
        affected: Some(ok.affected_rows),
        insert_id: ok.last_insert_id,
    };
    s.put_ok(ok, more);
    Ok((outcome, answered))
}

/// Sends each shard its part, up to one that does not prepare it: how many went out, and that error.
async fn send(
    s: &mut Session,
    write: &Write,
    own: bool,
) -> Result<(usize, Option<ErrPacket>), Stop> {
    let (worker, client, branches) = (&s.worker, &s.client, &mut s.branches);
    let sending = async {
        for (n, (shard, request)) in write.parts.iter().enumerate() {
            let variables = write.traits.reads_user_variables;
            let acquired = branches.acquire(worker, client, *shard, variables);
            let conn = acquired.await?.conn()?;
            if write.traits.last_insert_id {
                conn.plan_last_insert_id(client.last.insert_id);
            }
            if !own {
                conn.plan_savepoint(STATEMENT_SAVEPOINT);
            }
            if let Some(now) = &write.timestamp {
                conn.plan_clock(now);
            }
            if let Err(err) = request.queue(conn).await? {
                return Ok((n, Some(err)));
            }
            conn.flush().await?;
        }
        Ok((write.parts.len(), None))
    };
    unless_ended(worker, &s.io, &client.info, sending).await?
}

async fn parts(s: &mut Session, write: &Write, own: bool) -> Result<(OkPacket, Diagnostics), Stop> {
    let (sent, mut failed) = send(s, write, own).await?;
    let sent = &write.parts[..sent];
    let mut watches = Vec::new();
    for (shard, _) in sent {
        let branch = s.branches.held(*shard)?;
        let pool = branch.lease.pool().clone();
        let conn = branch.conn()?;
        let (account, thread_id) = (conn.class.account, conn.thread_id);
        watches.push(s.worker.lock_waits.watch(&pool, account, thread_id));
    }
    let mut answers: Vec<ServerAnswer> = Vec::new();
    for (shard, _) in sent {
        let conn = s.branches.held(*shard)?.conn()?;
        let answer = conn.own_answer(Expect::Result);
        match unless_ended(&s.worker, &s.io, &s.client.info, answer).await {
            Ok(Ok(answer)) => {
                failed = failed.or_else(|| answer.err.clone());
                answers.push(answer);
            }
            // The branch is lost, and the transaction with it.
            Ok(Err(e)) => return Err(s.branches.abort(e).await),
            Err(ended) => {
                end_parts(s, sent);
                return Err(ended);
            }
        }
    }
    let warnings = warnings(s, write, &answers).await?;
    if watches.iter().any(|w| w.fired.get()) {
        s.branches.rollback_all().await;
        return Err(TransactionError::Deadlock.into());
    }
    if let Some(err) = failed {
        let sent: Vec<_> = sent.iter().map(|(shard, _)| *shard).collect();
        return Err(undo(s, own, &sent, err).await);
    }
    Ok((together(write, &answers), warnings))
}

/// Ends the parts that still run: nobody reads their answers, and their connections are closed.
fn end_parts(s: &mut Session, sent: &[(ShardId, Request)]) {
    for (shard, _) in sent {
        let Some(branch) = s.branches.get(*shard) else {
            continue;
        };
        let login = branch.lease.login();
        if let Ok(conn) = branch.conn()
            && conn.dirty
        {
            one::spawn_kill(login, conn.thread_id);
        }
    }
}

/// What the shards warned of; where all did the same, what one did.
async fn warnings(
    s: &mut Session,
    write: &Write,
    answers: &[ServerAnswer],
) -> Result<Diagnostics, ShardError> {
    let mut out = Diagnostics::default();
    for (shard, answer) in write.shards().zip(answers) {
        let warned = answer.ok.as_ref().is_some_and(|ok| ok.warnings > 0);
        if let (true, Some(branch)) = (warned, s.branches.get(shard)) {
            out.add(diagnostics::fetch(branch.conn()?).await?);
            if write.replicated {
                break;
            }
        }
    }
    Ok(out)
}

/// Takes back what the parts of the statement did that were sent, and keeps the transaction it ran in. The
/// other branches may have a savepoint of an earlier statement.
async fn undo(s: &mut Session, own: bool, sent: &[ShardId], err: ErrPacket) -> Stop {
    if own {
        return Stop::Server(err);
    }
    let open: Vec<ShardId> = s
        .branches
        .iter()
        .filter(|b| b.open)
        .map(|b| b.shard)
        .collect();
    for shard in open {
        let autocommit = s.client.settings.autocommit;
        s.branches.check_after_error(shard, autocommit).await;
        let Some(branch) = s.branches.get(shard).filter(|b| b.open) else {
            // The whole transaction is over, which the client must not miss.
            if err.code == 1213 {
                return Stop::Server(err);
            }
            let cause = err.message;
            return TransactionError::RolledBack { cause }.into();
        };
        if !sent.contains(&shard) {
            continue;
        }
        let back = match branch.conn() {
            Ok(conn) => conn.rollback_to(STATEMENT_SAVEPOINT).await,
            Err(e) => Err(e),
        };
        if let Err(e) = back {
            return s.branches.abort(e).await;
        }
    }
    Stop::Server(err)
}

/// The OK packet of all parts together.
fn together(write: &Write, answers: &[ServerAnswer]) -> OkPacket {
    let mut out = OkPacket::default();
    let counted = if write.replicated { 1 } else { answers.len() };
    let each = answers.iter().filter_map(|a| a.ok.as_ref());
    for ok in each.take(counted) {
        out.warnings = out.warnings.saturating_add(ok.warnings);
        out.info = match write.inserts.filter(|_| ok.info.is_empty()) {
            Some(duplicates) => add_info(&out.info, &one_row(ok, duplicates)),
            None => add_info(&out.info, &ok.info),
        };
        out.affected_rows = out.affected_rows.saturating_add(ok.affected_rows);
    }
    let said = answers
        .first()
        .and_then(|a| a.ok.as_ref())
        .map(|ok| ok.last_insert_id);
    out.last_insert_id = match write.insert_id.filter(|_| out.affected_rows > 0) {
        Some(id) => id,
        None => said.filter(|_| write.replicated).unwrap_or(0),
    };
    out
}

/// What a server would have said of a single row, had it been one of several.
fn one_row(ok: &OkPacket, duplicates: Duplicates) -> Vec<u8> {
    let duplicates = match duplicates {
        Duplicates::Changed => u8::from(ok.affected_rows == 2),
        Duplicates::Ignored => u8::from(ok.affected_rows == 0),
    };
    format!(
        "Records: 1  Duplicates: {duplicates}  Warnings: {}",
        ok.warnings
    )
    .into_bytes()
}

/// Adds up the numbers of two texts such as "Rows matched: 1  Changed: 1  Warnings: 0".
pub(crate) fn add_info(a: &[u8], b: &[u8]) -> Vec<u8> {
    if a.is_empty() {
        return b.to_vec();
    }
    let (a, b) = (String::from_utf8_lossy(a), String::from_utf8_lossy(b));
    let mut numbers = b
        .split(|c: char| !c.is_ascii_digit())
        .filter(|s| !s.is_empty());
    let mut out = String::new();
    let mut digits = String::new();
    for c in a.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            let x: u64 = digits.parse().unwrap_or(0);
            let y: u64 = numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0);
            out.push_str(&x.saturating_add(y).to_string());
            digits.clear();
        }
        if c != '\0' {
            out.push(c);
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_as_a_duplicate_as_a_server_counts() {
        let told = |affected_rows, duplicates| {
            let ok = OkPacket {
                affected_rows,
                ..Default::default()
            };
            String::from_utf8(one_row(&ok, duplicates)).unwrap()
        };
        let expected = [(0, "0", "1"), (1, "0", "0"), (2, "1", "0")];
        for (affected, changed, ignored) in expected {
            let text = |n| format!("Records: 1  Duplicates: {n}  Warnings: 0");
            assert_eq!(told(affected, Duplicates::Changed), text(changed));
            assert_eq!(told(affected, Duplicates::Ignored), text(ignored));
        }
    }

    #[test]
    fn infos_add_up() {
        let sum = add_info(
            b"Rows matched: 2  Changed: 1  Warnings: 0",
            b"Rows matched: 10  Changed: 9  Warnings: 1",
        );
        assert_eq!(sum, b"Rows matched: 12  Changed: 10  Warnings: 1");
        assert_eq!(add_info(b"", b"Records: 3"), b"Records: 3");
    }
}
