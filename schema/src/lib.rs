//! Tables as their servers define them, and what a sharding rule makes of such a definition.
//!
//! Layer 1. DDL, imports and the drift check read definitions here and nowhere else.

pub mod introspect;
pub mod rule;
