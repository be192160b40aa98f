//! Arguments of the command line.

use clap::{Args, Parser, Subcommand};
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

/// Sharded SQL behind one MySQL endpoint.
#[derive(Debug, Parser)]
#[command(name = "shardwright", version, about)]
pub struct Cli {
    /// What to run.
    #[command(subcommand)]
    pub command: Command,
}

/// Roles and tools.
#[derive(Debug, Subcommand)]
pub enum Command {
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
    /// Read a password from standard input and print its verifiers for the configuration file.
    #[command(after_help = "Example:\n  printf %s secret | shardwright hash-password")]
    HashPassword,
}

/// Arguments of `quickstart`.
#[derive(Debug, Clone, Args)]
pub struct QuickstartArgs {
    /// How many shards to start.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub shards: u16,
    /// Folder for data, logs and process ids.
    #[arg(long, default_value = ".shardwright")]
    pub dir: PathBuf,
    /// Port for MySQL clients, on 127.0.0.1.
    #[arg(long, default_value_t = 3307)]
    pub mysql_port: u16,
    /// Port for /healthz, /readyz and /metrics, on 127.0.0.1.
    #[arg(long, default_value_t = 8080)]
    pub admin_port: u16,
    /// Return when everything is ready, and leave it running.
    #[arg(long)]
    pub detach: bool,
    /// Stop what an earlier start left running.
    #[arg(long, conflicts_with_all = ["detach", "fresh"])]
    pub stop: bool,
    /// Throw the data of an earlier start away.
    #[arg(long)]
    pub fresh: bool,
    /// Do not make the demo database.
    #[arg(long)]
    pub no_demo: bool,
    /// PEM file with a TLS certificate chain.
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with its key.
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Offer TLS with a certificate made now.
    #[arg(long, conflicts_with = "tls_cert")]
    pub tls_self_signed: bool,
    /// Threads that serve clients; 0 means one a core.
    #[arg(long, default_value_t = 0)]
    pub workers: usize,
    /// Shared connections of each worker to each shard; 0 turns sharing off.
    #[arg(long, default_value_t = 1, hide = true)]
    pub shared_connections: usize,
    /// End when standard input is closed, so that a parent's end is ours too.
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
    /// Connections to each shard, of all workers together.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
}

/// Arguments of `proxy`.
#[derive(Debug, Clone, Args)]
pub struct ProxyArgs {
    /// The configuration file.
    #[arg(long, short, env = "SHARDWRIGHT_CONFIG")]
    pub config: PathBuf,
    /// Read and check the configuration, then end.
    #[arg(long)]
    pub check: bool,
}

/// Prints the verifiers of the password on standard input.
pub fn hash_password() -> Result<(), String> {
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
    let [native, crypt] = proxy::users::hash_password(password)?;
    println!("password = [\"{native}\", \"{crypt}\"]");
    Ok(())
}
