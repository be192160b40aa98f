//! The server binary: parses arguments, starts roles, stops them.
#![warn(missing_docs)]

mod cli;
mod config;
mod log;
mod quickstart;
mod role;
mod status;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // One provider for every TLS connection of the process; a second call only says it is there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("shardwright: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &cli::Cli) -> Result<(), String> {
    let asked = log::LogConfig {
        format: cli.log_format.unwrap_or_default(),
        ..Default::default()
    };
    match &cli.command {
        cli::Command::Proxy(args) => {
            let mut config = config::load(&args.config)?;
            config.log.format = cli.log_format.unwrap_or(config.log.format);
            log::start(&config.log)?;
            role::proxy::run(config, args)
        }
        cli::Command::Quickstart(args) => {
            log::start(&asked)?;
            quickstart::run(args)
        }
        cli::Command::Meta(args) => {
            log::start(&asked)?;
            role::meta::run(args)
        }
        cli::Command::HashPassword => cli::hash_password(),
    }
}
