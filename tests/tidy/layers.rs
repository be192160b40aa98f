//! Packages and what each may depend on.

use super::source::root;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Package folders by layer. A package may depend on lower layers, and on these of its own.
const LAYERS: [(&str, u8, &[&str]); 19] = [
    ("wire", 0, &[]),
    ("errors", 0, &[]),
    ("router/sql", 0, &[]),
    ("meta/catalog", 0, &[]),
    ("admin/types", 0, &["catalog"]),
    ("tls", 1, &[]),
    ("router", 1, &[]),
    ("shard", 1, &[]),
    ("schema", 1, &["shard"]),
    ("port", 1, &[]),
    ("peers", 1, &["meta-client"]),
    ("meta/client", 1, &[]),
    ("meta", 1, &["meta-client", "port", "tls"]),
    ("txn", 2, &[]),
    ("control", 2, &[]),
    ("proxy", 3, &[]),
    ("admin", 3, &[]),
    ("shardctl", 4, &[]),
    (".", 4, &[]),
];

/// Packages that a pure leaf must not have.
const NOT_IN_LEAVES: [&str; 6] = ["tokio", "socket2", "tracing", "rand", "axum", "libc"];

/// All that shardctl may have of the workspace: a client links none of the server.
const OF_SHARDCTL: [&str; 5] = ["admin-types", "catalog", "meta-client", "tls", "wire"];

fn manifest(dir: &str) -> Table {
    let path = root().join(dir).join("Cargo.toml");
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

/// Folders of the workspace's packages, the root's own among them.
fn members() -> BTreeSet<String> {
    let listed = manifest(".")["workspace"]["members"]
        .as_array()
        .unwrap()
        .clone();
    let mut members: BTreeSet<_> = listed
        .iter()
        .map(|m| m.as_str().unwrap().to_string())
        .collect();
    members.insert(".".to_string());
    members
}

/// Folder by the name that others depend on it with.
fn folders() -> BTreeMap<String, String> {
    let workspace = manifest(".");
    let dependencies = workspace["workspace"]["dependencies"].as_table().unwrap();
    let folder = |(name, d): (&String, &Value)| {
        let path = d.get("path")?.as_str()?;
        Some((name.clone(), path.to_string()))
    };
    dependencies.iter().filter_map(folder).collect()
}

/// Names of what a package is built from; tests may use more.
fn dependencies(dir: &str) -> Vec<String> {
    let manifest = manifest(dir);
    let of = |section: &str| manifest.get(section).and_then(Value::as_table).cloned();
    ["dependencies", "build-dependencies"]
        .iter()
        .filter_map(|s| of(s))
        .flat_map(|t| t.into_iter().map(|(name, _)| name))
        .collect()
}

#[test]
fn every_package_has_a_layer() {
    let known: BTreeSet<_> = LAYERS.iter().map(|(dir, ..)| dir.to_string()).collect();
    assert_eq!(
        members(),
        known,
        "members of the workspace, and LAYERS in this file"
    );
}

#[test]
fn layers_point_down() {
    let folders = folders();
    let layer = |dir: &str| LAYERS.iter().find(|(d, ..)| *d == dir).map(|(_, l, _)| *l);
    for (dir, own, siblings) in LAYERS {
        for d in dependencies(dir) {
            assert!(
                own > 0 || !NOT_IN_LEAVES.contains(&d.as_str()),
                "{dir} is a pure leaf, not with {d}"
            );
            if let Some(other) = folders.get(&d).and_then(|f| layer(f)) {
                let fine = other < own || siblings.contains(&d.as_str());
                assert!(
                    fine,
                    "{dir} (layer {own}) must not depend on {d} (layer {other})"
                );
            }
        }
    }
}

#[test]
fn shardctl_links_none_of_the_server() {
    let folders = folders();
    let mut todo = dependencies("shardctl");
    let mut seen = BTreeSet::new();
    while let Some(name) = todo.pop() {
        if let Some(folder) = folders.get(&name)
            && seen.insert(name.clone())
        {
            todo.extend(dependencies(folder));
        }
    }
    let more: Vec<_> = seen
        .iter()
        .filter(|n| !OF_SHARDCTL.contains(&n.as_str()))
        .collect();
    assert!(more.is_empty(), "shardctl links {more:?}");
    assert!(seen.contains("catalog"), "{seen:?}");
}
