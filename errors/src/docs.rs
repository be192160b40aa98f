//! `docs/errors.md`, made from the catalogue.

use crate::obstacle::ObstacleEntry;
use crate::{Cause, Entry, ErrorClass, Obstacle, Retry};
use std::fmt::Write;

/// Longest line of a paragraph.
const LINE_CHARS: usize = 110;

const HEAD: &str = "\
# Errors

<!-- Made from errors/src by `UPDATE_DOCS=1 cargo test -p shardwright-errors`; do not edit. -->

What the proxy itself answers with an ERR packet. Errors of a shard's server are passed on as they are and
are not listed. Numbers and SQLSTATEs are MySQL's, so that drivers and frameworks react as they would to one
server. Words in braces stand for names and values.
";

/// Every error of the catalogue, in the order of the documentation.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    Cause::AREAS.iter().flat_map(|area| area.entries)
}

/// The whole page.
pub fn markdown() -> String {
    let mut page = HEAD.to_string();
    meanings(
        &mut page,
        "Class",
        "whose matter it is; metrics count by it",
        &ErrorClass::ALL.map(|c| (c.name(), c.meaning())),
    );
    meanings(
        &mut page,
        "Retry",
        "whether a retry can help",
        &Retry::ALL.map(|r| (r.name(), r.meaning())),
    );
    numbers(&mut page);
    for area in Cause::AREAS {
        let _ = write!(page, "\n## {}\n", area.title);
        for entry in area.entries {
            section(&mut page, entry);
        }
    }
    page.push_str("\n## Why a statement cannot be spread over shards\n\n");
    page.push_str("| in the text | why |\n|---|---|\n");
    for obstacle in Obstacle::ENTRIES {
        let ObstacleEntry { text, explanation } = obstacle;
        let _ = writeln!(
            page,
            "| {} | {} |",
            without_formats(text),
            explanation.trim()
        );
    }
    page
}

fn meanings(page: &mut String, title: &str, what: &str, list: &[(&str, &str)]) {
    let _ = write!(page, "\n**{title}**: {what}.\n\n");
    for (name, meaning) in list {
        let _ = writeln!(page, "- {name}: {meaning}");
    }
}

/// Which errors have a number, for those who come from a log line.
fn numbers(page: &mut String) {
    let mut by_number: Vec<&Entry> = entries().collect();
    by_number.sort_by_key(|e| e.code.number);
    page.push_str("\n## By number\n\n| error | SQLSTATE | symbol | here |\n|---|---|---|---|\n");
    for group in by_number.chunk_by(|a, b| a.code == b.code) {
        let Some(first) = group.first() else { continue };
        let code = first.code;
        let here = match group {
            [_, _, _, _, _, _, ..] => format!("{} errors", group.len()),
            few => few.iter().map(link).collect::<Vec<_>>().join(", "),
        };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {here} |",
            code.number, code.sqlstate, code.symbol
        );
    }
}

fn link(entry: &&Entry) -> String {
    format!("[{}](#{})", entry.name, entry.name.to_ascii_lowercase())
}

fn section(page: &mut String, entry: &Entry) {
    let Entry {
        name,
        code,
        class,
        retry,
        text,
        explanation,
    } = entry;
    let facts = format!(
        "{} ({}), {}, retry: {}.{explanation}",
        code.number,
        code.sqlstate,
        class.name(),
        retry.name()
    );
    let _ = write!(page, "\n### {name}\n\n");
    put_wrapped(page, "> ", &without_formats(text));
    page.push('\n');
    put_wrapped(page, "", &facts);
}

/// Lines of at most [`LINE_CHARS`], each with `prefix`.
fn put_wrapped(page: &mut String, prefix: &str, text: &str) {
    let mut line = prefix.to_string();
    for word in text.split(' ') {
        if line.len() > prefix.len() && line.chars().count() + word.chars().count() >= LINE_CHARS {
            let _ = writeln!(page, "{}", line.trim_end());
            line = prefix.to_string();
        }
        line.push_str(word);
        line.push(' ');
    }
    let _ = writeln!(page, "{}", line.trim_end());
}

/// `{byte:#04x}` is for programs.
fn without_formats(text: &str) -> String {
    let mut out = String::new();
    let mut in_format = false;
    let mut in_braces = false;
    for c in text.chars() {
        match c {
            '{' => in_braces = true,
            '}' => (in_braces, in_format) = (false, false),
            ':' if in_braces => in_format = true,
            _ => {}
        }
        if !in_format {
            out.push(c);
        }
    }
    out
}
