//! One statement on several shards: rows that follow each other, or writes that happen together.

use crate::deadlock::Watch;
use crate::diagnostics::{self, Diagnostics};
use crate::relay::{Part, RelayOptions};
use crate::request::Request;
use crate::session::{Done, Session, Stop};
use crate::statement::Run;
use crate::transaction::Held;
use catalog::ShardId;
use router::Traits;
use shard::conn::Answer;
use wire::caps::SERVER_STATUS_IN_TRANS;
use wire::framer::Expect;
use wire::reply::{ErrPacket, OkPacket};

/// Savepoint around a statement that writes several shards.
const STATEMENT_SAVEPOINT: &str = "`__shardwright_statement`";

/// What a server counts as a duplicate among rows that it inserts (mysql_insert of MariaDB's
/// sql_insert.cc).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// Rows that replaced or changed one.
    Changed,
    /// IGNORE: rows that came to nothing.
    Ignored,
}

/// A write to several shards.
pub struct Write {
    /// What goes where, ascending by shard.
    pub parts: Vec<(ShardId, Request)>,
    /// Every shard does the same: the effects are counted once.
    pub replicated: bool,
    /// What the client is told as last insert id, if rows are inserted; where all shards do the same, it is
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
    fn is_for(&self, shard: ShardId) -> bool {
        self.parts.iter().any(|(s, _)| *s == shard)
    }

    /// The same request on each shard.
    pub fn same(shards: &[ShardId], request: Request, replicated: bool, traits: Traits) -> Self {
        let parts = shards.iter().map(|s| (*s, request.clone())).collect();
        let timestamp = replicated.then(now_text).flatten();
        Self {
            parts,
            replicated,
            insert_id: None,
            inserts: None,
            traits,
            timestamp,
        }
    }
}

/// The time as SET timestamp takes it.
pub fn now_text() -> Option<String> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    Some(format!("{}.{:06}", now.as_secs(), now.subsec_micros()))
}

impl Session {
    /// Rows of several shards, one shard's after the other's. All shards work at once.
    pub async fn scatter(&mut self, shards: &[ShardId], traits: Traits, run: Run<'_>) -> Done {
        let request = run.request();
        // In ascending order, so that two sessions never wait for each other's connections.
        for &shard in shards {
            let index = self.acquire(shard, traits.reads_user_variables).await?;
            self.tell_last_insert_id(index, traits).await?;
            let sent = match self.held[index].lease.conn() {
                Ok(conn) => match request.queue(conn).await {
                    Ok(Ok(())) => std::future::poll_fn(|cx| conn.poll_flush(cx)).await,
                    Ok(Err(err)) => return Err(self.after_failure(Stop::Error(err)).await),
                    Err(e) => Err(e),
                },
                Err(e) => Err(e),
            };
            if let Err(e) = sent {
                let stop = self.doom(e).await;
                self.drop_idle();
                return Err(stop);
            }
        }
        let (mut rows, mut warnings, last) = (0, 0u16, shards.len() - 1);
        for (i, shard) in shards.iter().enumerate() {
            let part = match i {
                0 => Part::First,
                i if i == last => Part::Last,
                _ => Part::Middle,
            };
            let options = RelayOptions {
                part,
                status_set: run.more,
                warnings_before: warnings,
                ..Default::default()
            };
            let Some(index) = self.held.iter().position(|h| h.shard == *shard) else {
                return Err(Stop::Gone);
            };
            let end = self.relay_on(index, options).await?;
            if let Some(err) = end.err {
                // The other answers are on their way: take them, or their connections were lost.
                for later in &shards[i + 1..] {
                    if let Some(index) = self.held.iter().position(|h| h.shard == *later) {
                        let part = Part::Discard;
                        let options = RelayOptions {
                            part,
                            ..Default::default()
                        };
                        self.relay_on(index, options).await?;
                    }
                }
                self.diagnostics.set_error(&err);
                self.row_count = -1;
                self.check_branch(index).await;
                self.drop_idle();
                return Ok(());
            }
            self.held[index].in_transaction = end.status & SERVER_STATUS_IN_TRANS != 0;
            rows += end.rows;
            warnings = warnings.saturating_add(end.warnings);
        }
        (self.found_rows, self.row_count) = (rows, -1);
        self.diagnostics.clear();
        for i in 0..self.held.len() {
            if warnings > 0 && shards.contains(&self.held[i].shard) {
                let more = diagnostics::fetch(self.held[i].lease.conn()?).await?;
                self.diagnostics.add(more);
            }
        }
        self.transaction.next = self
            .transaction
            .next
            .take()
            .filter(|_| self.in_transaction());
        self.drop_idle();
        self.note_state();
        Ok(())
    }

    /// Writes on several shards: all succeed, or none stays.
    pub async fn write_many(&mut self, write: Write, more: u16) -> Result<OkPacket, Stop> {
        if write.traits.writes_user_variables {
            let text = "a statement that assigns user variables cannot change rows on several \
                        shards; assign them with SET before";
            return Err(crate::session::error(1235, "42000", text));
        }
        if self.held.iter().any(|h| h.pins.locked_tables) {
            // As a server says of any table that LOCK TABLES did not name; BEGIN would end the locks.
            let text =
                "A table on several shards was not locked with LOCK TABLES; UNLOCK TABLES first";
            return Err(crate::session::error(1100, "HY000", text));
        }
        let own = !self.in_transaction() && self.autocommit;
        let mut write = write;
        // A session that has set the clock has set it on every shard.
        let set = self
            .settings
            .get("timestamp")
            .and_then(|t| t.parse::<f64>().ok());
        if set.is_some_and(|t| t > 0.0) {
            write.timestamp = None;
        }
        self.begin_on_all();
        let result = self.write_parts(&write, own).await;
        let (ok, warnings) = match result {
            Ok(done) => done,
            Err(stop) => {
                if own {
                    self.rollback_all().await;
                }
                return Err(self.after_failure(stop).await);
            }
        };
        if own {
            self.commit_all().await?;
        }
        self.drop_idle();
        self.note_state();
        self.row_count = ok.affected_rows as i64;
        self.diagnostics.clear();
        self.diagnostics = warnings;
        let status = self.status() | more;
        self.io.put_ok(&OkPacket {
            status,
            ..ok.clone()
        });
        Ok(ok)
    }

    /// Sends each shard its part, up to one that does not prepare it: how many went out, and that error.
    async fn send_parts(
        &mut self,
        write: &Write,
        own: bool,
    ) -> Result<(usize, Option<ErrPacket>), Stop> {
        for (n, (shard, request)) in write.parts.iter().enumerate() {
            let index = self
                .acquire(*shard, write.traits.reads_user_variables)
                .await?;
            self.tell_last_insert_id(index, write.traits).await?;
            let conn = self.held[index].lease.conn()?;
            if !own {
                conn.run(&format!("SAVEPOINT {STATEMENT_SAVEPOINT}"))
                    .await?;
            }
            if let Some(now) = &write.timestamp {
                conn.run(&format!("SET timestamp = {now}")).await?;
            }
            if let Err(err) = request.queue(conn).await? {
                return Ok((n, Some(err)));
            }
            std::future::poll_fn(|cx| conn.poll_flush(cx)).await?;
        }
        Ok((write.parts.len(), None))
    }

    async fn write_parts(
        &mut self,
        write: &Write,
        own: bool,
    ) -> Result<(OkPacket, Diagnostics), Stop> {
        let (sent, mut failed) = self.send_parts(write, own).await?;
        let sent = &write.parts[..sent];
        let mut answers: Vec<Answer> = Vec::new();
        let mut watches = Vec::new();
        for (shard, _) in sent {
            let Some(held) = self.held.iter_mut().find(|h| h.shard == *shard) else {
                continue;
            };
            let login = held.lease.pool().login.clone();
            watches.push(Watch::start(login, held.lease.conn()?.thread_id));
        }
        for (shard, _) in sent {
            let Some(held) = self.held.iter_mut().find(|h| h.shard == *shard) else {
                continue;
            };
            match held.lease.conn()?.own_answer(Expect::Result).await {
                Ok(a) => answers.push(a),
                // The branch is lost, and the transaction with it.
                Err(e) => return Err(self.doom(e).await),
            }
            if let Some(err) = answers.last().and_then(|a| a.err.clone()) {
                failed.get_or_insert(err);
            }
        }
        let warnings = match self.warnings_of_parts(write, &answers).await {
            Ok(warnings) => warnings,
            Err(stop) => {
                self.discard_frozen(write);
                return Err(stop);
            }
        };
        if write.timestamp.is_some() {
            for (shard, _) in &write.parts {
                let Some(held) = self.held.iter_mut().find(|h| h.shard == *shard) else {
                    continue;
                };
                held.lease.conn()?.run("SET timestamp = DEFAULT").await?;
            }
        }
        if watches.iter().any(|w| w.fired.get()) {
            self.rollback_all().await;
            return Err(Stop::Error(crate::deadlock::error_packet()));
        }
        if let Some(err) = failed {
            return Err(self.undo(own, Stop::Error(err)).await);
        }
        if !own {
            // Released, or a later savepoint of the same name would be all that is left of it.
            for (shard, _) in &write.parts {
                let Some(held) = self.held.iter_mut().find(|h| h.shard == *shard) else {
                    continue;
                };
                held.lease
                    .conn()?
                    .run(&format!("RELEASE SAVEPOINT {STATEMENT_SAVEPOINT}"))
                    .await?;
            }
        }
        Ok((together(write, &answers), warnings))
    }

    /// No connection may go on with a clock of its own.
    fn discard_frozen(&mut self, write: &Write) {
        let frozen = |h: &&mut Held| write.timestamp.is_some() && write.is_for(h.shard);
        let held = self.held.iter_mut().filter(frozen);
        held.for_each(|h| h.lease.discard());
    }

    /// What the shards warned of; where all did the same, what one did.
    async fn warnings_of_parts(
        &mut self,
        write: &Write,
        answers: &[Answer],
    ) -> Result<Diagnostics, Stop> {
        let mut out = Diagnostics::default();
        for ((shard, _), answer) in write.parts.iter().zip(answers) {
            let warned = answer.ok.as_ref().is_some_and(|ok| ok.warnings > 0);
            let held = self.held.iter_mut().find(|h| h.shard == *shard);
            if let (true, Some(held)) = (warned, held) {
                out.add(diagnostics::fetch(held.lease.conn()?).await?);
                if write.replicated {
                    break;
                }
            }
        }
        Ok(out)
    }

    /// After a failure in the middle: a branch whose answer is still due is lost, and with it the
    /// transaction, which the client must be told.
    async fn after_failure(&mut self, stop: Stop) -> Stop {
        self.drop_idle();
        let stop = self.check_lost_branch().await.err().unwrap_or(stop);
        self.note_state();
        stop
    }

    /// Takes back what parts of the statement did, and keeps the transaction it ran in.
    async fn undo(&mut self, own: bool, stop: Stop) -> Stop {
        if own {
            return stop;
        }
        for i in 0..self.held.len() {
            if !self.held[i].in_transaction {
                continue;
            }
            self.check_branch(i).await;
            let Some(held) = self.held.get_mut(i).filter(|h| h.in_transaction) else {
                // The whole transaction is over, which the client must not miss.
                return match stop {
                    Stop::Error(e) if e.code != 1213 => {
                        let text = format!("The transaction was rolled back: {}", e.message);
                        crate::session::error(1213, "40001", text)
                    }
                    stop => stop,
                };
            };
            let Ok(conn) = held.lease.conn() else {
                continue;
            };
            let back = conn
                .run(&format!("ROLLBACK TO SAVEPOINT {STATEMENT_SAVEPOINT}"))
                .await;
            match back {
                Ok(_) => {}
                // The branch was not part of this statement.
                Err(shard::ShardError::Server { err, .. }) if err.code == 1305 => {}
                Err(e) => return self.doom(e).await,
            }
        }
        stop
    }
}

/// The OK packet of all parts together.
fn together(write: &Write, answers: &[Answer]) -> OkPacket {
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
    let told = answers
        .first()
        .and_then(|a| a.ok.as_ref())
        .map(|ok| ok.last_insert_id);
    out.last_insert_id = match write.insert_id.filter(|_| out.affected_rows > 0) {
        Some(id) => id,
        None => told.filter(|_| write.replicated).unwrap_or(0),
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
