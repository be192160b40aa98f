//! The proxy's configuration: one documented struct a section, defaults in one place, unknown keys
//! refused.

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[proxy]`: the side of the clients.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyConfig {
    /// Address that clients connect to. Anything but loopback needs TLS.
    pub listen: SocketAddr,
    /// Threads that serve clients; 0 means one a core.
    pub workers: usize,
    /// Client connections at once.
    pub max_connections: usize,
    /// Longest statement and longest parameter, in bytes.
    pub max_allowed_packet_bytes: usize,
    /// Time for a client to log in.
    pub handshake_timeout_ms: u64,
    /// A client that sends nothing for this long is disconnected (wait_timeout).
    pub idle_timeout_s: u64,
    /// A client that takes nothing for this long is disconnected (net_write_timeout).
    pub write_timeout_s: u64,
    /// PEM file with the certificate chain.
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the private key.
    pub tls_key: Option<PathBuf>,
    /// Refuse logins without TLS.
    pub require_tls: bool,
    /// Prepared statements of one client.
    pub prepared_per_session_max: usize,
    /// Bytes of cached plans, each worker.
    pub plan_cache_bytes: usize,
    /// LOAD DATA LOCAL INFILE into single tables.
    pub local_infile: bool,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3307)),
            workers: 0,
            max_connections: 20_000,
            max_allowed_packet_bytes: 64 << 20,
            handshake_timeout_ms: 10_000,
            idle_timeout_s: 28_800,
            write_timeout_s: 60,
            tls_cert: None,
            tls_key: None,
            require_tls: false,
            prepared_per_session_max: 4_096,
            plan_cache_bytes: 16 << 20,
            local_infile: true,
        }
    }
}

/// `[pool]`: connections to shards.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Connections to each shard, of all workers together.
    pub connections_per_shard: usize,
    /// Statements of one worker that may wait for a connection to one shard.
    pub waiters_max: usize,
    /// How long a statement waits for a connection before error 1040.
    pub wait_ms: u64,
    /// An unused connection is closed after this time.
    pub idle_s: u64,
    /// Statements prepared on one connection.
    pub prepared_per_connection_max: usize,
    /// Pipelines of one worker to one shard for each session profile; 0 turns pipelining off. (Was
    /// `shared_per_worker`.)
    #[serde(alias = "shared_per_worker")]
    pub pipelines_per_profile: usize,
    /// How many of the connections to a shard may be pipelines, in percent. Where more session profiles
    /// need one, the profile that was not used for longest gives way.
    pub pipelines_percent: usize,
    /// A statement that holds its pipeline up for this long keeps the connection to itself: those behind
    /// it run elsewhere.
    pub pipeline_stall_ms: u64,
    /// Bytes that one statement may copy between shards.
    pub gather_bytes_max: usize,
    /// Rows that one statement may copy between shards.
    pub gather_rows_max: u64,
    /// Time for connecting to a shard and for a health check.
    pub connect_timeout_ms: u64,
    /// Time between health checks.
    pub health_interval_ms: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            connections_per_shard: 64,
            waiters_max: 100_000,
            wait_ms: 10_000,
            idle_s: 300,
            prepared_per_connection_max: 256,
            pipelines_per_profile: 1,
            pipelines_percent: 50,
            pipeline_stall_ms: 1_000,
            gather_bytes_max: 256 << 20,
            gather_rows_max: 5_000_000,
            connect_timeout_ms: 3_000,
            health_interval_ms: 2_000,
        }
    }
}

/// `[[users]]`: who may log in.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// The name.
    pub name: String,
    /// Verifiers as `shardwright hash-password` prints them. None means no password, which only a
    /// loopback listener accepts.
    #[serde(default)]
    pub password: Vec<String>,
}

impl std::fmt::Debug for UserConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "user {}", self.name)
    }
}
