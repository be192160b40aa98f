//! The proxy's configuration: one documented struct a section, defaults in one place, unknown keys
//! refused.

use serde::Deserialize;
use shard::{HealthTiming, Timeouts};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Client connections of one user at once; 0 leaves them to `max_connections`.
    pub connections_per_user_max: usize,
    /// Bytes of statements that come in, longer than 64 KiB each, of all clients together; what compressed
    /// ones come to is counted before it is unpacked.
    pub client_buffers_bytes: usize,
    /// Time for a client to log in.
    pub handshake_timeout_ms: u64,
    /// A client that sends nothing for this long is disconnected (wait_timeout).
    pub idle_timeout_s: u64,
    /// A client that takes nothing for this long is disconnected (net_write_timeout).
    pub write_timeout_s: u64,
    /// A client that was asked for something (a local file, a password) and sends nothing for this long is
    /// disconnected (net_read_timeout).
    pub read_timeout_s: u64,
    /// A silent client is probed after this time (TCP keepalive).
    pub tcp_keepalive_s: u64,
    /// A client is gone when bytes stay unacknowledged for this long (TCP_USER_TIMEOUT).
    pub tcp_user_timeout_ms: u64,
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
    /// Statements may give ids that only the proxies know to be unique: for restores.
    pub explicit_ids: bool,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3307)),
            workers: 0,
            max_connections: 20_000,
            max_allowed_packet_bytes: 64 << 20,
            connections_per_user_max: 0,
            client_buffers_bytes: 1 << 30,
            handshake_timeout_ms: 10_000,
            idle_timeout_s: 28_800,
            write_timeout_s: 60,
            read_timeout_s: 30,
            tcp_keepalive_s: 60,
            tcp_user_timeout_ms: 60_000,
            tls_cert: None,
            tls_key: None,
            require_tls: false,
            prepared_per_session_max: 4_096,
            plan_cache_bytes: 16 << 20,
            local_infile: true,
            explicit_ids: false,
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
    /// A client that takes nothing of its answer for this long is cut off if others wait for the
    /// connection that it holds.
    pub slow_client_ms: u64,
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
    /// Time for connecting to a shard and logging in, and for a health check.
    pub connect_timeout_ms: u64,
    /// Time for a KILL to be done on a shard.
    pub kill_timeout_ms: u64,
    /// Time for a shard to say that it is there before a COMMIT on several shards.
    pub ping_timeout_ms: u64,
    /// Time for a shard's answer to COMMIT; what became of it is unknown then.
    pub commit_timeout_ms: u64,
    /// Time for what the proxy asks a shard for itself: settings, ROLLBACK, savepoints, warnings.
    pub own_statement_timeout_ms: u64,
    /// Time between health checks.
    pub health_interval_ms: u64,
    /// Time between health checks after one that failed; it doubles up to the usual one.
    pub health_retry_ms: u64,
    /// A shard whose health checks have failed for this long counts as down: what waits for it ends with
    /// an error, and new statements fail at once.
    pub down_after_ms: u64,
    /// A silent connection to a shard is probed after this time (TCP keepalive).
    pub tcp_keepalive_s: u64,
    /// A connection to a shard is broken when bytes stay unacknowledged for this long (TCP_USER_TIMEOUT).
    pub tcp_user_timeout_ms: u64,
}

impl PoolConfig {
    /// How long a shard's server is waited for.
    pub fn timeouts(&self) -> Timeouts {
        Timeouts {
            connect: Duration::from_millis(self.connect_timeout_ms),
            kill: Duration::from_millis(self.kill_timeout_ms),
            ping: Duration::from_millis(self.ping_timeout_ms),
            commit: Duration::from_millis(self.commit_timeout_ms),
            own: Duration::from_millis(self.own_statement_timeout_ms),
            keepalive: Duration::from_secs(self.tcp_keepalive_s),
            unacknowledged: Duration::from_millis(self.tcp_user_timeout_ms),
        }
    }

    /// When shards are checked, and when one counts as down.
    pub fn health_timing(&self) -> HealthTiming {
        HealthTiming {
            interval: Duration::from_millis(self.health_interval_ms),
            retry: Duration::from_millis(self.health_retry_ms),
            down_after: Duration::from_millis(self.down_after_ms),
        }
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            connections_per_shard: 64,
            waiters_max: 100_000,
            wait_ms: 10_000,
            slow_client_ms: 5_000,
            idle_s: 300,
            prepared_per_connection_max: 256,
            pipelines_per_profile: 1,
            pipelines_percent: 50,
            pipeline_stall_ms: 1_000,
            gather_bytes_max: 256 << 20,
            gather_rows_max: 5_000_000,
            connect_timeout_ms: 3_000,
            kill_timeout_ms: 3_000,
            ping_timeout_ms: 3_000,
            commit_timeout_ms: 60_000,
            own_statement_timeout_ms: 10_000,
            health_interval_ms: 2_000,
            health_retry_ms: 250,
            down_after_ms: 10_000,
            tcp_keepalive_s: 30,
            tcp_user_timeout_ms: 30_000,
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
