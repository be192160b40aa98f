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
use sql::Lexed;
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

/// All prepared statements of a session.
pub(crate) struct Statements {
    by_id: HashMap<u32, Rc<ClientStatement>>,
    next: u32,
    max: usize,
}

impl Statements {
    /// At most `max`.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            by_id: HashMap::new(),
            next: 1,
            max,
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.by_id.clear();
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
        while self.by_id.contains_key(&self.next) || self.next == 0 {
            self.next = self.next.wrapping_add(1);
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        id
    }

    /// Adds a statement.
    pub(crate) fn put(&mut self, statement: ClientStatement) {
        self.by_id.insert(statement.id, Rc::new(statement));
    }

    /// A statement by number; `command` is the server's name for who asks.
    pub(crate) fn get(&self, id: u32, command: &'static str) -> Result<Rc<ClientStatement>, Stop> {
        self.by_id.get(&id).cloned().ok_or_else(|| {
            let handler = id.to_string();
            PrepareError::UnknownHandler { handler, command }.into()
        })
    }

    /// Takes a statement out.
    pub(crate) fn remove(&mut self, id: u32) -> Option<Rc<ClientStatement>> {
        self.by_id.remove(&id)
    }

    /// True if a cursor is open on a shard.
    pub(crate) fn has_cursor_on(&self, shard: ShardId) -> bool {
        let on = |s: &Rc<ClientStatement>| s.cursor.get().is_some_and(|(at, _)| at == shard);
        self.by_id.values().any(on)
    }
}
