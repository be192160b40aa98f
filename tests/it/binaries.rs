//! The binaries under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The server.
pub const SHARDWRIGHT: &str = env!("CARGO_BIN_EXE_shardwright");

/// The command line. It belongs to another package, so cargo makes it for `cargo test --workspace`, but
/// not for this file alone: it is built here if it is missing or older than its sources.
pub fn shardctl() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let folder = Path::new(SHARDWRIGHT).parent().unwrap();
        let binary = folder.join("shardctl");
        if !is_fresh(&binary) {
            build(folder);
        }
        assert!(is_fresh(&binary), "{} cannot be built", binary.display());
        binary
    })
}

fn changed(path: impl AsRef<Path>) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

/// Cargo lists the sources of a binary beside it: `binary: source source ...`.
fn is_fresh(binary: &Path) -> bool {
    let list = std::fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let (Some((_, sources)), Some(built)) = (list.split_once(": "), changed(binary)) else {
        return false;
    };
    let is_older = |source: &str| changed(source).is_some_and(|at| at <= built);
    sources.split_whitespace().all(is_older)
}

fn build(folder: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "-p", "shardwright-shardctl"])
        .arg("--target-dir")
        .arg(folder.parent().unwrap());
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let done = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(done.unwrap().success());
}
