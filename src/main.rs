//! The server binary: parses arguments, starts roles, stops them.
#![warn(missing_docs)]

mod cli;
mod config;
mod quickstart;
mod role;
mod status;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("SHARDWRIGHT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,openraft=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // One provider for every TLS connection of the process; a second call only says it is there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let result = match cli.command {
        cli::Command::Quickstart(args) => quickstart::run(&args),
        cli::Command::Proxy(args) => role::proxy::run(&args),
        cli::Command::Meta(args) => role::meta::run(&args),
        cli::Command::HashPassword => cli::hash_password(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("shardwright: {e}");
            ExitCode::FAILURE
        }
    }
}
