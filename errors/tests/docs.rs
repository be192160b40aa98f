//! docs/errors.md is what the catalogue says.
//!
//! `UPDATE_DOCS=1 cargo test -p shardwright-errors` writes it.
#![allow(clippy::unwrap_used, clippy::panic)]

#[test]
fn the_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
    let page = errors::docs::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/errors.md is stale: UPDATE_DOCS=1 cargo test -p shardwright-errors"
    );
}
