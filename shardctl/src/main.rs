//! The DBA's command line. Every verb is a request to the admin port of a proxy.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 3 no answer (it may have happened);
//! `inspect` ends with 0 ok, 10 warnings, 20 critical.

mod cli;
mod client;
mod noun;
mod output;
mod password;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use client::Client;
use std::process::ExitCode;

/// Something went wrong, and how to end.
pub(crate) struct Failed {
    /// For the person.
    pub(crate) text: String,
    /// For the shell.
    pub(crate) code: u8,
}

/// The exit code of a verb that was carried out.
pub(crate) type Shown = Result<u8, Failed>;

impl From<String> for Failed {
    fn from(text: String) -> Self {
        Failed { text, code: 1 }
    }
}

/// A reader that goes away (`shardctl audit | head -3`) ends the command quietly, as it does others.
#[allow(unsafe_code)]
fn end_with_the_reader() {
    // SAFETY: called before any other thread exists; SIG_DFL is a valid disposition for SIGPIPE.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

fn main() -> ExitCode {
    end_with_the_reader();
    let cli = Cli::parse();
    match &cli.command {
        Command::Completions { shell } => {
            clap_complete::generate(
                *shell,
                &mut Cli::command(),
                "shardctl",
                &mut std::io::stdout(),
            );
            return ExitCode::SUCCESS;
        }
        Command::Man { dir } => return finish(man_pages(dir)),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => return finish(Err(e.to_string().into())),
    };
    finish(runtime.block_on(run(&cli)))
}

fn finish(result: Result<u8, Failed>) -> ExitCode {
    match result {
        Ok(code) => code.into(),
        Err(e) => {
            eprintln!("shardctl: {}", e.text);
            e.code.into()
        }
    }
}

fn man_pages(dir: &std::path::Path) -> Result<u8, Failed> {
    let failed = |e: std::io::Error| Failed::from(format!("{}: {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)?;
    println!("man pages are in {}", dir.display());
    Ok(0)
}

async fn run(cli: &Cli) -> Result<u8, Failed> {
    let client = Client::new(cli)?;
    match &cli.command {
        Command::Cluster { verb } => noun::cluster::run(&client, verb).await,
        Command::Shard { verb } => noun::shard::run(&client, verb).await,
        Command::Database { verb } => noun::database::run(&client, verb).await,
        Command::Table { verb } => noun::table::run(&client, verb).await,
        Command::Rule { verb } => noun::rule::run(&client, verb).await,
        Command::Proxy { verb } => noun::proxy::run(&client, verb).await,
        Command::User { verb } => noun::user::run(&client, verb).await,
        Command::Session { verb } => noun::session::run(&client, verb).await,
        Command::Sequence { verb } => noun::sequence::run(&client, verb).await,
        Command::Settings { verb } => noun::settings::run(&client, verb).await,
        Command::Audit { limit } => noun::audit::run(&client, *limit).await,
        Command::Inspect { markdown } => noun::inspect::run(&client, *markdown).await,
        Command::Version => noun::version::run(&client).await,
        Command::Completions { .. } | Command::Man { .. } => Ok(0),
    }
}
