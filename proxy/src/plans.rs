//! A statement as the plan cache keeps it, and what was learned from running it.

use router::{Needs, Plan, PlanContext, Traits};
use sql::{Lexed, Statement};
use std::cell::Cell;
use std::rc::Rc;

/// Runs on a connection of its own before a statement may be shared.
const PROBATION_RUNS: u32 = 3;
/// The best of these runs must be at most this long.
const FAST_US: u64 = 5_000;
/// Answers larger than this are not for shared connections.
const SMALL_BYTES: usize = 16 * 1024;
/// A shared run longer than this sends the statement back for a long time.
const SLOW_US: u64 = 10_000;
/// Runs for which a slow statement stays away from shared connections.
const SLOW_RUNS: u32 = 1_000;

/// A planned statement.
#[derive(Debug)]
pub struct CachedPlan {
    /// Its kind.
    pub statement: Statement,
    /// Its plan, for statements on tables.
    pub plan: Plan,
    /// What it asks of its connection.
    pub traits: Traits,
    /// What it asks of its user.
    pub needs: Needs,
    runs: Cell<u32>,
    best_us: Cell<u64>,
    largest: Cell<usize>,
    banned_runs: Cell<u32>,
}

impl CachedPlan {
    /// Plans a statement.
    pub fn make(
        ctx: PlanContext<'_>,
        text: &[u8],
        lexed: &Lexed,
        statement: Statement,
    ) -> Rc<Self> {
        let plan = router::plan(ctx, text, lexed, &statement);
        let traits = Traits::of(text, &lexed.tokens);
        let needs = Needs::of(ctx, text, &lexed.tokens, &statement);
        Rc::new(Self {
            statement,
            plan,
            traits,
            needs,
            runs: Cell::new(0),
            best_us: Cell::new(u64::MAX),
            largest: Cell::new(0),
            banned_runs: Cell::new(0),
        })
    }

    /// True if the digest says all there is to say, so that the plan serves every text with it.
    pub fn is_cacheable(&self) -> bool {
        matches!(
            self.statement,
            Statement::Query
                | Statement::Insert(Some(_))
                | Statement::Update
                | Statement::Delete
                | Statement::Transaction(_)
        )
    }

    /// About how many bytes it takes.
    pub fn bytes(&self, tokens: usize) -> usize {
        512 + tokens * 16
    }

    /// True if the statement has shown itself fast and small.
    pub fn is_proven(&self) -> bool {
        let banned = self.banned_runs.get();
        if banned > 0 {
            self.banned_runs.set(banned - 1);
            return false;
        }
        self.runs.get() >= PROBATION_RUNS
            && self.best_us.get() <= FAST_US
            && self.largest.get() <= SMALL_BYTES
    }

    /// Notes a run on a connection of its own.
    pub fn ran_alone(&self, micros: u64, bytes: usize, warnings: u16) {
        self.runs.set(self.runs.get().saturating_add(1));
        self.best_us.set(self.best_us.get().min(micros));
        self.noted(bytes, warnings);
    }

    /// Notes a run on a shared connection.
    pub fn ran_shared(&self, service_us: u64, bytes: usize, warnings: u16) {
        if service_us > SLOW_US {
            self.banned_runs.set(SLOW_RUNS);
        }
        self.noted(bytes, warnings);
    }

    fn noted(&self, bytes: usize, warnings: u16) {
        self.largest.set(self.largest.get().max(bytes));
        // Warnings are fetched from the connection that gave them, which a shared one cannot do.
        if warnings > 0 {
            self.banned_runs.set(u32::MAX);
        }
    }
}
