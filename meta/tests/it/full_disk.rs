//! A disk that takes no more: what is not stored is not acknowledged, and the others go on.

use crate::storage::Folder;
use catalog::{Change, Command};
use meta::MetaNode;
use meta::disk::{Disk, DiskError, DiskResult, Durable, RedbDisk};
use meta_client::MetaService;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A disk that can be full.
struct Full {
    disk: RedbDisk,
    full: Arc<AtomicBool>,
}

impl Full {
    fn write(&self) -> DiskResult<()> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(DiskError::new(Path::new("disk"), "No space left on device")),
            false => Ok(()),
        }
    }
}

impl Disk for Full {
    fn append(&self, entries: &[(u64, Vec<u8>)]) -> DiskResult<()> {
        self.write()?;
        self.disk.append(entries)
    }

    fn read(&self, from: u64, to: u64) -> DiskResult<Vec<(u64, Vec<u8>)>> {
        self.disk.read(from, to)
    }

    fn last(&self) -> DiskResult<Option<(u64, Vec<u8>)>> {
        self.disk.last()
    }

    fn truncate(&self, from: u64) -> DiskResult<()> {
        self.write()?;
        self.disk.truncate(from)
    }

    fn purge(&self, through: u64, name: &str, blob: &[u8]) -> DiskResult<()> {
        self.write()?;
        self.disk.purge(through, name, blob)
    }

    fn put(&self, name: &str, blob: &[u8], durable: Durable) -> DiskResult<()> {
        self.write()?;
        self.disk.put(name, blob, durable)
    }

    fn get(&self, name: &str) -> DiskResult<Option<Vec<u8>>> {
        self.disk.get(name)
    }
}

fn put(name: &str) -> Change {
    Change::Catalog(Command::PutShard {
        name: name.into(),
        host: "127.0.0.1".into(),
        port: 3306,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_that_is_not_stored() {
    let folder = Folder::new("full");
    let full = Arc::new(AtomicBool::new(false));
    let disk = Full {
        disk: RedbDisk::open(&folder.0.join("meta.redb")).unwrap(),
        full: full.clone(),
    };
    let node = MetaNode::start_on(1, Arc::new(disk), None).await.unwrap();
    node.found("alone").await.unwrap();
    node.submit("dba", put("s1"), None).await.unwrap();
    full.store(true, Ordering::SeqCst);
    let refused = node
        .submit("dba", put("s2"), None)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("No space left"), "{refused}");
    assert_eq!(node.watch().borrow().shards.len(), 1);
    // The node has stopped rather than go on with half a log; space and a restart bring it back.
    assert!(node.submit("dba", put("s3"), None).await.is_err());
    assert!(node.failed().await.contains("No space left"));
    node.stop().await;
    drop(node);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let node = MetaNode::embedded(&folder.0).await.unwrap();
    node.submit("dba", put("s4"), None).await.unwrap();
    let names: Vec<_> = node
        .state()
        .await
        .unwrap()
        .catalog
        .shards
        .values()
        .map(|s| s.name.clone())
        .collect();
    assert_eq!(names, ["s1", "s4"]);
}
