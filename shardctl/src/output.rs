//! Tables, JSON and questions.

use crate::Failed;
use admin_types::session::SilentProxy;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::{BufRead, IsTerminal, Write};

/// A table for people.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        println!("none");
        return;
    }
    let mut t = Table::new();
    t.load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    t.set_header(head.iter().map(|h| h.to_uppercase()));
    t.add_rows(rows);
    let text = t.to_string();
    text.lines().for_each(|l| println!("{}", l.trim_end()));
}

/// The answer as it came, for programs.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<u8, Failed> {
    let text = serde_json::to_string_pretty(value).map_err(|e| e.to_string())?;
    println!("{text}");
    Ok(0)
}

/// Something that may not be known.
pub(crate) fn maybe<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "-".to_string(), T::to_string)
}

/// What is missing in an answer of all proxies.
pub(crate) fn silent(list: &[SilentProxy], stale: &Option<String>) {
    for s in list {
        eprintln!("proxy {} ({}) {}", s.proxy, s.address, s.why);
    }
    stale.iter().for_each(|why| eprintln!("{why}"));
}

/// Asks before a change that is hard to take back.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), Failed> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(format!("{question} Repeat it with --yes.").into());
    }
    print!("{question} Type yes to go on: ");
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| e.to_string())?;
    match line.trim() {
        "yes" => Ok(()),
        _ => Err("nothing was changed".to_string().into()),
    }
}

/// Milliseconds since 1970 as a time in UTC.
pub(crate) fn time(ms: u64) -> String {
    let (days, rest) = (ms / 86_400_000, ms / 1000 % 86_400);
    // Howard Hinnant's civil_from_days, for days since 1970.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    let (h, m, s) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}")
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_utc() {
        assert_eq!(time(0), "1970-01-01 00:00:00");
        assert_eq!(time(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(time(1_795_219_199_000), "2026-11-20 23:59:59");
    }
}
