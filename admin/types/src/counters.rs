//! Counters of every proxy, as `GET /v1/counters` answers them. Prometheus asks each proxy itself.

use crate::session::SilentProxy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The counters, and what is missing among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterList {
    /// The proxies that answered.
    pub proxies: Vec<ProxyCounters>,
    /// The proxies that did not.
    pub silent: Vec<SilentProxy>,
    /// Why proxies may be missing altogether: which there are could not be asked.
    pub stale: Option<String>,
}

/// Counters of one proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyCounters {
    /// Its name.
    pub proxy: String,
    /// Its incarnation.
    pub incarnation: u64,
    /// Seconds since its start.
    pub uptime_s: u64,
    /// Clients' sessions now.
    pub sessions: u64,
    /// The epoch that every worker plans against.
    pub epoch: u64,
    /// Counts since the start, by name.
    pub counts: BTreeMap<String, u64>,
}
