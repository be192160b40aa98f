//! The configuration file: TOML, unknown keys refused with their line, environment overrides.
//!
//! An override is named after its key: `SHARDWRIGHT_POOL__WAIT_MS=500` sets `pool.wait_ms`. Lists
//! (`shards`, `users`) come from the file alone.

use crate::log::LogConfig;
use control::ShardConfig;
use meta::MetaConfig;
use peers::PeersConfig;
use proxy::config::{PoolConfig, ProxyConfig, UserConfig};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Prefix of environment overrides.
const PREFIX: &str = "SHARDWRIGHT_";

/// The configuration of a proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The clients' side.
    #[serde(default)]
    pub(crate) proxy: ProxyConfig,
    /// The shards' side.
    #[serde(default)]
    pub(crate) pool: PoolConfig,
    /// The embedded metadata node.
    #[serde(default)]
    pub(crate) meta: MetaConfig,
    /// The channel between proxies.
    #[serde(default)]
    pub(crate) peers: PeersConfig,
    /// The admin port.
    #[serde(default)]
    pub(crate) admin: AdminConfig,
    /// The log.
    #[serde(default)]
    pub(crate) log: LogConfig,
    /// The shards.
    #[serde(default)]
    pub(crate) shards: Vec<ShardConfig>,
    /// The addresses of the shards here are newer than the catalog's: a quickstart has just started them.
    #[serde(skip)]
    pub(crate) shards_just_started: bool,
    /// The account for shards that are added while the proxy runs; name, host and port do not count.
    #[serde(default)]
    pub(crate) new_shards: Option<ShardConfig>,
    /// Who may log in.
    #[serde(default)]
    pub(crate) users: Vec<UserConfig>,
}

/// `[admin]`: health and metrics over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AdminConfig {
    /// Address. Health and metrics have no login, so it belongs on loopback or a closed network.
    pub(crate) listen: SocketAddr,
    /// Names under which /metrics and the API's description answer, beside localhost and addresses.
    pub(crate) hosts: Vec<String>,
    /// Connections at once; more wait to be accepted.
    pub(crate) connections_max: usize,
    /// How long the head of a request may take; an idle connection is closed after it.
    pub(crate) head_timeout_ms: u64,
    /// File with the token of the API (`shardctl`); without it the API is closed.
    pub(crate) token_file: Option<PathBuf>,
    /// How often the shards' tables are compared with the catalog; 0 = only when somebody inspects.
    pub(crate) drift_check_s: u64,
    /// The API takes every request of this machine: a quickstart.
    #[serde(skip)]
    pub(crate) open: bool,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            hosts: Vec::new(),
            connections_max: 256,
            head_timeout_ms: 10_000,
            token_file: None,
            drift_check_s: 300,
            open: false,
        }
    }
}

/// Reads the file, then the environment, then checks what only people can get wrong.
pub(crate) fn load(path: &Path) -> Result<Config, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let config = parse(&text, std::env::vars()).map_err(|e| format!("{}: {e}", path.display()))?;
    check(&config).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(config)
}

fn parse(text: &str, env: impl Iterator<Item = (String, String)>) -> Result<Config, String> {
    // The file alone first: its errors then carry their line.
    let from_file: Config = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut table: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut changed = false;
    for (name, value) in env {
        let Some(path) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let Some((section, key)) = path.split_once("__") else {
            continue;
        };
        let section = section.to_ascii_lowercase();
        let entry = table
            .entry(section.clone())
            .or_insert_with(|| toml::Table::new().into());
        let Some(entry) = entry.as_table_mut() else {
            return Err(format!(
                "{name}: {section} cannot be set from the environment"
            ));
        };
        entry.insert(key.to_ascii_lowercase(), scalar(&value));
        changed = true;
    }
    if !changed {
        return Ok(from_file);
    }
    table
        .try_into()
        .map_err(|e| format!("with the environment's {PREFIX}* variables: {e}"))
}

fn scalar(value: &str) -> toml::Value {
    if let Ok(n) = value.parse::<i64>() {
        return n.into();
    }
    match value {
        "true" => true.into(),
        "false" => false.into(),
        text => text.into(),
    }
}

fn check(c: &Config) -> Result<(), String> {
    if c.shards.is_empty() {
        return Err("there is no [[shards]] entry; at least one is needed".to_string());
    }
    if c.users.is_empty() && c.meta.endpoints.is_empty() && c.admin.token_file.is_none() {
        return Err(
            "there is no [[users]] entry, and no admin.token_file with which `shardctl user add` could \
             make a user, so nobody could log in"
                .to_string(),
        );
    }
    for (i, s) in c.shards.iter().enumerate() {
        if c.shards[..i].iter().any(|o| o.name == s.name) {
            return Err(format!("two shards are named {}", s.name));
        }
    }
    for s in c.shards.iter().chain(&c.new_shards) {
        if s.user.is_empty() == s.manager_user.is_empty() {
            return Err(format!(
                "shard {}: give either user (an account that stays) or manager_user (an account that \
                 makes one for each start of the proxy)",
                s.name
            ));
        }
    }
    if c.proxy.tls_cert.is_some() != c.proxy.tls_key.is_some() {
        return Err("proxy.tls_cert and proxy.tls_key belong together".to_string());
    }
    if c.proxy.require_tls && c.proxy.tls_cert.is_none() {
        return Err("proxy.require_tls needs proxy.tls_cert and proxy.tls_key".to_string());
    }
    if c.admin.token_file.is_some() && !c.admin.listen.ip().is_loopback() {
        return Err(
            "admin.token_file: the API is plain HTTP, so admin.listen must be loopback (reach it by \
             an SSH tunnel), or leave the token out and only health and metrics are served"
                .to_string(),
        );
    }
    if c.meta.tls_ca.is_none()
        && let Some(e) = c.meta.endpoints.iter().find(|e| !is_loopback(e))
    {
        return Err(format!(
            "meta.endpoints: {e} is not loopback, so it is reached over TLS alone: set meta.tls_ca"
        ));
    }
    if c.admin.connections_max == 0 || c.admin.head_timeout_ms == 0 {
        return Err(
            "admin.connections_max and admin.head_timeout_ms must be at least 1".to_string(),
        );
    }
    c.peers.check()?;
    if c.pool.connections_per_shard == 0 {
        return Err("pool.connections_per_shard must be at least 1".to_string());
    }
    if let Some(u) = c.users.iter().find(|u| u.password.is_empty()) {
        return Err(format!(
            "user {} has no password; `shardwright hash-password` makes the line for it",
            u.name
        ));
    }
    Ok(())
}

fn is_loopback(endpoint: &str) -> bool {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    let ip: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || ip.is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FILE: &str = "[pool]\nwait_ms = 5\n[[shards]]\nname = 's1'\nhost = 'h'\nuser = 'u'\n\
        [[users]]\nname = 'app'\npassword = ['*14E65567ABDB5135D0CFD9A70B3032C179A49EE7']\n";

    fn env(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect()
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let e = parse(
            "[proxy]\nlisten = '127.0.0.1:1'\nlissten = 1\n",
            env(&[]).into_iter(),
        );
        let e = e.unwrap_err();
        assert!(e.contains("line 3") && e.contains("lissten"), "{e}");
    }

    #[test]
    fn the_environment_wins() {
        let vars = env(&[
            ("SHARDWRIGHT_POOL__WAIT_MS", "77"),
            ("SHARDWRIGHT_LOG", "debug"),
        ]);
        let c = parse(FILE, vars.into_iter()).unwrap();
        assert_eq!(c.pool.wait_ms, 77);
        let bad = env(&[("SHARDWRIGHT_POOL__WAITMS", "77")]);
        assert!(parse(FILE, bad.into_iter()).unwrap_err().contains("waitms"));
        let json = env(&[("SHARDWRIGHT_LOG__FORMAT", "json")]);
        let c = parse(FILE, json.into_iter()).unwrap();
        assert_eq!(c.log.format, crate::log::LogFormat::Json);
    }

    #[test]
    fn the_documented_file_is_read() {
        let page = include_str!("../docs/configuration.md");
        let (_, rest) = page.split_once("```toml\n").unwrap();
        let (file, _) = rest.split_once("```").unwrap();
        let c = parse(file, env(&[]).into_iter()).unwrap();
        check(&c).unwrap();
    }

    #[test]
    fn what_people_get_wrong() {
        let c = parse(FILE, env(&[]).into_iter()).unwrap();
        assert!(check(&c).is_ok());
        let mut none = c.clone();
        none.users[0].password.clear();
        assert!(check(&none).unwrap_err().contains("hash-password"));
        let mut twice = c;
        twice.shards.push(twice.shards[0].clone());
        assert!(
            check(&twice)
                .unwrap_err()
                .contains("two shards are named s1")
        );
    }
}
