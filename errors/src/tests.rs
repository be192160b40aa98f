//! The rules that every entry of the catalogue keeps.

use crate::{Cause, ClientError, ErrorClass, NameList, Obstacle, Retry, docs};
use std::collections::BTreeSet;

/// A value for a field of a sample error.
pub(crate) trait Sample {
    /// One that shows the field's name, where it can.
    fn named(field: &'static str) -> Self;
}

impl Sample for String {
    fn named(field: &'static str) -> Self {
        field.to_string()
    }
}

impl Sample for &'static str {
    fn named(field: &'static str) -> Self {
        field
    }
}

impl Sample for NameList {
    fn named(field: &'static str) -> Self {
        [field].iter().collect()
    }
}

impl Sample for Obstacle {
    fn named(_: &'static str) -> Self {
        Obstacle::Clause { clause: "ORDER BY" }
    }
}

macro_rules! numbers {
    ($($type:ty),+) => {
        $(impl Sample for $type {
            fn named(_: &'static str) -> Self {
                7
            }
        })+
    };
}

numbers!(u8, u32, u64, usize);

/// Words of the house that a client cannot know, or that stand for a clearer one.
const NOT_IN_TEXTS: [&str; 9] = [
    "TODO",
    "told",
    " tell",
    "mend",
    "torn",
    "doom",
    "fan-out",
    "put together",
    "  ",
];

#[test]
fn every_error_renders_with_its_fields() {
    let samples = Cause::samples();
    assert_eq!(samples.len(), docs::entries().count());
    for (cause, entry) in samples.iter().zip(docs::entries()) {
        assert_eq!(cause.entry(), entry);
        let text = cause.to_string();
        assert!(!text.contains(['{', '}']), "{}: {text}", entry.name);
        let fixed = entry.text.split('{').next().unwrap_or_default();
        assert!(text.starts_with(fixed), "{}: {text}", entry.name);
    }
}

#[test]
fn texts_say_something_and_end_alike() {
    let (mut names, mut texts) = (BTreeSet::new(), BTreeSet::new());
    for entry in docs::entries() {
        assert!(names.insert(entry.name), "two are called {}", entry.name);
        let text = entry.text;
        assert!(!text.is_empty() && text.trim() == text, "{}", entry.name);
        assert!(
            !text.ends_with(['.', '!', ';', ':']),
            "{}: {text}",
            entry.name
        );
        assert!(texts.insert(text), "twice: {text}");
        for words in NOT_IN_TEXTS {
            assert!(!text.contains(words), "{} has {words:?}", entry.name);
            assert!(
                !entry.explanation.contains(words),
                "{} explains with {words:?}",
                entry.name
            );
        }
        let explanation = entry.explanation.trim();
        assert!(
            explanation.ends_with('.') && explanation.len() > 12,
            "{}: {explanation}",
            entry.name
        );
    }
}

#[test]
fn what_is_unsupported_comes_with_a_way_out() {
    for entry in docs::entries().filter(|e| e.class == ErrorClass::Unsupported) {
        let two_parts = entry.text.contains([';', ':']) || entry.text.contains(", not ");
        let of_servers = entry.code.symbol == "ER_UNSUPPORTED_PS";
        assert!(two_parts || of_servers, "{}: {}", entry.name, entry.text);
        assert_eq!(entry.retry, Retry::No, "{}", entry.name);
    }
}

#[test]
fn class_and_retry_go_together() {
    for entry in docs::entries() {
        let fits = match entry.class {
            ErrorClass::Mistake | ErrorClass::Denied | ErrorClass::Unsupported => {
                entry.retry == Retry::No
            }
            ErrorClass::Unavailable | ErrorClass::Aborted => entry.retry != Retry::No,
            ErrorClass::Internal => true,
        };
        assert!(fits, "{}: {:?}, {:?}", entry.name, entry.class, entry.retry);
    }
}

#[test]
fn a_number_has_one_sqlstate() {
    let mut codes: Vec<_> = docs::entries().map(|e| e.code).collect();
    codes.sort_by_key(|c| c.number);
    codes.dedup();
    assert!(codes.windows(2).all(|w| w[0].number != w[1].number));
}

#[test]
fn an_error_is_one_pointer_wide() {
    assert_eq!(size_of::<ClientError>(), size_of::<usize>());
    assert_eq!(size_of::<Result<(), ClientError>>(), size_of::<usize>());
}

#[test]
fn lists_of_names() {
    let list = |names: &[&str]| names.iter().collect::<NameList>().to_string();
    assert_eq!(
        (list(&[]), list(&["a"]), list(&["a", "b"])),
        ("none".into(), "a".into(), "a, b".into())
    );
}
