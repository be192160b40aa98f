//! The SET that a server is given, and which variables it changes.

use super::value_text;
use crate::exec::Run;
use crate::session::{Session, Stop};
use router::Refusal;
use sql::ident::{quote_name, quote_string};
use sql::set::{Assignment, SetTarget, SetValueKind};
use sql::{Lexed, Op, TokenKind};

/// Variables that SET CHARACTER SET and SET NAMES DEFAULT change.
const CHARACTER_SETS: [&str; 3] = [
    "character_set_client",
    "character_set_results",
    "collation_connection",
];
/// Reading these does not give what was set.
const UNREADABLE: [&str; 2] = ["rand_seed1", "rand_seed2"];

/// What a server is asked.
#[derive(Debug, Default)]
pub(super) struct ServerText {
    /// The statement.
    pub text: Vec<u8>,
    /// System variables to read back.
    pub system: Vec<String>,
    /// User variables to read back.
    pub user: Vec<String>,
    /// SET NAMES with a character set, which is remembered as it is once the server has taken it.
    pub names: Option<(String, Option<String>)>,
    /// Variables that become what a fresh session has.
    pub fresh: Vec<String>,
    /// Variables that are remembered as they are written.
    pub written: Vec<(String, String)>,
    /// Values that are more than a literal.
    pub expressions: Vec<Vec<u8>>,
}

/// What the proxy keeps for itself: shards report to it alone.
pub(super) fn is_proxys(name: &str) -> bool {
    name.starts_with("session_track_")
}

pub(super) fn lex(s: &Session, text: &[u8]) -> Result<Lexed, Stop> {
    let (mode, flavor) = (s.client.settings.mode, s.worker.flavor.get());
    Ok(Lexed::new(text, mode, flavor).map_err(Refusal::syntax)?)
}

impl ServerText {
    /// Of all assignments but those that are the proxy's own.
    pub(super) fn of(s: &Session, list: &[Assignment], run: Run<'_>) -> Result<Self, Stop> {
        let mut out = Self::default();
        for a in list {
            let value = value_text(s, a, run)?;
            if a.kind == SetValueKind::Expression {
                out.expressions.push(value.clone());
                out.note_assigned(&value, &lex(s, &value)?);
            }
            out.add(s, a, &value);
        }
        Ok(out)
    }

    fn add(&mut self, s: &Session, a: &Assignment, value: &[u8]) {
        match &a.target {
            SetTarget::UserVariable(name) => {
                self.put(&format!("@{} = ", quote_name(name)), value);
                self.user.push(name.clone());
            }
            SetTarget::Session(name) if name == "autocommit" || is_proxys(name) => {}
            SetTarget::Session(name) => {
                self.put(&format!("SESSION {} = ", quote_name(name)), value);
                self.note_system(name, a.kind, value);
            }
            SetTarget::Names { charset, collation } => self.add_names(charset, collation),
            SetTarget::CharacterSet(charset) => {
                let charset = charset.as_ref().map(|c| quote_string(c, false));
                let charset = charset.unwrap_or("DEFAULT".to_string());
                self.put("CHARACTER SET ", charset.as_bytes());
                self.system.extend(CHARACTER_SETS.map(str::to_string));
            }
            SetTarget::Transaction {
                isolation,
                read_only,
                ..
            } => self.add_transaction(s, isolation.as_deref(), *read_only),
        }
    }

    fn add_names(&mut self, charset: &Option<String>, collation: &Option<String>) {
        let Some(charset) = charset else {
            self.put("NAMES ", b"DEFAULT");
            self.system.extend(CHARACTER_SETS.map(str::to_string));
            return;
        };
        let collate = collation.as_ref().map(|c| quote_string(c, false));
        let collate = collate.map_or(String::new(), |c| format!(" COLLATE {c}"));
        let text = format!("{}{collate}", quote_string(charset, false));
        self.put("NAMES ", text.as_bytes());
        self.names = Some((charset.clone(), collation.clone()));
    }

    /// SET SESSION TRANSACTION, as the variables that it sets.
    fn add_transaction(&mut self, s: &Session, isolation: Option<&str>, read_only: Option<bool>) {
        let prefix = match s.worker.flavor.get().mariadb {
            true => "tx",
            false => "transaction",
        };
        if let Some(level) = isolation {
            let name = format!("{prefix}_isolation");
            let level = format!("'{}'", level.replace(' ', "-"));
            self.put(&format!("SESSION {name} = "), level.as_bytes());
            self.system.push(name);
        }
        if let Some(ro) = read_only {
            let name = format!("{prefix}_read_only");
            self.put(&format!("SESSION {name} = "), if ro { b"1" } else { b"0" });
            self.system.push(name);
        }
    }

    fn put(&mut self, head: &str, value: &[u8]) {
        let before = if self.text.is_empty() { "SET " } else { ", " };
        self.text.extend_from_slice(before.as_bytes());
        self.text.extend_from_slice(head.as_bytes());
        self.text.extend_from_slice(value);
    }

    fn note_system(&mut self, name: &str, kind: SetValueKind, value: &[u8]) {
        let is_charset = name.starts_with("character_set_") || name == "collation_connection";
        // 0 lets the clock run.
        let runs = name == "timestamp" && value.iter().all(|b| matches!(b, b'0' | b'.'));
        if (kind == SetValueKind::Default && !is_charset) || runs {
            self.fresh.push(name.to_string());
        } else if UNREADABLE.contains(&name) {
            let value = String::from_utf8_lossy(value).into_owned();
            self.written.push((name.to_string(), value));
        } else {
            self.system.push(name.to_string());
        }
    }

    /// `@a := ...` inside of a value.
    fn note_assigned(&mut self, value: &[u8], lexed: &Lexed) {
        let pairs = lexed.tokens.iter().zip(lexed.tokens.iter().skip(1));
        let assigned = pairs.filter(|(t, next)| {
            t.kind == TokenKind::UserVar && next.kind == TokenKind::Op(Op::Assign)
        });
        let name = |t: &sql::Token| sql::set::user_variable_name(value.get(t.range())?);
        self.user.extend(assigned.filter_map(|(t, _)| name(t)));
    }
}
