//! `[peers]`: the channel between the proxies of one metadata service.

use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Duration;

/// Settings of the channel. It opens with `meta.endpoints`: an embedded metadata node has one proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeersConfig {
    /// Address that other proxies connect to; the host of `proxy.listen` and a free port by default.
    pub listen: Option<SocketAddr>,
    /// Host and port under which they reach it, where that is not `listen`.
    pub advertise: Option<String>,
    /// A proxy that does not answer within this time is named as silent.
    pub call_timeout_ms: u64,
    /// Largest answer of one proxy, in bytes.
    pub answer_bytes_max: usize,
    /// Calls that a proxy answers at once, and calls that it makes at once.
    pub calls_max: usize,
}

impl Default for PeersConfig {
    fn default() -> Self {
        Self {
            listen: None,
            advertise: None,
            call_timeout_ms: 1_000,
            answer_bytes_max: 16 << 20,
            calls_max: 64,
        }
    }
}

impl PeersConfig {
    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    /// What only people can get wrong.
    pub fn check(&self) -> Result<(), String> {
        let positive = [
            ("call_timeout_ms", self.call_timeout_ms),
            ("answer_bytes_max", self.answer_bytes_max as u64),
            ("calls_max", self.calls_max as u64),
        ];
        match positive.iter().find(|(_, n)| *n == 0) {
            Some((name, _)) => Err(format!("peers.{name} must be at least 1")),
            None => Ok(()),
        }
    }
}
