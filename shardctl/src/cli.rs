//! Arguments of the command line.

use crate::noun::*;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Inspect a Shardwright cluster and change it.
#[derive(Debug, Parser)]
#[command(
    name = "shardctl",
    version,
    about,
    after_help = "Exit codes: 0 done, 1 refused or failed, \
    2 wrong arguments, 3 no answer (it may have happened).\n`inspect`: 0 ok, 10 warnings, 20 critical."
)]
pub(crate) struct Cli {
    /// Admin port of a proxy.
    #[arg(
        long,
        global = true,
        default_value = "127.0.0.1:8080",
        env = "SHARDWRIGHT_ENDPOINT"
    )]
    pub(crate) endpoint: String,
    /// File with the token of the admin port; a quickstart needs none.
    #[arg(long, global = true, env = "SHARDWRIGHT_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Tables for people, or JSON for programs.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// What to show or change.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// How a change is made.
#[derive(Debug, Clone, Args)]
pub(crate) struct How {
    /// Only say what would happen.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask before a change that is hard to take back.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Only if the catalog is at this epoch (`shardctl version` shows it).
    #[arg(long)]
    pub(crate) expected_epoch: Option<u64>,
}

/// What there is.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The nodes of the metadata service.
    Cluster {
        #[command(subcommand)]
        verb: cluster::Verb,
    },
    /// Shards.
    Shard {
        #[command(subcommand)]
        verb: shard::Verb,
    },
    /// Databases.
    Database {
        #[command(subcommand)]
        verb: database::Verb,
    },
    /// Tables and where they are.
    Table {
        #[command(subcommand)]
        verb: table::Verb,
    },
    /// Sharding rules for tables to come.
    Rule {
        #[command(subcommand)]
        verb: rule::Verb,
    },
    /// Running proxies.
    Proxy {
        #[command(subcommand)]
        verb: proxy::Verb,
    },
    /// Clients' sessions, at every proxy.
    Session {
        #[command(subcommand)]
        verb: session::Verb,
    },
    /// Users of the cluster and what they may do.
    User {
        #[command(subcommand)]
        verb: user::Verb,
    },
    /// AUTO_INCREMENT of sharded tables.
    Sequence {
        #[command(subcommand)]
        verb: sequence::Verb,
    },
    /// Settings of the whole cluster.
    Settings {
        #[command(subcommand)]
        verb: settings::Verb,
    },
    /// Who changed what, newest first.
    Audit {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// A health report of everything.
    #[command(
        after_help = "Examples:\n  shardctl inspect\n  shardctl inspect --markdown >report.md\n  \
        shardctl inspect --output json | jq '.findings[] | select(.severity != \"ok\")'"
    )]
    Inspect {
        /// As a Markdown page.
        #[arg(long)]
        markdown: bool,
    },
    /// Versions, and the epoch of the catalog.
    Version,
    /// A completion script for a shell.
    #[command(
        after_help = "Example:\n  shardctl completions bash >/etc/bash_completion.d/shardctl"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Manual pages, into a folder.
    Man {
        /// The folder.
        dir: PathBuf,
    },
}
