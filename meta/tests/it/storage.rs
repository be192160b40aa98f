//! Every engine passes openraft's own suite and keeps what it acknowledged through kill -9.

use meta::disk::{Disk, RedbDisk};
use meta::raft::log_store::LogStore;
use meta::raft::machine::Machine;
use meta::raft::{StorageError, TypeConfig};
use openraft::testing::{StoreBuilder, Suite};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A folder that goes with the value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The engines of this build.
fn engines() -> Vec<&'static str> {
    if cfg!(feature = "sled") {
        vec!["redb", "sled"]
    } else {
        vec!["redb"]
    }
}

fn open(engine: &str, dir: &Path) -> Arc<dyn Disk> {
    match engine {
        "redb" => Arc::new(RedbDisk::open(&dir.join("meta.redb")).unwrap()),
        #[cfg(feature = "sled")]
        "sled" => Arc::new(meta::disk::SledDisk::open(&dir.join("sled")).unwrap()),
        other => panic!("{other}"),
    }
}

struct Builder(&'static str);

impl StoreBuilder<TypeConfig, LogStore, Machine, Folder> for Builder {
    async fn build(&self) -> Result<(Folder, LogStore, Machine), StorageError> {
        let folder = Folder::new("suite");
        let disk = open(self.0, &folder.0);
        let machine = Machine::open(disk.clone()).unwrap();
        Ok((folder, LogStore(disk), machine))
    }
}

#[test]
fn openrafts_suite_passes() {
    for engine in engines() {
        Suite::test_all(Builder(engine)).unwrap();
    }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    for engine in engines() {
        let folder = Folder::new("kill9");
        let mut acknowledged = None;
        for round in 0..12u64 {
            let mut child = Command::new(env!("CARGO_BIN_EXE_append-until-killed"))
                .arg(engine)
                .arg(&folder.0)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let out = BufReader::new(child.stdout.take().unwrap());
            let killer = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(150 + 17 * round));
                child.kill().unwrap();
                child.wait().unwrap();
            });
            for line in out.lines().map_while(Result::ok) {
                if let Some(n) = line.strip_prefix("acknowledged ") {
                    acknowledged = n.parse::<u64>().ok().max(acknowledged);
                }
            }
            killer.join().unwrap();
            let disk = open(engine, &folder.0);
            let last = disk.last().unwrap().map(|(n, _)| n);
            assert!(
                last >= acknowledged,
                "{engine}: {last:?} < {acknowledged:?}"
            );
            let all = disk.read(0, u64::MAX).unwrap();
            for (n, (at, bytes)) in all.iter().enumerate() {
                assert_eq!((*at, bytes), (n as u64, &format!("entry {n}").into_bytes()));
            }
            let vote: Option<u64> = disk
                .get("vote")
                .unwrap()
                .map(|v| String::from_utf8(v).unwrap().parse().unwrap());
            assert!(vote >= acknowledged, "{engine}");
        }
        assert!(acknowledged > Some(20), "{engine}: {acknowledged:?}");
    }
}
