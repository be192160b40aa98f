//! The state machine of the metadata service: changes in, state and answers out. Deterministic: times and
//! names come with the change, so that every node computes the same.

use crate::command::{Command, Rejected};
use crate::incarnation::is_none;
pub use crate::incarnation::{Fence, Incarnation, Registration};
use crate::job::{Effect, JobId};
use crate::model::{Catalog, TableId};
use crate::record::TableRecord;
use crate::settings;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

/// Audit records that are kept; older ones go.
pub const AUDIT_MAX: usize = 10_000;
/// Answers that are kept for requests that come again.
pub const REQUESTS_MAX: usize = 4_096;
/// Longest statement or value in an audit record, in characters.
const AUDIT_CHARS_MAX: usize = 400;

/// A change that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Number of the request, unique: the same request changes the state once, however often it comes.
    pub request: String,
    /// Who asks.
    pub who: String,
    /// When, by the asking node's clock, in milliseconds since 1970. For people only.
    pub at_ms: u64,
    /// The change happens only at this epoch of the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_epoch: Option<u64>,
    /// The change.
    pub change: Change,
}

/// What can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant)] // a proposal is moved a few times in its life
pub enum Change {
    /// The catalog.
    Catalog(Command),
    /// Ids of a table are leased.
    LeaseIds {
        /// The table.
        table: TableId,
        /// None below this.
        at_least: u64,
        /// How many.
        count: u64,
    },
    /// The next id of a table is at least this (after a restore).
    RaiseSequence {
        /// The table.
        table: TableId,
        /// The next id.
        next: u64,
    },
    /// A whole state, into an empty one: from an older version's files, or from a backup.
    Import(Box<State>),
    /// A proxy starts and gets an incarnation.
    Register(Registration),
    /// A proxy takes no new clients and lets go of the idle ones, or goes on.
    Drain {
        /// The incarnation.
        incarnation: u64,
        /// False takes it back.
        draining: bool,
    },
    /// An incarnation has ended or lost its lease; its number is never used again.
    Fence(Fence),
    /// A table that the shards have had enters the catalog: its job ends, and ids go on behind those in
    /// use, in one step.
    FinishImport {
        /// The job, done on every shard.
        job: JobId,
        /// The table, with id 0.
        table: Box<TableRecord>,
        /// The next id, if ids come from here.
        next: Option<u64>,
    },
    /// A setting of the cluster; `None` is its default.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: Option<String>,
    },
}

/// Who changed what, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Number of the change, counted from 1.
    pub number: u64,
    /// Milliseconds since 1970, by the asking node's clock.
    pub at_ms: u64,
    /// Who asked.
    pub who: String,
    /// What, in words.
    pub what: String,
    /// The catalog's epoch afterwards.
    pub epoch: u64,
}

/// What a change gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Done; the catalog is at this epoch.
    Done {
        /// The epoch.
        epoch: u64,
    },
    /// These ids are leased.
    Ids(Range<u64>),
    /// The number of the new incarnation, which has no part in session ids.
    Incarnation(u64),
    /// A proxy is registered.
    Registered {
        /// The number of the new incarnation.
        incarnation: u64,
        /// What its sessions' ids begin with.
        number: u16,
        /// The catalog's epoch then. Who plans by an older one does not know what was waited for without it.
        epoch: u64,
    },
    /// Refused; nothing changed.
    Rejected(Rejected),
}

impl Answer {
    /// The number of the new incarnation, for a registration.
    pub fn incarnation(&self) -> Option<u64> {
        match self {
            Answer::Incarnation(n) | Answer::Registered { incarnation: n, .. } => Some(*n),
            _ => None,
        }
    }
}

/// Everything that is replicated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The catalog.
    pub catalog: Catalog,
    /// Next free id by table.
    pub sequences: BTreeMap<u64, u64>,
    /// Incarnations given out so far.
    pub last_incarnation: u64,
    /// Those that are not fenced.
    pub incarnations: BTreeMap<u64, Incarnation>,
    /// The proxy's number that was given last.
    #[serde(default, skip_serializing_if = "is_none")]
    pub last_number: u16,
    /// Numbers of proxies that have ended in good order.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_numbers: BTreeSet<u16>,
    /// Settings that differ from their defaults.
    pub settings: BTreeMap<String, String>,
    /// Changes so far.
    pub changes: u64,
    /// The last of them that people care about.
    pub audit: VecDeque<AuditRecord>,
    /// Answers to the last requests, oldest first.
    pub requests: VecDeque<(String, Answer)>,
}

impl State {
    /// Carries out a change. A refused one leaves everything as it was, and is not remembered.
    pub fn apply(&mut self, p: &Proposal) -> Answer {
        if let Some((_, known)) = self.requests.iter().rev().find(|(r, _)| *r == p.request) {
            return known.clone();
        }
        let now = self.catalog.epoch;
        if let Some(expected) = p.expected_epoch.filter(|e| *e != now) {
            return Answer::Rejected(Rejected::Epoch { expected, now });
        }
        let answer = match self.change(&p.change, p.at_ms) {
            Ok(answer) => answer,
            Err(why) => return Answer::Rejected(why),
        };
        self.changes += 1;
        if let Some(what) = p.change.audit_text() {
            self.audit.push_back(AuditRecord {
                number: self.changes,
                at_ms: p.at_ms,
                who: p.who.clone(),
                what,
                epoch: self.catalog.epoch,
            });
            if self.audit.len() > AUDIT_MAX {
                self.audit.pop_front();
            }
        }
        self.requests.push_back((p.request.clone(), answer.clone()));
        if self.requests.len() > REQUESTS_MAX {
            self.requests.pop_front();
        }
        answer
    }

    fn change(&mut self, change: &Change, at_ms: u64) -> Result<Answer, Rejected> {
        match change {
            Change::Catalog(command) => {
                self.catalog = self.catalog.apply(command)?;
            }
            Change::LeaseIds {
                table,
                at_least,
                count,
            } => {
                let next = self.sequences.entry(table.0).or_insert(1);
                let start = (*next).max(*at_least);
                *next = start.saturating_add(*count);
                return Ok(Answer::Ids(start..*next));
            }
            Change::RaiseSequence { table, next } => {
                self.raise_sequence(*table, *next)?;
            }
            Change::Import(state) => {
                if self.catalog.epoch > 0 || !self.sequences.is_empty() {
                    let why = "there is a catalog already; a state is imported into an empty one";
                    return Err(Rejected::Invalid(why.to_string()));
                }
                *self = State::clone(state);
            }
            Change::Register(r) => return self.register(r, at_ms),
            Change::Drain {
                incarnation,
                draining,
            } => {
                let found = self.incarnations.get_mut(incarnation);
                let missing = || Rejected::Missing(format!("incarnation {incarnation}"));
                found.ok_or_else(missing)?.draining = *draining;
            }
            Change::Fence(f) => self.fence(f)?,
            Change::FinishImport { job, table, next } => {
                let name = table.name.clone();
                let (job, effect) = (*job, Effect::PutTable(table.clone()));
                self.catalog = self.catalog.apply(&Command::FinishJob { job, effect })?;
                if let (Some(next), Some(made)) = (next, self.catalog.tables.get(&name)) {
                    self.sequences.insert(made.id.0, *next);
                }
            }
            Change::Set { name, value } => {
                let setting = settings::find(name)
                    .ok_or_else(|| Rejected::Missing(format!("the setting {name}")))?;
                match value {
                    None => drop(self.settings.remove(name)),
                    Some(v) => {
                        setting.check(v).map_err(Rejected::Invalid)?;
                        self.settings.insert(name.clone(), v.clone());
                    }
                }
            }
        }
        Ok(Answer::Done {
            epoch: self.catalog.epoch,
        })
    }

    fn raise_sequence(&mut self, table: TableId, next: u64) -> Result<(), Rejected> {
        if !self.catalog.tables.values().any(|t| t.id == table) {
            return Err(Rejected::Missing(format!("table number {}", table.0)));
        }
        let now = self.sequences.get(&table.0).copied().unwrap_or(1);
        if next < now {
            return Err(Rejected::Invalid(format!(
                "the next id is {now} already; a sequence never goes back, or ids would be given twice"
            )));
        }
        self.sequences.insert(table.0, next);
        Ok(())
    }

    /// The value of a setting.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let own = self.settings.get(name).map(String::as_str);
        own.or_else(|| settings::find(name).map(|s| s.default))
    }
}

impl Change {
    /// The change for the audit; `None` where nobody asks later (blocks of ids, steps of jobs).
    fn audit_text(&self) -> Option<String> {
        let text = match self {
            Change::Catalog(c) => c.audit_text()?,
            Change::LeaseIds { .. } => return None,
            Change::RaiseSequence { table, next } => {
                format!("the next id of table {} is {next}", table.0)
            }
            Change::Import(s) => format!("a state of epoch {} is imported", s.catalog.epoch),
            Change::Register(r) => format!("proxy {} at {} started", r.name, r.address),
            Change::Drain {
                incarnation,
                draining,
            } => match draining {
                true => format!("incarnation {incarnation} is drained"),
                false => format!("incarnation {incarnation} takes clients again"),
            },
            Change::Fence(f) if f.has_ended => {
                format!("incarnation {} has ended: {}", f.incarnation, f.why)
            }
            Change::Fence(f) => format!("incarnation {} is fenced: {}", f.incarnation, f.why),
            Change::FinishImport { table, .. } => {
                format!(
                    "table {} is imported as {}",
                    table.name,
                    table.placement.kind()
                )
            }
            Change::Set { name, value } => match value {
                Some(v) => format!("setting {name} = {v}"),
                None => format!("setting {name} = its default"),
            },
        };
        match text.char_indices().nth(AUDIT_CHARS_MAX) {
            Some((end, _)) => Some(format!("{}...", &text[..end])),
            None => Some(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(request: &str, change: Change) -> Proposal {
        Proposal {
            request: request.into(),
            who: "dba".into(),
            at_ms: 5,
            expected_epoch: None,
            change,
        }
    }

    fn put(name: &str) -> Change {
        Change::Catalog(Command::PutShard {
            name: name.into(),
            host: "127.0.0.1".into(),
            port: 3306,
        })
    }

    #[test]
    fn a_request_that_comes_again_changes_nothing() {
        let mut s = State::default();
        let lease = Change::LeaseIds {
            table: TableId(1),
            at_least: 0,
            count: 10,
        };
        let first = s.apply(&proposal("a", lease.clone()));
        assert_eq!(first, Answer::Ids(1..11));
        assert_eq!(s.apply(&proposal("a", lease.clone())), first);
        assert_eq!(s.apply(&proposal("b", lease)), Answer::Ids(11..21));
    }

    #[test]
    fn the_expected_epoch_keeps_two_people_apart() {
        let mut s = State::default();
        let mut p = proposal("a", put("s1"));
        p.expected_epoch = Some(0);
        assert_eq!(s.apply(&p), Answer::Done { epoch: 1 });
        p.request = "b".into();
        let refused = Rejected::Epoch {
            expected: 0,
            now: 1,
        };
        assert_eq!(s.apply(&p), Answer::Rejected(refused));
        assert_eq!((s.catalog.epoch, s.audit.len(), s.changes), (1, 1, 1));
    }

    #[test]
    fn incarnations_are_never_given_twice() {
        let mut s = State::default();
        let register = |n: u64| {
            let change = Change::Register(Registration {
                name: "p".into(),
                address: "a".into(),
                version: "1".into(),
                peer: None,
                number: 0,
            });
            proposal(&n.to_string(), change)
        };
        assert_eq!(s.apply(&register(1)), Answer::Incarnation(1));
        let fence = Change::Fence(Fence::new(1, "test"));
        assert_eq!(
            s.apply(&proposal("f", fence.clone())),
            Answer::Done { epoch: 0 }
        );
        assert!(matches!(
            s.apply(&proposal("g", fence)),
            Answer::Rejected(_)
        ));
        assert_eq!(s.apply(&register(2)), Answer::Incarnation(2));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut s = State::default();
        for n in 0..AUDIT_MAX + 10 {
            let value = Some((n % 1000 + 1000).to_string());
            let set = Change::Set {
                name: "lease_ms".into(),
                value,
            };
            s.apply(&proposal(&n.to_string(), set));
        }
        assert_eq!((s.audit.len(), s.requests.len()), (AUDIT_MAX, REQUESTS_MAX));
        assert_eq!(
            s.audit.back().map(|a| a.number),
            Some(AUDIT_MAX as u64 + 10)
        );
    }
}
