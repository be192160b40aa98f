//! What format 2 wrote (the files of `fixtures/v2`, made by the version that wrote it) opens, and means the
//! same: the same tables, and every key of a sample on the shard where it was.

use crate::storage::Folder;
use catalog::earlier::Shape1;
use catalog::{Catalog, KeyValue, Placement, Right, State, Table, Use};
use meta::MetaNode;
use meta::disk::{Disk, Durable, RedbDisk};
use meta_client::MetaService;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/v2")
        .join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).unwrap()
}

/// A value as format 2 sealed it.
fn sealed(json: &str) -> Vec<u8> {
    let mut tail = (json.len() as u32).to_le_bytes().to_vec();
    tail.extend_from_slice(&2u32.to_le_bytes());
    tail.extend_from_slice(json.as_bytes());
    let mut out = crc32fast::hash(&tail).to_le_bytes().to_vec();
    out.extend_from_slice(&tail);
    out
}

/// A node's folder; without a snapshot everything comes from the log.
fn restore(dir: &Path, with_snapshot: bool) {
    let disk = RedbDisk::open(&dir.join("meta.redb")).unwrap();
    for line in text("blobs.txt").lines() {
        let (name, json) = line.split_once(' ').unwrap();
        if with_snapshot || name != "snapshot" {
            disk.put(name, &sealed(json), Durable::Now).unwrap();
        }
    }
    let log = text("log.txt");
    let entry = |line: &str| {
        let (number, json) = line.split_once(' ').unwrap();
        (number.parse().unwrap(), sealed(json))
    };
    let entries: Vec<_> = log.lines().map(entry).collect();
    disk.append(&entries).unwrap();
}

const SAMPLES: [&str; 44] = [
    "NULL",
    "-1",
    "0",
    "1",
    "2",
    "3",
    "5",
    "9",
    "10",
    "11",
    "42",
    "99",
    "100",
    "101",
    "1000",
    "12345",
    "999999",
    "1.50",
    "-0.05",
    "9.99",
    "10.01",
    "north",
    "North",
    "south",
    "east",
    "west",
    "nowhere",
    "a",
    "b",
    "zz",
    "2024-12-31",
    "2025-01-01",
    "2025-06-30",
    "2026-01-01",
    "2026-05-05 10:00:00",
    "1,a",
    "10,m",
    "10,n",
    "11,a",
    "2,NULL",
    "NULL,NULL",
    "7,x",
    "100000,zz",
    "9,NULL",
];

/// A sample as a key of the table, if it can be one.
fn key(sample: &str, table: &Table) -> Option<Vec<KeyValue>> {
    let columns = &table.sharding()?.key;
    let values: Vec<_> = sample.split(',').collect();
    if values.len() != columns.len() {
        return None;
    }
    let value = |(text, column): (&str, &catalog::KeyColumn)| match (text, text.parse::<i128>()) {
        ("NULL", _) => Some(KeyValue::Null),
        (_, Ok(n)) => column.kind.from_int(n, Use::Store).ok(),
        _ => {
            let as_text = column.kind.from_text(text.as_bytes(), true, Use::Store);
            as_text
                .or_else(|_| column.kind.from_decimal(text, Use::Store))
                .ok()
        }
    };
    values.into_iter().zip(columns).map(value).collect()
}

/// Every table with its place, and where the samples are: as `routing.txt` has it.
fn routing(c: &Catalog) -> String {
    let mut out = String::new();
    for t in c.tables.values() {
        let shards = match &t.placement {
            Placement::Single(s) | Placement::View(s) => vec![*s],
            Placement::Reference => c.shard_ids(),
            Placement::Sharded(s) => s.shards().to_vec(),
        };
        let shards: Vec<_> = shards.iter().map(|s| c.shard_name(*s)).collect();
        let (shards, columns) = (shards.join(","), t.definition.visible_names().join(","));
        let (id, kind) = (t.id.0, t.placement.kind());
        write!(
            out,
            "table {} id {id} {kind} on {shards} columns {columns}",
            t.name
        )
        .unwrap();
        if let Some(a) = &t.auto_increment {
            write!(out, " auto_increment {} to {}", a.column, a.max).unwrap();
        }
        out.push('\n');
        let Some(s) = t.sharding() else { continue };
        let names: Vec<_> = s.key.iter().map(|k| k.name.as_str()).collect();
        let (group, names, parts) = (s.group.id.0, names.join(","), s.group.partitions().len());
        writeln!(out, "  group {group} key {names} partitions {parts}").unwrap();
        for sample in SAMPLES {
            let Some(key) = key(sample, t) else { continue };
            let at = s.shard(&key);
            let at = at.map_or("nowhere", |s| c.shard_name(s));
            writeln!(out, "  {sample} -> {at}").unwrap();
        }
    }
    out
}

fn check(state: &State) {
    let c = &state.catalog;
    assert_eq!(routing(c), text("routing.txt"));
    let shard = |s: &catalog::Shard| {
        let p = s.primary();
        let (id, name, disabled) = (s.id.0, &s.name, s.disabled);
        format!("{id} {name} {} {}:{} {disabled}", p.id.0, p.host, p.port)
    };
    let shards: Vec<_> = c.shards.values().map(shard).collect();
    assert_eq!(
        shards,
        [
            "1 s1 1 s1.example:3311 false",
            "2 s2 2 s2b.example:4312 false",
            "3 s3 3 s3.example:3313 true"
        ]
    );
    let homes: Vec<_> = c
        .databases
        .iter()
        .map(|(n, d)| (n.as_str(), d.default_shard.0))
        .collect();
    assert_eq!(homes, [("crm", 2), ("shop", 1)]);
    let rules: Vec<_> = c
        .rules
        .iter()
        .map(|(n, r)| format!("{n}: {}", r.clause))
        .collect();
    assert_eq!(rules, ["shop.later: HASH (id) WITH shop.users"]);
    let jobs: Vec<_> = c
        .jobs
        .values()
        .map(|j| {
            let far: Vec<_> = j.progress().into_iter().map(|(_, far)| far).collect();
            format!(
                "{} {}: {}",
                j.objects[0],
                j.statement_text(),
                far.join(", ")
            )
        })
        .collect();
    assert_eq!(
        jobs,
        [
            "shop.users ALTER TABLE shop.users ADD COLUMN age INT: done, done, pending",
            "crm.later import of crm.later as REFERENCE: checked, to be checked, to be checked",
            "shop.settings CREATE INDEX i ON shop.settings (v): pending"
        ]
    );
    let users: Vec<_> = c.users.keys().map(String::as_str).collect();
    assert_eq!(users, ["ada", "bob"]);
    assert!(c.users["ada"].is_admin());
    assert!(c.users["bob"].may(Right::Read, "shop") && !c.users["bob"].may(Right::Write, "shop"));
    assert!(
        !c.users["bob"].may_enter("old"),
        "it went with its database"
    );
    let running: Vec<_> = state
        .incarnations
        .iter()
        .map(|(n, i)| (*n, i.name.as_str(), i.draining))
        .collect();
    assert_eq!(running, [(2, "p2", true), (3, "p3", false)]);
    assert_eq!(state.setting("lease_ms"), Some("4000"));
    let next = |database: &str, table: &str| {
        let id = c.table(database, table).unwrap().id.0;
        state.sequences.get(&id).copied()
    };
    assert_eq!(next("shop", "users"), Some(6000));
    assert_eq!(next("shop", "countries"), Some(300));
    assert_eq!(next("crm", "legacy"), Some(778));
}

async fn opened(with_snapshot: bool) -> State {
    let folder = Folder::new("v2");
    restore(&folder.0, with_snapshot);
    let node = MetaNode::embedded(&folder.0).await.unwrap();
    let state = node.state().await.unwrap();
    check(&state);
    node.stop().await;
    drop(node);
    // The tasks of the node let go of the file one after the other.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let again = MetaNode::embedded(&folder.0).await.unwrap();
    assert_eq!(
        again.state().await.unwrap(),
        state,
        "as this version writes it"
    );
    again.stop().await;
    state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_and_a_log_of_format_2_mean_the_same() {
    let from_snapshot = opened(true).await;
    let from_log = opened(false).await;
    assert_eq!(
        from_snapshot, from_log,
        "every node comes to the same, whatever it starts from"
    );
}

/// A leader of this version sends followers of format 2 what they know.
#[test]
fn proposals_of_format_2_are_written_as_they_were() {
    let mut proposals = 0;
    for line in text("log.txt").lines() {
        let (_, json) = line.split_once(' ').unwrap();
        let entry: serde_json::Value = serde_json::from_str(json).unwrap();
        let old = &entry["payload"]["Normal"];
        if !old.is_null() {
            let proposal: catalog::Proposal = serde_json::from_value(old.clone()).unwrap();
            assert_eq!(serde_json::to_value(&proposal).unwrap(), *old);
            proposals += 1;
        }
    }
    assert_eq!(proposals, 177);
}

#[test]
fn a_backup_and_a_cached_catalog_of_format_2_mean_the_same() {
    let state: State = serde_json::from_str(&text("state.json")).unwrap();
    check(&state);
    // And is told to proxies of that version as it was.
    let told = serde_json::to_value(Shape1(&state.catalog)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text("state.json")).unwrap();
    assert_eq!(told, json["catalog"]);
    let cached = meta_client::cache::read(&fixture("catalog.cache")).unwrap();
    assert_eq!(cached, state.catalog);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_of_format_2_is_answered_in_its_words() {
    let folder = Folder::new("v2-proxy");
    restore(&folder.0, true);
    let node = MetaNode::embedded(&folder.0).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let port = meta::serve::Port {
        token: "a token for the test".to_string(),
        address: address.clone(),
        tls: None,
    };
    let http = meta_client::http::Http::new(&port.token, None).unwrap();
    tokio::spawn(meta::serve::serve(node.clone(), listener, port));
    let get = async |path: &str| -> serde_json::Value {
        let time = std::time::Duration::from_secs(10);
        http.get(&address, path, time).await.unwrap()
    };
    let old: serde_json::Value = serde_json::from_str(&text("state.json")).unwrap();
    let news = format!("/v1/news?epoch={}&wait_ms=0", u64::MAX);
    assert_eq!(get(&news).await["catalog"], old["catalog"]);
    assert_eq!(get("/v1/state").await["catalog"], old["catalog"]);
    let now = serde_json::to_value(node.state().await.unwrap()).unwrap();
    assert_eq!(
        get(&format!("{news}&shape=2")).await["catalog"],
        now["catalog"]
    );
    assert_eq!(get("/v1/state?shape=2").await["catalog"], now["catalog"]);
    // A change that it does not know becomes the whole catalog, a known one stays a change.
    let epoch = node.watch().borrow().epoch;
    let mut definition = catalog::TableDefinition::of_names(["code", "name"]);
    for column in &mut definition.columns {
        column.data_type = "int".to_string();
    }
    let tables = vec![catalog::Redefined {
        table: catalog::TableName::new("shop", "countries"),
        definition: definition.into(),
        auto_increment: None,
    }];
    let set = catalog::Command::SetDefinitions { tables };
    node.propose(set, None).await.unwrap();
    let news = format!("/v1/news?epoch={epoch}&wait_ms=0");
    let told = get(&news).await;
    assert_eq!(
        (told["catalog"]["epoch"].as_u64(), told.get("changes")),
        (Some(epoch + 1), None)
    );
    let columns = |c: &serde_json::Value| {
        let tables = c["tables"].as_array().unwrap().clone();
        let mut tables = tables.into_iter();
        let found = tables.find(|t| t["name"]["table"] == "countries").unwrap();
        found["columns"].clone()
    };
    assert_eq!(
        columns(&told["catalog"]),
        serde_json::json!(["code", "name"])
    );
    assert!(get(&format!("{news}&shape=2")).await["changes"][0]["SetDefinitions"].is_object());
    let drop = catalog::Command::DropRule {
        table: catalog::TableName::new("shop", "later"),
    };
    node.propose(drop, None).await.unwrap();
    let news = format!("/v1/news?epoch={}&wait_ms=0", epoch + 1);
    assert!(get(&news).await["changes"][0]["DropRule"].is_object());
    node.stop().await;
}
