//! The planner: (catalog snapshot, statement) -> plan, and (plan, values) -> shards.
//!
//! Layer 1, pure: no I/O, no clock. A plan is made once per digest and kept; routing takes the values
//! of one execution. The promise it keeps: a plan either gives what one server would give, or it is
//! a [`Refusal`] that says why and what to do.

pub mod analyze;
pub mod args;
pub mod cache;
pub mod explain;
pub mod insert;
pub mod names;
pub mod needs;
pub mod plan;
pub mod refusal;
pub mod route;
pub mod traits;

pub use analyze::scope;
pub use args::{Args, Source};
pub use cache::PlanCache;
pub use insert::{InsertPlan, InsertRoute, RowIds};
pub use needs::{Need, Needs};
pub use plan::{Access, Plan, PlanContext, RoutePlan, Target, plan};
pub use refusal::Refusal;
pub use route::Route;
pub use traits::Traits;
