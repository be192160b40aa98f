//! Transactions: branches open when a shard is first touched, and end together.

use crate::metrics::count;
use crate::session::{Done, Session, Stop, error};
use catalog::ShardId;
use shard::{Lease, ShardError};
use sql::ident::quote_name;
use sql::transaction::{Completion, Transaction as Statement};
use txn::{BranchResult, Outcome, judge};
use wire::caps::SERVER_STATUS_IN_TRANS;
use wire::reply::ErrPacket;

/// Savepoints of one transaction.
const SAVEPOINTS_MAX: usize = 1_000;

/// Why a connection stays with its session outside of transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pins {
    /// Temporary tables.
    pub temporary_tables: bool,
    /// GET_LOCK.
    pub named_locks: bool,
    /// LOCK TABLES.
    pub locked_tables: bool,
    /// User variables assigned inside a statement.
    pub user_variables: bool,
    /// PREPARE as an SQL statement.
    pub sql_prepare: bool,
    /// HANDLER.
    pub handler: bool,
    /// An open cursor.
    pub cursor: bool,
}

impl Pins {
    /// The reasons, for people.
    pub fn reasons(&self) -> impl Iterator<Item = &'static str> + use<> {
        [
            (self.temporary_tables, "temporary table"),
            (self.named_locks, "GET_LOCK"),
            (self.locked_tables, "LOCK TABLES"),
            (self.user_variables, "user variable"),
            (self.sql_prepare, "PREPARE"),
            (self.handler, "HANDLER"),
            (self.cursor, "cursor"),
        ]
        .into_iter()
        .filter(|(yes, _)| *yes)
        .map(|(_, why)| why)
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A connection that stays with the session.
pub struct Held {
    /// Its shard.
    pub shard: ShardId,
    /// The connection.
    pub lease: Lease,
    /// A transaction is open on it.
    pub in_transaction: bool,
    /// Why it stays besides.
    pub pins: Pins,
    /// Names of PREPARE as an SQL statement that it knows, in lower case.
    pub prepared_names: Vec<String>,
}

impl Drop for Held {
    /// A connection with a transaction, a lock or a table of its own must never serve somebody else.
    fn drop(&mut self) {
        if self.in_transaction || !self.pins.is_empty() {
            self.lease.discard();
        }
    }
}

/// An explicit transaction, and what the next one will be like.
#[derive(Debug, Default)]
pub struct Transaction {
    /// The statement that opens a branch, while a transaction is open.
    pub begin: Option<String>,
    /// SET TRANSACTION of the next transaction.
    pub next: Option<String>,
    /// Savepoints so far, oldest first.
    pub savepoints: Vec<String>,
    /// A branch was lost: nothing of the transaction may stay, and the client must be told.
    pub lost_branch: bool,
}

impl Session {
    /// True between BEGIN and its end, or while a branch is open under autocommit=0.
    pub fn in_transaction(&self) -> bool {
        self.transaction.begin.is_some() || self.held.iter().any(|h| h.in_transaction)
    }

    /// Runs a statement of transaction control.
    pub async fn transaction_statement(&mut self, t: &Statement, more: u16) -> Done {
        self.diagnostics.clear();
        match t {
            Statement::Begin {
                snapshot,
                read_only,
            } => {
                self.commit_all().await?;
                let mut begin = "START TRANSACTION".to_string();
                let mut sep = ' ';
                let mut add = |text: &str| {
                    begin.push(sep);
                    begin.push_str(text);
                    sep = ',';
                };
                if *snapshot {
                    add("WITH CONSISTENT SNAPSHOT");
                }
                match read_only {
                    Some(true) => add("READ ONLY"),
                    Some(false) => add("READ WRITE"),
                    None => {}
                }
                self.transaction.begin = Some(begin);
                if *snapshot {
                    self.open_everywhere().await?;
                }
            }
            Statement::Commit(c) => {
                let begin = self.transaction.begin.clone();
                self.commit_all().await?;
                self.complete(*c, begin);
            }
            Statement::Rollback(c) => {
                let begin = self.transaction.begin.clone();
                self.rollback_all().await;
                self.complete(*c, begin);
            }
            Statement::Savepoint(name) => self.savepoint(name).await?,
            Statement::RollbackTo(name) => self.rollback_to(name).await?,
            Statement::Release(name) => self.release_savepoint(name).await?,
            Statement::Xa => {
                return Err(error(
                    1235,
                    "42000",
                    "XA statements are not supported: Shardwright coordinates transactions over \
                     shards itself; use BEGIN and COMMIT",
                ));
            }
        }
        self.row_count = 0;
        self.note_state();
        self.ok(more);
        Ok(())
    }

    fn complete(&mut self, c: Completion, begin: Option<String>) {
        if c.chain {
            self.transaction.begin = Some(begin.unwrap_or_else(|| "START TRANSACTION".to_string()));
        }
        self.release |= c.release;
    }

    /// A snapshot is taken when the statement says so, not when a shard is first read.
    async fn open_everywhere(&mut self) -> Done {
        for shard in self.worker.catalog().shard_ids() {
            self.acquire(shard, true).await?;
        }
        Ok(())
    }

    /// From here on every branch is opened in words. Under autocommit=0 a server opens one by itself with
    /// the first table that it touches, which is too late for savepoints and for more than one shard.
    pub fn begin_on_all(&mut self) {
        let begin = &mut self.transaction.begin;
        begin.get_or_insert_with(|| "START TRANSACTION".to_string());
    }

    /// Opens a branch on a held connection, if a transaction is open and it has none yet.
    pub async fn open_branch(&mut self, index: usize) -> Result<(), ShardError> {
        let Some(held) = self.held.get_mut(index) else {
            return Ok(());
        };
        if held.in_transaction {
            return Ok(());
        }
        let conn = held.lease.conn()?;
        if let Some(next) = &self.transaction.next {
            conn.run(next).await?;
        }
        let Some(begin) = &self.transaction.begin else {
            return Ok(());
        };
        conn.run(begin).await?;
        held.in_transaction = true;
        for name in &self.transaction.savepoints {
            conn.run(&format!("SAVEPOINT {}", quote_name(name))).await?;
        }
        Ok(())
    }

    /// Commits every branch and ends the transaction.
    pub async fn commit_all(&mut self) -> Done {
        self.check_lost_branch().await?;
        self.check_branches_live().await?;
        self.transaction.begin = None;
        self.transaction.savepoints.clear();
        let mut branches: Vec<Held> = Vec::new();
        let mut i = 0;
        while i < self.held.len() {
            if self.held[i].in_transaction {
                branches.push(self.held.swap_remove(i));
            } else {
                i += 1;
            }
        }
        if branches.is_empty() {
            return Ok(());
        }
        self.transaction.next = None;
        let several = branches.len() > 1;
        let results = commit_round(&mut branches).await;
        for held in branches {
            self.keep_if_pinned(held);
        }
        let metrics = &self.worker.shared.metrics;
        match judge(&results) {
            Outcome::Committed => {
                if several {
                    count(&metrics.commits_multi_shard);
                }
                Ok(())
            }
            Outcome::RolledBack(words) => Err(error(1180, "HY000", words)),
            Outcome::Torn {
                committed,
                refused,
                unknown,
            } => {
                let err = self.torn(&committed, &refused, &unknown);
                if several {
                    count(&metrics.commits_torn);
                    tracing::error!(message = %err.message, "a transaction is torn");
                }
                Err(Stop::Error(err))
            }
        }
    }

    fn torn(&self, committed: &[ShardId], refused: &[ShardId], unknown: &[ShardId]) -> ErrPacket {
        let catalog = self.worker.catalog();
        let names = |list: &[ShardId]| {
            let names: Vec<_> = list.iter().map(|s| catalog.shard_name(*s)).collect();
            if names.is_empty() {
                "none".to_string()
            } else {
                names.join(", ")
            }
        };
        let text = format!(
            "COMMIT in mode best_effort: committed on {}; not committed on {}; unknown on {}. \
             Check the data before repeating the transaction",
            names(committed),
            names(refused),
            names(unknown)
        );
        ErrPacket::new(1180, "HY000", text)
    }

    fn keep_if_pinned(&mut self, mut held: Held) {
        held.in_transaction = false;
        if !held.pins.is_empty() && held.lease.conn().is_ok_and(|c| !c.dirty) {
            self.held.push(held);
        }
    }

    /// Before several branches commit, each shard says that it is there: one that died since its last
    /// statement then costs the transaction, not its atomicity. It narrows the window, no more.
    async fn check_branches_live(&mut self) -> Done {
        let branches = self.held.iter_mut().filter(|h| h.in_transaction);
        let mut branches: Vec<_> = branches.collect();
        if branches.len() < 2 {
            return Ok(());
        }
        let mut asked = Vec::new();
        for held in &mut branches {
            asked.push(match held.lease.conn() {
                Ok(conn) if !conn.dirty => {
                    conn.queue(&[wire::command::Command::Ping as u8]);
                    std::future::poll_fn(|cx| conn.poll_flush(cx)).await.is_ok()
                }
                _ => false,
            });
        }
        let mut lost = false;
        for (held, asked) in branches.iter_mut().zip(asked) {
            lost |= match held.lease.conn() {
                Ok(conn) if asked => conn.own_answer(wire::framer::Expect::Result).await.is_err(),
                _ => true,
            };
        }
        self.transaction.lost_branch |= lost;
        self.check_lost_branch().await
    }

    /// A transaction that lost a branch is rolled back everywhere, and says so before anything else.
    pub async fn check_lost_branch(&mut self) -> Done {
        if !self.transaction.lost_branch {
            return Ok(());
        }
        self.rollback_all().await;
        self.note_state();
        let text = "The transaction was rolled back on every shard, because the connection of one \
                    of its branches was lost; repeat it";
        Err(error(1213, "40001", text))
    }

    /// Rolls every branch back and ends the transaction. What cannot be reached is closed, and the
    /// server rolls it back.
    pub async fn rollback_all(&mut self) {
        if self.in_transaction() {
            self.transaction.next = None;
        }
        self.transaction.begin = None;
        self.transaction.lost_branch = false;
        self.transaction.savepoints.clear();
        let mut rest = Vec::new();
        for mut held in self.held.drain(..) {
            if held.in_transaction {
                let done = match held.lease.conn() {
                    Ok(conn) if !conn.dirty => conn.run("ROLLBACK").await.map(|_| ()),
                    Ok(conn) => Err(conn.lost()),
                    Err(e) => Err(e),
                };
                if done.is_err() {
                    continue;
                }
            }
            rest.push(held);
        }
        for held in rest {
            self.keep_if_pinned(held);
        }
    }

    async fn on_branches(&mut self, sql: &str) -> Done {
        for i in 0..self.held.len() {
            if self.held[i].in_transaction {
                let done = match self.held[i].lease.conn() {
                    Ok(conn) => conn.run(sql).await.map(|_| ()),
                    Err(e) => Err(e),
                };
                if let Err(e) = done {
                    return Err(self.doom(e).await);
                }
            }
        }
        Ok(())
    }

    async fn savepoint(&mut self, name: &str) -> Done {
        if !self.in_transaction() && self.autocommit {
            return Ok(());
        }
        if self.transaction.savepoints.len() >= SAVEPOINTS_MAX {
            return Err(error(
                1235,
                "42000",
                "a transaction may have 1000 savepoints",
            ));
        }
        self.begin_on_all();
        self.on_branches(&format!("SAVEPOINT {}", quote_name(name)))
            .await?;
        self.transaction
            .savepoints
            .retain(|s| !s.eq_ignore_ascii_case(name));
        self.transaction.savepoints.push(name.to_string());
        Ok(())
    }

    fn find_savepoint(&self, name: &str) -> Result<usize, Stop> {
        let found = self
            .transaction
            .savepoints
            .iter()
            .position(|s| s.eq_ignore_ascii_case(name));
        found.ok_or_else(|| error(1305, "42000", format!("SAVEPOINT {name} does not exist")))
    }

    async fn rollback_to(&mut self, name: &str) -> Done {
        let at = self.find_savepoint(name)?;
        self.on_branches(&format!("ROLLBACK TO SAVEPOINT {}", quote_name(name)))
            .await?;
        self.transaction.savepoints.truncate(at + 1);
        Ok(())
    }

    async fn release_savepoint(&mut self, name: &str) -> Done {
        let at = self.find_savepoint(name)?;
        self.on_branches(&format!("RELEASE SAVEPOINT {}", quote_name(name)))
            .await?;
        self.transaction.savepoints.truncate(at);
        Ok(())
    }

    /// One branch is lost, so the transaction is: everything is rolled back, and the client told.
    pub async fn doom(&mut self, cause: ShardError) -> Stop {
        if !self.in_transaction() {
            return cause.into();
        }
        self.rollback_all().await;
        self.note_state();
        let text = format!("The transaction was rolled back on every shard: {cause}");
        match cause {
            ShardError::Server { err, .. } => Stop::Error(err),
            _ => error(1213, "40001", text),
        }
    }

    /// After an error that may have come inside a transaction: asks the server whether one is open. If
    /// it is gone on one shard (a deadlock), it is ended on all. Under autocommit=0 the statement that
    /// failed may have opened it.
    pub async fn check_branch(&mut self, index: usize) {
        let opens = !self.autocommit;
        let Some(held) = self.held.get_mut(index) else {
            return;
        };
        let was_open = held.in_transaction;
        if !was_open && !opens {
            return;
        }
        let alive = match held.lease.conn() {
            Ok(conn) if !conn.dirty => conn.run("DO 0").await.map(|a| a.status),
            Ok(conn) => Err(conn.lost()),
            Err(e) => Err(e),
        };
        let is_open = alive.is_ok_and(|status| status & SERVER_STATUS_IN_TRANS != 0);
        held.in_transaction = is_open;
        if is_open || !was_open {
            return;
        }
        self.rollback_all().await;
        self.note_state();
    }
}

/// Sends COMMIT to every branch, then reads the answers: all are on their way at once.
async fn commit_round(branches: &mut [Held]) -> Vec<(ShardId, BranchResult)> {
    let lost = |e: ShardError| BranchResult::Unknown(e.to_string());
    let mut early: Vec<Option<BranchResult>> = Vec::new();
    for held in branches.iter_mut() {
        let sent = match held.lease.conn() {
            Ok(conn) if conn.dirty => Err(conn.lost()),
            Ok(conn) => {
                conn.queue_query(b"COMMIT");
                std::future::poll_fn(|cx| conn.poll_flush(cx)).await
            }
            Err(e) => Err(e),
        };
        early.push(sent.err().map(lost));
    }
    let mut out = Vec::new();
    for (held, early) in branches.iter_mut().zip(early) {
        let result = match (early, held.lease.conn()) {
            (Some(r), _) => r,
            (None, Err(e)) => lost(e),
            (None, Ok(conn)) => match conn.own_answer(wire::framer::Expect::Result).await {
                Err(e) => lost(e),
                Ok(answer) => match answer.err {
                    Some(err) => BranchResult::Refused(err.message),
                    None => BranchResult::Committed,
                },
            },
        };
        out.push((held.shard, result));
    }
    out
}
