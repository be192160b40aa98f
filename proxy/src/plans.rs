//! A statement as the plan cache keeps it, and what was learned from running it.

use crate::probation::Probation;
use router::{PlanContext, Planned};
use sql::Lexed;
use std::rc::Rc;

/// A planned statement.
#[derive(Debug)]
pub(crate) struct CachedPlan {
    planned: Planned,
    /// Whether it may use shared connections.
    pub probation: Probation,
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
        Rc::new(Self {
            planned: Planned::of(ctx, text, lexed),
            probation: Probation::default(),
        })
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self, tokens: usize) -> usize {
        512 + tokens * 16
    }
}
