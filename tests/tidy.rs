//! The house rules that a compiler does not check: layers, sizes, banned words.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

/// Longest file.
const FILE_LINES_MAX: usize = 600;
/// Longest line.
const LINE_CHARS_MAX: usize = 110;
/// Longest function.
const FUNCTION_LINES_MAX: usize = 80;

/// Package folders by layer; a package may depend on lower layers, and within layer 1 as listed.
const LAYERS: [(&str, u8, &[&str]); 17] = [
    ("wire", 0, &[]),
    ("errors", 0, &[]),
    ("router/sql", 0, &[]),
    ("meta/catalog", 0, &[]),
    ("admin/types", 0, &["catalog"]),
    ("tls", 1, &[]),
    ("router", 1, &[]),
    ("shard", 1, &[]),
    ("schema", 1, &["shard"]),
    ("port", 1, &[]),
    ("meta/client", 1, &[]),
    ("meta", 1, &["meta-client", "port", "tls"]),
    ("peers", 1, &["meta-client"]),
    ("txn", 2, &[]),
    ("control", 2, &[]),
    ("proxy", 3, &[]),
    ("admin", 3, &[]),
];

/// Packages that a pure leaf must not have.
const NOT_IN_LEAVES: [&str; 6] = ["tokio", "socket2", "tracing", "rand", "axum", "libc"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn layer_of(name: &str) -> Option<u8> {
    let dir = match name {
        "sql" => "router/sql",
        "catalog" => "meta/catalog",
        "meta-client" => "meta/client",
        "admin-types" => "admin/types",
        other => other,
    };
    LAYERS.iter().find(|(d, ..)| *d == dir).map(|(_, l, _)| *l)
}

fn dependencies(dir: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(dir).join("Cargo.toml")).unwrap();
    let section = text.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap();
    let name = |l: &str| {
        l.split(['.', ' ', '='])
            .next()
            .unwrap_or_default()
            .to_string()
    };
    section
        .lines()
        .map(name)
        .filter(|n| !n.is_empty())
        .collect()
}

#[test]
fn layers_point_down() {
    for (dir, layer, siblings) in LAYERS {
        for d in dependencies(dir) {
            if layer == 0 {
                assert!(
                    !NOT_IN_LEAVES.contains(&d.as_str()),
                    "{dir} is a pure leaf, not with {d}"
                );
            }
            if let Some(other) = layer_of(&d) {
                let fine = other < layer || siblings.contains(&d.as_str());
                assert!(
                    fine,
                    "{dir} (layer {layer}) must not depend on {d} (layer {other})"
                );
            }
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut todo = vec![root().to_path_buf()];
    let mut out = Vec::new();
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let (path, name) = (
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            );
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules"
            {
                todo.push(path);
            } else if name.ends_with(".rs") {
                out.push(path);
            }
        }
    }
    assert!(out.len() > 80, "only {} sources found", out.len());
    out
}

#[test]
fn files_lines_and_functions_stay_small() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let shown = path.display();
        assert!(
            lines.len() <= FILE_LINES_MAX,
            "{shown} has {} lines",
            lines.len()
        );
        let mut start = None;
        for (i, line) in lines.iter().enumerate() {
            assert!(
                line.chars().count() <= LINE_CHARS_MAX,
                "{shown}:{} is too long",
                i + 1
            );
            let indent = line.len() - line.trim_start().len();
            let opens = line.contains("fn ") && !line.trim_start().starts_with("//");
            if opens && indent <= 4 {
                start = Some((i, indent));
            }
            if let Some((from, at)) = start
                && *line == format!("{}}}", " ".repeat(at))
            {
                let n = i - from + 1;
                assert!(
                    n <= FUNCTION_LINES_MAX,
                    "{shown}:{} has {n} lines",
                    from + 1
                );
                start = None;
            }
        }
    }
}

#[test]
fn no_unfinished_code() {
    let words = ["todo!(", "unimplemented!(", "#[ignore"].map(String::from);
    for path in sources().iter().filter(|p| !p.ends_with("tests/tidy.rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        for w in &words {
            assert!(!text.contains(w), "{} has {w}", path.display());
        }
    }
}

#[test]
fn every_file_begins_with_what_it_is() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("//!"),
            "{} has no //! paragraph",
            path.display()
        );
    }
}
