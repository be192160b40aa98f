//! The log: lines for people or JSON for programs, on standard error.

use clap::ValueEnum;
use serde::Deserialize;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What is logged unless something else is asked for.
const FILTER_DEFAULT: &str = "info,openraft=warn";
/// Says what is logged, before the configuration.
const FILTER_VARIABLE: &str = "SHARDWRIGHT_LOG";

/// How a record is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// A line for people, coloured on a terminal.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// `[log]`: what is logged and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogConfig {
    /// Text or JSON.
    pub(crate) format: LogFormat,
    /// Levels by module, as `info,shardwright=debug`; empty for the default.
    pub(crate) filter: String,
}

/// Starts logging. What stands in the environment counts before what was configured.
pub(crate) fn start(config: &LogConfig) -> Result<(), String> {
    let from_environment = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let (at, text) = match (from_environment.as_str(), config.filter.as_str()) {
        ("", "") => ("the default", FILTER_DEFAULT),
        ("", text) => ("log.filter", text),
        (text, _) => (FILTER_VARIABLE, text),
    };
    let filter = EnvFilter::try_new(text)
        .map_err(|e| format!("{at} = {text}: {e}; give levels such as info,shard=debug"))?;
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => started.with_ansi(is_coloured()).try_init(),
        LogFormat::Json => started.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| e.to_string())
}

/// Colours are for terminals, and for people who have not asked to be spared (<https://no-color.org>).
fn is_coloured() -> bool {
    let spared = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    std::io::stderr().is_terminal() && !spared
}
