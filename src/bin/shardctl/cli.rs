//! Arguments of the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Look at a Shardwright cluster and change it.
#[derive(Debug, Parser)]
#[command(
    name = "shardctl",
    version,
    about,
    after_help = "Exit codes: 0 done, 1 refused or failed, \
    2 wrong arguments, 3 no answer (it may have happened).\n`inspect`: 0 fine, 10 warnings, 20 critical."
)]
pub struct Cli {
    /// Admin port of a proxy.
    #[arg(
        long,
        global = true,
        default_value = "127.0.0.1:8080",
        env = "SHARDWRIGHT_ENDPOINT"
    )]
    pub endpoint: String,
    /// File with the token of the admin port; a quickstart needs none.
    #[arg(long, global = true, env = "SHARDWRIGHT_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Tables for people, or JSON for programs.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// What to look at or change.
    #[command(subcommand)]
    pub command: Command,
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// How a change is made.
#[derive(Debug, Clone, Args)]
pub struct How {
    /// Only say what would happen.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before a change that is hard to take back.
    #[arg(long, short)]
    pub yes: bool,
    /// Only if the catalog is at this epoch (`shardctl version` tells it).
    #[arg(long)]
    pub expected_epoch: Option<u64>,
}

/// What there is.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The nodes of the metadata service.
    Cluster {
        /// What to do.
        #[command(subcommand)]
        verb: ClusterVerb,
    },
    /// Shards.
    Shard {
        /// What to do.
        #[command(subcommand)]
        verb: ShardVerb,
    },
    /// Databases.
    Database {
        /// What to do.
        #[command(subcommand)]
        verb: DatabaseVerb,
    },
    /// Tables and where they are.
    Table {
        /// What to do.
        #[command(subcommand)]
        verb: TableVerb,
    },
    /// Sharding rules for tables to come.
    Rule {
        /// What to do.
        #[command(subcommand)]
        verb: RuleVerb,
    },
    /// Running proxies.
    Proxy {
        /// What to do.
        #[command(subcommand)]
        verb: ProxyVerb,
    },
    /// Users of the cluster and what they may do.
    User {
        /// What to do.
        #[command(subcommand)]
        verb: UserVerb,
    },
    /// AUTO_INCREMENT of sharded tables.
    Sequence {
        /// What to do.
        #[command(subcommand)]
        verb: SequenceVerb,
    },
    /// Settings of the whole cluster.
    Settings {
        /// What to do.
        #[command(subcommand)]
        verb: SettingsVerb,
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
        shardctl inspect --output json | jq '.findings[] | select(.severity != \"fine\")'"
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

/// `shardctl cluster`
#[derive(Debug, Subcommand)]
pub enum ClusterVerb {
    /// The nodes, who leads, how far each one is.
    Status,
    /// Found the service on a node that was started without --init and --join. Asks the node itself;
    /// --token-file names the cluster's token.
    #[command(
        after_help = "Example:\n  shardctl --token-file cluster.token cluster init 127.0.0.1:7101"
    )]
    Init {
        /// Host and port of the node (its --listen).
        node: String,
        /// PEM file with the authority of the nodes' certificates; without it the node must be on
        /// loopback.
        #[arg(long)]
        tls_ca: Option<PathBuf>,
    },
    /// Add a node as a learner (`shardwright meta --join` does this and promotes it).
    Add {
        /// Its number.
        id: u64,
        /// Its host and port.
        address: String,
    },
    /// Give a learner a vote.
    Promote {
        /// Its number.
        id: u64,
    },
    /// Take a node out.
    Remove {
        /// Its number.
        id: u64,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// `shardctl shard`
#[derive(Debug, Subcommand)]
pub enum ShardVerb {
    /// All shards.
    List,
    /// One shard.
    Show {
        /// Its name.
        name: String,
    },
    /// Add a shard, or give one another address; the server is looked at first.
    #[command(after_help = "Example:\n  shardctl shard add s3 10.0.0.13 --dry-run")]
    Add {
        /// Its name.
        name: String,
        /// Host of its primary.
        host: String,
        /// Port of its primary.
        #[arg(long, default_value_t = 3306)]
        port: u16,
        /// Add it although a check found something critical.
        #[arg(long)]
        force: bool,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// Place nothing new on a shard; what is there stays served.
    Disable {
        /// Its name.
        name: String,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// Place new tables on a shard again.
    Enable {
        /// Its name.
        name: String,
        /// How.
        #[command(flatten)]
        how: How,
    },
}

/// `shardctl database`
#[derive(Debug, Subcommand)]
pub enum DatabaseVerb {
    /// All databases.
    List,
    /// One database and its tables.
    Show {
        /// Its name.
        name: String,
    },
}

/// `shardctl table`
#[derive(Debug, Subcommand)]
pub enum TableVerb {
    /// All tables.
    List,
    /// Enter a table that the shards have already into the catalog, once every row is where the rule
    /// says. Statements cannot use the table while it is looked at.
    #[command(
        after_help = "Examples:\n  shardctl table import shop.old 'SINGLE ON s1'\n  \
        shardctl table import shop.city REFERENCE\n  \
        shardctl table import shop.orders 'HASH (user_id)' --dry-run"
    )]
    Import {
        /// database.table
        table: String,
        /// What would follow SHARD BY, or SINGLE, or REFERENCE.
        clause: String,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// One table.
    Show {
        /// database.table
        table: String,
    },
}

/// `shardctl rule`
#[derive(Debug, Subcommand)]
pub enum RuleVerb {
    /// Rules that wait for their table.
    List,
    /// A rule for a table that will be created later, by a migration tool for instance.
    #[command(
        after_help = "Examples:\n  shardctl rule create shop.orders 'HASH (user_id)'\n  \
        shardctl rule create shop.events \"RANGE (day) (PARTITION old VALUES LESS THAN ('2026-01-01') \
        ON s1, PARTITION rest VALUES LESS THAN (MAXVALUE) ON s2)\""
    )]
    Create {
        /// database.table
        table: String,
        /// What follows SHARD BY.
        clause: String,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// Take a waiting rule back.
    Drop {
        /// database.table
        table: String,
        /// How.
        #[command(flatten)]
        how: How,
    },
}

/// `shardctl proxy`
#[derive(Debug, Subcommand)]
pub enum ProxyVerb {
    /// Running proxies, their epochs and when each was heard of.
    List,
    /// Let a proxy take no new clients and let go of the idle ones, before an upgrade for instance.
    Drain {
        /// Its incarnation (`shardctl proxy list`).
        incarnation: u64,
        /// Let it take clients again.
        #[arg(long)]
        undo: bool,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// End an incarnation for ever; a proxy that still runs registers anew.
    Fence {
        /// Its number.
        incarnation: u64,
        /// How.
        #[command(flatten)]
        how: How,
    },
}

/// `shardctl user`
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  shardctl user add app\n  shardctl user grant app shop read,write\n  \
    shardctl user grant dba '*' admin\n\nRights: read, write, ddl (structure), admin (all of these and the \
    database itself; on '*' the cluster too)."
)]
pub enum UserVerb {
    /// All users of the cluster; those of a proxy's configuration file are not among them.
    List,
    /// One user.
    Show {
        /// The name.
        name: String,
    },
    /// A new user, without rights; asks for the password. Only hashes of it leave this process.
    Add {
        /// The name.
        name: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordFrom,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// Another password; asks for it.
    Password {
        /// The user.
        name: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordFrom,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// The user may not log in any more; its sessions end with their next statement.
    Drop {
        /// The user.
        name: String,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// Rights on a database, from the next statement on.
    Grant {
        /// The user.
        name: String,
        /// The database, or '*' for all.
        database: String,
        /// read, write, ddl, admin, with commas.
        rights: catalog::Rights,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// Take rights on a database back, from the next statement on.
    Revoke {
        /// The user.
        name: String,
        /// The database, or '*' for what was granted on all.
        database: String,
        /// read, write, ddl, admin, with commas.
        rights: catalog::Rights,
        /// How.
        #[command(flatten)]
        how: How,
    },
}

/// Where a password comes from, if a person does not type it.
#[derive(Debug, Clone, Args)]
pub struct PasswordFrom {
    /// File with the password in its first line; - is standard input.
    #[arg(long, conflicts_with = "generate")]
    pub password_file: Option<PathBuf>,
    /// Make a strong one and print it, once.
    #[arg(long)]
    pub generate: bool,
}

/// `shardctl sequence`
#[derive(Debug, Subcommand)]
pub enum SequenceVerb {
    /// The next id of each table.
    List,
    /// Raise the next id, after data was restored for instance; it never goes back.
    Set {
        /// database.table
        table: String,
        /// The next id.
        next: u64,
        /// How.
        #[command(flatten)]
        how: How,
    },
}

/// `shardctl settings`
#[derive(Debug, Subcommand)]
pub enum SettingsVerb {
    /// All settings.
    List,
    /// What one does.
    Describe {
        /// Its name.
        name: String,
    },
    /// Change one.
    Set {
        /// Its name.
        name: String,
        /// Its value; without one its default.
        value: Option<String>,
        /// How.
        #[command(flatten)]
        how: How,
    },
}
