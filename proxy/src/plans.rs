//! A statement as the plan cache keeps it, and what was learned from running it.

use crate::probation::Probation;
use router::{Needs, Plan, PlanContext, Traits};
use sql::{Lexed, Statement};
use std::rc::Rc;

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
    /// Whether it may use shared connections.
    pub probation: Probation,
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
            probation: Probation::default(),
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
}
