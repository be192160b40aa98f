//! Folders of earlier versions open, and damaged ones say so.

use crate::storage::Folder;
use meta::MetaNode;
use meta_client::MetaService;
use std::path::Path;

/// A record as the first version wrote it.
fn record(json: &str) -> Vec<u8> {
    let mut out = (json.len() as u32).to_le_bytes().to_vec();
    out.extend_from_slice(&crc32fast::hash(json.as_bytes()).to_le_bytes());
    out.extend_from_slice(json.as_bytes());
    out
}

const SNAPSHOT: &str = r#"{"format":1,"body":{"index":2,"catalog":{"epoch":2,"last_id":0,"shards":{
    "1":{"id":1,"name":"s1","host":"127.0.0.1","port":3311},
    "2":{"id":2,"name":"s2","host":"127.0.0.1","port":3312}},
    "databases":{},"tables":[],"rules":[],"jobs":{}},"sequences":{"7":101}}}"#;
const LOG: [&str; 3] = [
    r#"{"format":1,"body":[2,{"Change":{"PutShard":{"name":"s2","host":"127.0.0.1","port":3312}}}]}"#,
    r#"{"format":1,"body":[3,{"Lease":{"table":7,"at_least":0,"count":100}}]}"#,
    r#"{"format":1,"body":[4,{"Change":{"PutRule":{"table":{"database":"d","table":"t"},
        "rule":{"clause":"HASH (id)"}}}}]}"#,
];

fn write(dir: &Path) -> Vec<u8> {
    std::fs::write(dir.join("snapshot"), record(SNAPSHOT)).unwrap();
    let mut log: Vec<u8> = LOG.iter().flat_map(|r| record(r)).collect();
    // The last one was never acknowledged.
    log.extend_from_slice(&record(LOG[2])[..20]);
    std::fs::write(dir.join("log"), &log).unwrap();
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_the_first_version_is_imported_once() {
    let folder = Folder::new("v1");
    write(&folder.0);
    for start in 0..2 {
        let node = MetaNode::embedded(&folder.0).await.unwrap();
        let state = node.state().await.unwrap();
        assert_eq!(
            (state.catalog.epoch, state.catalog.shards.len()),
            (3, 2),
            "start {start}"
        );
        assert_eq!(state.catalog.rules.len(), 1);
        let ids = node.lease_ids(catalog::TableId(7), 0, 10).await.unwrap();
        assert_eq!(ids.start, 201 + start * 10);
        node.stop().await;
        drop(node);
        // The tasks of the node let go of the file one after the other.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_folder_of_the_first_version_is_named_and_not_half_loaded() {
    let folder = Folder::new("v1-damaged");
    let mut log = write(&folder.0);
    log[30] ^= 1;
    std::fs::write(folder.0.join("log"), log).unwrap();
    let error = MetaNode::embedded(&folder.0)
        .await
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("log is damaged") && error.contains("byte 0"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_or_log_entry_stops_the_node() {
    use meta::disk::{Disk, Durable, RedbDisk};
    let folder = Folder::new("damaged");
    let node = MetaNode::embedded(&folder.0).await.unwrap();
    node.lease_ids(catalog::TableId(1), 0, 10).await.unwrap();
    node.stop().await;
    drop(node);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let file = folder.0.join("meta.redb");
    let disk = RedbDisk::open(&file).unwrap();
    let (last, mut entry) = disk.last().unwrap().unwrap();
    let good = entry.clone();
    entry[40] ^= 1;
    disk.append(&[(last, entry)]).unwrap();
    drop(disk);
    let error = MetaNode::embedded(&folder.0)
        .await
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("damaged") && error.contains("log entry"),
        "{error}"
    );
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let disk = RedbDisk::open(&file).unwrap();
    disk.append(&[(last, good)]).unwrap();
    disk.put("snapshot", b"not a snapshot", Durable::Now)
        .unwrap();
    drop(disk);
    let error = MetaNode::embedded(&folder.0)
        .await
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("snapshot") && error.contains("damaged"),
        "{error}"
    );
}
