//! The client's prepared statements: their numbers, texts and plans.
//!
//! A client's statement is a text with a plan. Server statements are prepared by text on the
//! connections that happen to run them, so ten thousand clients share a few of each.

use crate::exec::request::LongData;
use crate::plans::CachedPlan;
use crate::session::Stop;
use crate::worker::in_use::Using;
use catalog::ShardId;
use errors::PrepareError;
use sql::{LexMode, Lexed};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// A client's prepared statement.
pub(crate) struct ClientStatement {
    /// Its number.
    pub id: u32,
    /// Its text.
    pub text: Rc<[u8]>,
    /// Its tokens.
    pub lexed: Lexed,
    /// Database that was current.
    pub database: Option<Rc<str>>,
    /// Its plan, and the epoch that it was made against.
    pub plan: RefCell<(u64, Rc<CachedPlan>)>,
    /// How many columns its result has, as it was prepared.
    pub columns: usize,
    /// How many parameters it has.
    pub params: usize,
    /// Their types, as the client last sent them.
    pub types: RefCell<Vec<u8>>,
    /// Parameters that came as long data and wait for the execution.
    pub long: RefCell<LongData>,
    /// Where its cursor is open, and the server's number of it.
    pub cursor: Cell<Option<(ShardId, u32)>>,
    /// The catalog that the open cursor was planned by.
    pub cursor_uses: Cell<Option<Using>>,
}

/// Instead of a number: the statement that was prepared last. Clients of MariaDB send its execution with the
/// text, before they know its number.
const LAST_PREPARED: u32 = u32::MAX;

/// The text of a PREPARE, which its server holds for good: whether it may still run there depends on what its
/// names mean.
#[derive(Clone)]
pub(crate) struct PreparedText {
    /// The text.
    pub text: Rc<str>,
    /// How it is read.
    pub mode: LexMode,
    /// The database that was current.
    pub database: Option<Rc<str>>,
    /// The catalog that it was planned against last.
    pub epoch: u64,
}

/// All prepared statements of a session.
pub(crate) struct Statements {
    /// Those of PREPARE, by name in lower case; not more than the connections know.
    pub texts: HashMap<String, PreparedText>,
    by_id: HashMap<u32, Rc<ClientStatement>>,
    next: u32,
    /// The number of the one that was prepared last; none after a text that could not be prepared.
    last: Option<u32>,
    max: usize,
}

impl Statements {
    /// At most `max`.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            texts: HashMap::new(),
            by_id: HashMap::new(),
            next: 1,
            last: None,
            max,
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.texts.clear();
        self.by_id.clear();
        self.last = None;
    }

    /// Refuses one more than may be.
    pub(crate) fn check_room(&self) -> Result<(), Stop> {
        if self.by_id.len() < self.max {
            return Ok(());
        }
        Err(PrepareError::TooManyPrepared { max: self.max }.into())
    }

    /// A number that no statement has.
    pub(crate) fn next_id(&mut self) -> u32 {
        while self.by_id.contains_key(&self.next) || matches!(self.next, 0 | LAST_PREPARED) {
            self.next = self.next.wrapping_add(1);
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        id
    }

    /// Adds a statement.
    pub(crate) fn put(&mut self, statement: ClientStatement) {
        self.last = Some(statement.id);
        self.by_id.insert(statement.id, Rc::new(statement));
    }

    /// A statement by number; `command` is the server's name for who asks.
    pub(crate) fn get(&self, id: u32, command: &'static str) -> Result<Rc<ClientStatement>, Stop> {
        let found = self.by_id.get(&self.number_of(id));
        found.cloned().ok_or_else(|| {
            let handler = id.to_string();
            PrepareError::UnknownHandler { handler, command }.into()
        })
    }

    /// Takes a statement out.
    pub(crate) fn remove(&mut self, id: u32) -> Option<Rc<ClientStatement>> {
        self.by_id.remove(&self.number_of(id))
    }

    /// Forgets which one was prepared last: the next text may not be one that can be.
    pub(crate) fn forget_last(&mut self) {
        self.last = None;
    }

    fn number_of(&self, id: u32) -> u32 {
        match id {
            LAST_PREPARED => self.last.unwrap_or(LAST_PREPARED),
            id => id,
        }
    }

    /// True if a cursor is open on a shard.
    pub(crate) fn has_cursor_on(&self, shard: ShardId) -> bool {
        let on = |s: &Rc<ClientStatement>| s.cursor.get().is_some_and(|(at, _)| at == shard);
        self.by_id.values().any(on)
    }
}
