//! A statement as the plan cache keeps it, and what was learned from running it.

use crate::eligibility::Eligibility;
use router::{Mentions, PlanContext, Planned, ReadNeeds};
use sql::Lexed;
use std::cell::Cell;
use std::rc::Rc;

/// A planned statement.
#[derive(Debug)]
pub(crate) struct CachedPlan {
    planned: Planned,
    /// What it depends on, if it is a read.
    pub reads: ReadNeeds,
    /// The names in its text.
    pub mentions: Rc<Mentions>,
    /// Whether it may be pipelined.
    pub eligibility: Eligibility,
    /// Its rows turned out to have values that are not merged exactly: they are copied.
    pub is_unfit_to_merge: Cell<bool>,
}

impl std::ops::Deref for CachedPlan {
    type Target = Planned;

    fn deref(&self) -> &Planned {
        &self.planned
    }
}

impl CachedPlan {
    /// Plans a statement.
    pub(crate) fn make(ctx: PlanContext<'_>, text: &[u8], lexed: &Lexed) -> Rc<Self> {
        let planned = Planned::of(ctx, text, lexed);
        let reads = ReadNeeds::of(ctx, text, &lexed.tokens, &planned.statement);
        let mentions = Mentions::of(ctx.database, text, &lexed.tokens);
        Rc::new(Self {
            planned,
            mentions: Rc::new(mentions),
            reads,
            eligibility: Eligibility::new(reads.unique),
            is_unfit_to_merge: Cell::new(false),
        })
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self, tokens: usize) -> usize {
        512 + tokens * 16 + self.mentions.bytes()
    }
}
