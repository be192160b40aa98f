//! How a statement ended. Every statement, whatever its path, ends in one of these.

use crate::metrics::count;
use crate::session::diagnostics::Diagnostics;
use crate::session::{Session, Stop, err_packet};
use catalog::ShardId;
use errors::ErrorClass;
use smallvec::SmallVec;
use wire::reply::ErrPacket;

/// How a statement was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Path {
    /// By the proxy itself.
    #[default]
    Local,
    /// On a pipelined connection.
    Pipelined,
    /// On a connection leased for it.
    Exclusive,
    /// By several shards.
    Several,
}

/// What a statement left for SHOW WARNINGS. Most leave nothing, so what is large is boxed.
#[derive(Debug, Default)]
pub(crate) enum Conditions {
    /// What was there before.
    #[default]
    Kept,
    /// Nothing.
    Cleared,
    /// That many, which are not known in detail.
    Unfetched(u16),
    /// These.
    Known(Box<Diagnostics>),
}

impl From<Diagnostics> for Conditions {
    fn from(d: Diagnostics) -> Self {
        match d.count() {
            0 => Conditions::Cleared,
            _ => Conditions::Known(Box::new(d)),
        }
    }
}

/// How a statement ended: what the session learns from it, and what is counted.
/// `None` leaves what the session had.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How it was answered.
    pub path: Path,
    /// ROW_COUNT().
    pub row_count: Option<i64>,
    /// FOUND_ROWS().
    pub found_rows: Option<u64>,
    /// LAST_INSERT_ID().
    pub insert_id: Option<u64>,
    /// Conditions for SHOW WARNINGS.
    pub conditions: Conditions,
    /// The ERR packet that a shard sent, if the client has it already.
    pub error: Option<Box<ErrPacket>>,
    /// Bytes of the shards' answers.
    pub bytes: usize,
    /// Shards that took part.
    pub shards: SmallVec<[ShardId; 2]>,
    /// The session ends when the client has its answer.
    pub release: bool,
}

impl Outcome {
    /// A statement of the proxy's own that changed no rows, opened no table and gave no warnings.
    pub(crate) fn nothing() -> Self {
        Self {
            row_count: Some(0),
            ..Default::default()
        }
    }

    /// A statement that leaves ROW_COUNT() and the warnings as they are.
    pub(crate) fn quiet() -> Self {
        Self::default()
    }
}

/// What the session remembers of its last statements.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// LAST_INSERT_ID().
    pub insert_id: u64,
    /// ROW_COUNT().
    pub row_count: i64,
    /// FOUND_ROWS().
    pub found_rows: u64,
    /// What SHOW WARNINGS shows.
    pub diagnostics: Diagnostics,
}

impl Last {
    /// Takes over what a statement left.
    fn note(&mut self, outcome: &mut Outcome) {
        self.row_count = outcome.row_count.unwrap_or(self.row_count);
        self.found_rows = outcome.found_rows.unwrap_or(self.found_rows);
        self.insert_id = outcome.insert_id.unwrap_or(self.insert_id);
        match std::mem::take(&mut outcome.conditions) {
            Conditions::Kept => {}
            Conditions::Cleared => self.diagnostics.clear(),
            Conditions::Unfetched(n) => self.diagnostics = Diagnostics::of_unfetched(n),
            Conditions::Known(diagnostics) => self.diagnostics = *diagnostics,
        }
        if let Some(err) = &outcome.error {
            self.failed(err);
        }
    }

    fn failed(&mut self, err: &ErrPacket) {
        self.diagnostics.set_error(err);
        self.row_count = -1;
    }
}

/// What comes after a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next one of the same packet.
    Statement,
    /// The next command: this one failed, and the client has the error.
    Command,
}

impl Session {
    /// The one place where a statement ends: what it left is noted and counted, connections that nothing
    /// keeps are given back, and an error becomes an ERR packet.
    pub(crate) async fn end_statement(
        &mut self,
        done: Result<Outcome, Stop>,
    ) -> Result<Next, Stop> {
        let done = self.branches.settle(done).await;
        self.publish();
        match done {
            Ok(mut outcome) => {
                self.count(&outcome);
                self.client.release |= outcome.release;
                self.client.last.note(&mut outcome);
                match outcome.error {
                    None => Ok(Next::Statement),
                    Some(_) => Ok(Next::Command),
                }
            }
            Err(stop) => {
                let err = match stop {
                    Stop::Error(error) => {
                        if error.class() == ErrorClass::Internal {
                            tracing::error!(%error, "a statement met a fault");
                        }
                        count(self.worker.shared.metrics.refused(error.class()));
                        err_packet(&error)
                    }
                    Stop::Server(mut err) => {
                        shard::account::show_client(&mut err, &self.client.user.name);
                        err
                    }
                    Stop::Gone => return Err(Stop::Gone),
                };
                self.client.last.failed(&err);
                self.io.put_err(&err);
                Ok(Next::Command)
            }
        }
    }

    fn count(&self, outcome: &Outcome) {
        let m = &self.worker.shared.metrics;
        count(match outcome.path {
            Path::Local => &m.statements_local,
            Path::Pipelined => &m.statements_pipelined,
            Path::Exclusive => &m.statements_exclusive,
            Path::Several => &m.statements_several,
        });
    }
}
