//! The counters of a proxy, for a page about all of them. Prometheus asks each proxy itself.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Asks for the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountersAsked {}

/// Counters of a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Seconds since its start.
    pub uptime_s: u64,
    /// Sessions now.
    pub sessions: u64,
    /// The epoch that every worker plans against.
    pub epoch: u64,
    /// Counts since the start, by name as in /metrics without prefix and suffix.
    pub counts: BTreeMap<String, u64>,
}
