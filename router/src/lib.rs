//! The planner: (catalog snapshot, statement) -> plan, and (plan, values) -> shards.
//!
//! Layer 1, pure: no I/O, no clock. A plan is made once per digest and kept; routing takes the values
//! of one execution. The promise it keeps: a plan either gives what one server would give, or it is
//! a [`Refusal`] that says why and what to do.

pub mod analyze;
pub mod args;
pub mod cache;
pub mod functions;
pub mod mentions;
pub mod names;
pub mod plan;
pub mod privileges;
pub mod reads;
pub mod routine;
pub mod stored_code;
pub mod traits;

pub use analyze::scope;
pub use args::{Args, Source};
pub use cache::PlanCache;
pub use mentions::Mentions;
pub use plan::{
    Access, Forward, InsertPlan, List, Local, Operator, Plan, PlanContext, Planned, RouteContext,
    RowIds, SessionFacts, Shards, Target,
};
pub use privileges::{Privilege, RequiredPrivileges};
pub use reads::ReadNeeds;
pub use traits::Traits;

/// Why a statement is not run: an error of the catalogue.
pub type Refusal = errors::ClientError;
