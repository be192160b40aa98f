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
    /// A change of structure is given up when a proxy has not answered for this long, or a worker of one
    /// has not taken the catalog over.
    pub follow_timeout_ms: u64,
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
            follow_timeout_ms: 4_000,
            answer_bytes_max: 16 << 20,
            calls_max: 64,
        }
    }
}

impl PeersConfig {
    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    pub(crate) fn follow_timeout(&self) -> Duration {
        Duration::from_millis(self.follow_timeout_ms)
    }

    /// What only people can get wrong.
    pub fn check(&self) -> Result<(), String> {
        let positive = [
            ("call_timeout_ms", self.call_timeout_ms),
            ("follow_timeout_ms", self.follow_timeout_ms),
            ("answer_bytes_max", self.answer_bytes_max as u64),
            ("calls_max", self.calls_max as u64),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, n)| *n == 0) {
            return Err(format!("peers.{name} must be at least 1"));
        }
        match &self.advertise {
            Some(a) if !has_port(a) => Err(format!(
                "peers.advertise = {a}: give host and port, as in proxy-1:3308"
            )),
            _ => Ok(()),
        }
    }
}

fn has_port(address: &str) -> bool {
    let port = address
        .rsplit_once(':')
        .map(|(_, port)| port.parse::<u16>());
    matches!(port, Some(Ok(1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_nobody_can_mean_are_refused() {
        assert_eq!(PeersConfig::default().check(), Ok(()));
        let with = |advertise: &str| PeersConfig {
            advertise: Some(advertise.into()),
            ..Default::default()
        };
        assert!(with("proxy-1:3308").check().is_ok() && with("[::1]:9").check().is_ok());
        assert!(with("proxy-1").check().is_err() && with("proxy-1:0").check().is_err());
        let none = PeersConfig {
            calls_max: 0,
            ..Default::default()
        };
        assert!(none.check().unwrap_err().contains("peers.calls_max"));
    }
}
