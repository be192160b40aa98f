//! Names of types and tests, and what stands at the beginning of a file.

use super::source::{Source, sources};
use std::collections::BTreeMap;

fn is_test(s: &Source) -> bool {
    let part = |name: &str| s.path.iter().any(|p| p == name);
    part("tests") || part("benches") || part("fuzz") || s.path.ends_with("tests.rs")
}

/// The word after a keyword, wherever it stands.
fn words_after<'s>(code: &'s str, keyword: &'s str) -> impl Iterator<Item = &'s str> {
    let name = |rest: &'s str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    };
    code.match_indices(keyword)
        .map(move |(at, _)| name(&code[at + keyword.len()..]))
}

#[test]
fn a_public_type_has_its_name_alone() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for s in sources().iter().filter(|s| !is_test(s)) {
        for kind in ["struct", "enum", "trait", "union", "type"] {
            // Associated types stand further to the right and have no `pub`.
            for name in words_after(&s.code, &format!("pub {kind} ")) {
                let place = s.path.display().to_string();
                places.entry(name.to_string()).or_default().push(place);
            }
        }
    }
    assert!(places.len() > 100, "only {} types found", places.len());
    places.retain(|_, p| p.len() > 1);
    let shown: Vec<_> = places
        .iter()
        .map(|(n, p)| format!("{n}: {}", p.join(", ")))
        .collect();
    assert!(
        shown.is_empty(),
        "one name, several public types:\n{}",
        shown.join("\n")
    );
}

/// A function that others call is a helper: as a test it passes without saying anything.
#[test]
fn what_others_use_is_no_test() {
    for s in sources() {
        for (at, _) in s.code.match_indices("test]") {
            let Some(name) = words_after(&s.code[at..], "fn ").next() else {
                continue;
            };
            let (call, path) = (format!(" {name}("), format!("::{name}\""));
            let calls = s.code.matches(&call).count();
            // By name, as the test of a process that another one starts.
            let named = s.text.matches(&path).count();
            let shown = s.path.display();
            assert!(
                calls == 1 && named == 0,
                "{shown}: the test {name} is used elsewhere"
            );
        }
    }
}

#[test]
fn no_unfinished_code() {
    let words = ["todo!(", "unimplemented!(", "#[ignore"];
    for s in sources() {
        for w in words {
            assert!(!s.code.contains(w), "{} has {w}", s.path.display());
        }
    }
}

#[test]
fn every_file_begins_with_what_it_is() {
    for s in sources() {
        let begins = s.text.starts_with("//!");
        assert!(begins, "{} has no //! paragraph", s.path.display());
    }
}
