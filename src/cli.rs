//! Arguments of the command line.

use crate::log::LogFormat;
use clap::{Args, Parser, Subcommand};
use std::io::{BufRead, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Sharded SQL behind one MySQL endpoint.
#[derive(Debug, Parser)]
#[command(name = "shardwright", version, about)]
pub(crate) struct Cli {
    /// How the log is written; before log.format of a configuration file.
    #[arg(long, global = true, value_enum, env = "SHARDWRIGHT_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// What to run.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Roles and tools.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start private MariaDB shards, the proxy and a demo database on this machine.
    #[command(
        after_help = "Examples:\n  shardwright quickstart --shards 4 --detach\n  \
        shardwright quickstart --stop\n  shardwright quickstart --fresh"
    )]
    Quickstart(QuickstartArgs),
    /// Run the proxy from a configuration file.
    #[command(
        after_help = "Examples:\n  shardwright proxy --config shardwright.toml\n  \
        shardwright proxy --config shardwright.toml --check\n  \
        SHARDWRIGHT_PROXY__LISTEN=127.0.0.1:3308 shardwright proxy --config shardwright.toml"
    )]
    Proxy(ProxyArgs),
    /// Run a node of the metadata service.
    #[command(
        after_help = "Examples:\n  openssl rand -hex 32 >token && chmod 600 token\n  \
        shardwright meta --id 1 --dir m1 --listen 127.0.0.1:7001 --token-file token --init\n  \
        shardwright meta --id 2 --dir m2 --listen 127.0.0.1:7002 --token-file token \
        --join 127.0.0.1:7001"
    )]
    Meta(MetaArgs),
    /// Read a password from standard input and print its verifiers for the configuration file.
    #[command(after_help = "Example:\n  printf %s secret | shardwright hash-password")]
    HashPassword,
}

/// Arguments of `quickstart`.
#[derive(Debug, Clone, Args)]
pub(crate) struct QuickstartArgs {
    /// How many shards to start.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) shards: u16,
    /// Folder for data, logs and process ids.
    #[arg(long, default_value = ".shardwright")]
    pub(crate) dir: PathBuf,
    /// Port for MySQL clients, on 127.0.0.1.
    #[arg(long, default_value_t = 3307)]
    pub(crate) mysql_port: u16,
    /// Port for /healthz, /readyz and /metrics, on 127.0.0.1.
    #[arg(long, default_value_t = 8080)]
    pub(crate) admin_port: u16,
    /// Return when everything is ready, and leave it running.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Stop what an earlier start left running.
    #[arg(long, conflicts_with_all = ["detach", "fresh"])]
    pub(crate) stop: bool,
    /// Throw the data of an earlier start away.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Do not make the demo database.
    #[arg(long)]
    pub(crate) no_demo: bool,
    /// PEM file with a TLS certificate chain.
    #[arg(long, requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// PEM file with its key.
    #[arg(long, requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Offer TLS with a certificate made now.
    #[arg(long, conflicts_with = "tls_cert")]
    pub(crate) tls_self_signed: bool,
    /// Metadata nodes as processes of their own (1, 3 or 5) instead of one inside the proxy.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=5))]
    pub(crate) meta: u16,
    /// Threads that serve clients; 0 means one a core.
    #[arg(long, default_value_t = 0)]
    pub(crate) workers: usize,
    /// Shared connections of each worker to each shard; 0 turns sharing off.
    #[arg(long, default_value_t = 1, hide = true)]
    pub(crate) shared_connections: usize,
    /// End when standard input is closed, so that a parent's end is ours too.
    #[arg(long, hide = true)]
    pub(crate) until_stdin_closes: bool,
    /// An option for every shard server, such as innodb-buffer-pool-size=4G; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::quickstart::servers::option)]
    pub(crate) shard_option: Vec<String>,
    /// Connections to each shard, of all workers together.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
}

/// Arguments of `meta`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MetaArgs {
    /// Number of this node, for ever.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) id: u64,
    /// Folder of its log and state.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// Address for the other nodes and for proxies; anything but loopback needs TLS.
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    /// Host and port under which the others reach it, if not --listen.
    #[arg(long)]
    pub(crate) advertise: Option<String>,
    /// File with the cluster's token, readable by its owner alone.
    #[arg(long)]
    pub(crate) token_file: PathBuf,
    /// Found a new service; does nothing where this node belongs to one.
    #[arg(long, conflicts_with = "join")]
    pub(crate) init: bool,
    /// Join the service of this node (host:port); does nothing where this node belongs to one.
    #[arg(long)]
    pub(crate) join: Option<String>,
    /// PEM file with a TLS certificate chain.
    #[arg(long, requires_all = ["tls_key", "tls_ca"])]
    pub(crate) tls_cert: Option<PathBuf>,
    /// PEM file with its key.
    #[arg(long, requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// PEM file with the authority of the other nodes' certificates.
    #[arg(long, requires = "tls_cert")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// End when standard input is closed, so that a parent's end is ours too.
    #[arg(long, hide = true)]
    pub(crate) until_stdin_closes: bool,
}

/// Arguments of `proxy`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProxyArgs {
    /// The configuration file.
    #[arg(long, short, env = "SHARDWRIGHT_CONFIG")]
    pub(crate) config: PathBuf,
    /// Read and check the configuration, then end.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Prints the verifiers of the password on standard input.
pub(crate) fn hash_password() -> Result<(), String> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the password and press Enter (it will show):");
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| e.to_string())?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err("the password is empty".to_string());
    }
    let [native, crypt] = wire::password::verifiers(password).map_err(|e| e.to_string())?;
    println!("password = [\"{native}\", \"{crypt}\"]");
    Ok(())
}
