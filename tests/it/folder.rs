//! Folders of the tests: each goes with its value, and what a run had to leave goes with the next run.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder for one test. It is removed when dropped, unless the test failed: then it tells why. Values
/// that live as long as the process are never dropped; the next run removes their folders.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one.
    pub fn new(name: &str) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let of_this_run =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(std::process::id().to_string());
        let path = of_this_run.join(format!("{name}-{n}"));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

/// Removes the folders of runs that have ended; a run's folder bears its process id.
fn sweep() {
    let all = std::fs::read_dir(env!("CARGO_TARGET_TMPDIR"))
        .into_iter()
        .flatten()
        .flatten();
    for entry in all {
        let pid = entry.file_name().to_string_lossy().parse::<u32>();
        if pid.is_ok_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
