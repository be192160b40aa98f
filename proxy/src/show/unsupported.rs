//! SHOW UNSUPPORTED: what a plain server does and a cluster refuses, from the error catalogue.

use errors::ErrorClass;
use errors::docs::entries;
use wire::resultset::ResultSet;

/// A row for each refusal, as docs/errors.md names and explains it.
pub(crate) fn rows() -> ResultSet {
    let columns = ["Name", "Error", "Text", "Meaning"];
    let mut set = ResultSet::with_text_columns(&columns);
    for entry in entries().filter(|e| e.class == ErrorClass::Unsupported) {
        let words: Vec<_> = entry.explanation.split_whitespace().collect();
        set.row([
            entry.name.to_string(),
            entry.code.number.to_string(),
            entry.text.to_string(),
            words.join(" "),
        ]);
    }
    set
}
