//! The DBA's command line, over the admin port of a running cluster.

use crate::admin::get;
use crate::cluster::{Cluster, connect, plain};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use serde_json::Value;
use std::process::Command;
use std::sync::OnceLock;

/// Runs it; gives the exit code and what it printed.
fn shardctl(cluster: &Cluster, args: &[&str]) -> (i32, String) {
    let out = Command::new(crate::binaries::shardctl())
        .args(["--endpoint", &format!("127.0.0.1:{}", cluster.admin)])
        .args(args)
        .env("USER", "dba")
        .output()
        .unwrap();
    let text = [out.stdout, out.stderr].concat();
    (out.status.code().unwrap(), String::from_utf8(text).unwrap())
}

pub fn json(cluster: &Cluster, args: &[&str]) -> Value {
    let (code, text) = shardctl(cluster, &[args, &["--output", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {code}: {e}: {text}"))
}

pub fn fine(cluster: &Cluster, args: &[&str]) -> String {
    let (code, text) = shardctl(cluster, args);
    assert_eq!(code, 0, "{args:?}: {text}");
    text
}

pub fn refused(cluster: &Cluster, args: &[&str], why: &str) {
    let (code, text) = shardctl(cluster, args);
    assert!(code == 1 && text.contains(why), "{args:?}: {code}: {text}");
}

/// One cluster for all verbs.
pub fn dba() -> &'static Cluster {
    static DBA: OnceLock<Cluster> = OnceLock::new();
    DBA.get_or_init(|| Cluster::start("ctl", 2, &["--meta", "1"]))
}

async fn table(database: &str) -> Conn {
    let mut c = connect(dba().port).await;
    c.query_drop(format!("CREATE DATABASE {database}"))
        .await
        .unwrap();
    c.query_drop(format!("USE {database}")).await.unwrap();
    let columns = "id BIGINT AUTO_INCREMENT PRIMARY KEY, v INT";
    let sql = format!("CREATE TABLE t ({columns}) SHARD BY HASH (id)");
    c.query_drop(sql).await.unwrap();
    c
}

#[test]
fn nodes_and_shards() {
    let ctl = dba();
    let status = json(ctl, &["cluster", "status"]);
    assert_eq!(status["members"][0]["role"], "leader");
    assert!(fine(ctl, &["cluster", "status"]).contains("leader"));
    refused(ctl, &["cluster", "remove", "1"], "--yes");
    refused(ctl, &["cluster", "remove", "1", "--yes"], "last node");
    refused(ctl, &["cluster", "promote", "7"], "node 7 does not exist");

    assert_eq!(json(ctl, &["shard", "list"])[1]["name"], "s2");
    refused(ctl, &["shard", "show", "s9"], "no shard s9");
    fine(ctl, &["shard", "disable", "s1"]);
    refused(ctl, &["shard", "disable", "s2"], "last shard");
    fine(ctl, &["shard", "enable", "s1"]);
}

#[tokio::test]
async fn tables_and_rules() {
    let mut c = table("ctl").await;
    let ctl = dba();
    assert_eq!(
        json(ctl, &["table", "show", "ctl.t"])["auto_increment"],
        "id"
    );
    refused(ctl, &["table", "show", "ctl.nothing"], "does not exist");
    refused(ctl, &["table", "show", "nothing"], "database.table");
    assert!(fine(ctl, &["database", "show", "ctl"]).contains("ctl.t"));

    fine(
        ctl,
        &["rule", "create", "ctl.later", "HASH (id)", "--dry-run"],
    );
    assert_eq!(json(ctl, &["rule", "list"]), Value::Array(Vec::new()));
    fine(ctl, &["rule", "create", "ctl.later", "HASH (id)"]);
    assert_eq!(json(ctl, &["rule", "list"])[0]["clause"], "HASH (id)");
    refused(
        ctl,
        &["rule", "create", "ctl.x", "HASH (id"],
        "sharding key",
    );
    refused(
        ctl,
        &["rule", "create", "ctl.x", "HASH (id) ON (s9)"],
        "no shard s9",
    );
    refused(
        ctl,
        &["rule", "create", "ctl.t", "HASH (id)"],
        "exists already",
    );
    c.query_drop("CREATE TABLE ctl.later (id INT PRIMARY KEY)")
        .await
        .unwrap();
    assert_eq!(json(ctl, &["table", "show", "ctl.later"])["kind"], "hash");
    refused(ctl, &["rule", "drop", "ctl.later"], "does not exist");
}

#[tokio::test]
async fn sequences_settings_audit_and_proxies() {
    let mut c = table("seq").await;
    let ctl = dba();
    refused(ctl, &["sequence", "set", "seq.t", "5000"], "--yes");
    fine(ctl, &["sequence", "set", "seq.t", "5000", "--yes"]);
    refused(
        ctl,
        &["sequence", "set", "seq.t", "50", "--yes"],
        "never goes back",
    );
    let sequences = json(ctl, &["sequence", "list"]);
    let of = |s: &&Value| s["database"] == "seq";
    let own = sequences.as_array().unwrap().iter().find(of).unwrap();
    assert_eq!(own["next"], 5000);
    c.query_drop("INSERT INTO seq.t (v) VALUES (1)")
        .await
        .unwrap();
    assert_eq!(c.last_insert_id(), Some(5000));

    refused(ctl, &["settings", "set", "lease_ms", "5"], "1000 to 60000");
    fine(ctl, &["settings", "set", "lease_ms", "4000"]);
    assert_eq!(
        json(ctl, &["settings", "describe", "lease_ms"])[0]["value"],
        "4000"
    );
    fine(ctl, &["settings", "set", "lease_ms"]);
    refused(ctl, &["settings", "describe", "nothing"], "no setting");
    let epoch = json(ctl, &["version"])["epoch"].as_u64().unwrap();
    let stale = (epoch - 1).to_string();
    let late = [
        "rule",
        "create",
        "seq.z",
        "HASH (id)",
        "--expected-epoch",
        &stale,
    ];
    refused(ctl, &late, "the change expected");

    let audit = json(ctl, &["audit"]);
    let who: Vec<_> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["who"].as_str().unwrap())
        .collect();
    assert!(who.contains(&"dba") && who.contains(&"root"), "{who:?}");
    let proxies = json(ctl, &["proxy", "list"]);
    assert_eq!(proxies[0]["incarnation"], 1);
    fine(ctl, &["proxy", "fence", "1", "--yes"]);
    refused(ctl, &["proxy", "fence", "1", "--yes"], "does not exist");
    assert!(fine(ctl, &["completions", "bash"]).contains("shardctl"));
}

#[tokio::test]
async fn a_drained_proxy_lets_its_clients_go() {
    let cluster = Cluster::start("drain", 1, &[]);
    let (mut busy, mut idle) = (connect(cluster.port).await, connect(cluster.port).await);
    busy.query_drop("CREATE DATABASE d").await.unwrap();
    busy.query_drop("CREATE TABLE d.t (id INT PRIMARY KEY)")
        .await
        .unwrap();
    busy.query_drop("BEGIN").await.unwrap();
    busy.query_drop("INSERT INTO d.t VALUES (1)").await.unwrap();
    let incarnation = json(&cluster, &["proxy", "list"])[0]["incarnation"].to_string();
    fine(&cluster, &["proxy", "drain", &incarnation]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while idle.query_drop("SELECT 1").await.is_ok() {
        assert!(std::time::Instant::now() < until, "an idle client stays");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    assert!(get(cluster.admin, "/readyz").contains("drained"));
    let mut refused = crate::protocol::Raw::connect(cluster.port);
    assert_eq!(refused.error(), 1053);
    busy.query_drop("INSERT INTO d.t VALUES (2)").await.unwrap();
    busy.query_drop("COMMIT").await.unwrap();
    fine(&cluster, &["proxy", "drain", &incarnation, "--undo"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let rows: Vec<u32> = loop {
        if !get(cluster.admin, "/readyz").contains("drained") {
            break connect(cluster.port)
                .await
                .query("SELECT id FROM d.t")
                .await
                .unwrap();
        }
        assert!(std::time::Instant::now() < until, "it stays drained");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert_eq!(rows, [1, 2]);
    drop((busy, idle));
    cluster.stop();
}

#[tokio::test]
async fn a_shard_joins_a_running_cluster_and_drift_is_told() {
    let cluster = Cluster::start("grow", 1, &[]);
    let ctl = &cluster;
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE grow").await.unwrap();
    c.query_drop("USE grow").await.unwrap();
    c.query_drop("CREATE TABLE r (id INT PRIMARY KEY) SHARD BY REFERENCE")
        .await
        .unwrap();
    let port = plain().shard_port.to_string();
    let add = ["shard", "add", "s2", "127.0.0.1", "--port", &port];
    refused(ctl, &add, "reference table grow.r");
    c.query_drop("DROP TABLE r").await.unwrap();
    let nobody = ["shard", "add", "s2", "127.0.0.1", "--port", "9"];
    refused(ctl, &nobody, "cannot be reached");
    let mut server = connect(plain().shard_port).await;
    server.query_drop("CREATE DATABASE grow").await.unwrap();
    server
        .query_drop("CREATE TABLE grow.old (id INT)")
        .await
        .unwrap();
    refused(ctl, &add, "grow.old");
    server.query_drop("DROP DATABASE grow").await.unwrap();
    fine(ctl, &[&add[..], &["--dry-run"]].concat());
    assert_eq!(json(ctl, &["shard", "list"]).as_array().unwrap().len(), 1);
    fine(ctl, &add);
    // Tables go there from now on; the proxy that runs has found the way.
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)")
        .await
        .unwrap();
    let there: Option<u32> = server
        .query_first("SELECT COUNT(*) FROM grow.t")
        .await
        .unwrap();
    assert!((1..5).contains(&there.unwrap()), "{there:?}");
    let rows: Vec<u32> = c.query("SELECT id FROM t").await.unwrap();
    assert_eq!(rows.len(), 5);

    let findings = |report: &Value| {
        let list = report["findings"].as_array().unwrap().clone();
        let bad = list.into_iter().filter(|f| f["severity"] == "critical");
        bad.map(|f| format!("{}: {}", f["subject"], f["text"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(findings(&json(ctl, &["inspect"])), Vec::<String>::new());
    server
        .query_drop("ALTER TABLE grow.t ADD COLUMN w INT")
        .await
        .unwrap();
    let drift = findings(&json(ctl, &["inspect"]));
    assert_eq!(drift.len(), 1, "{drift:?}");
    assert!(
        drift[0].contains("grow.t on s2") && drift[0].contains("column w"),
        "{drift:?}"
    );
    let (code, page) = shardctl(ctl, &["inspect", "--markdown"]);
    assert!(
        code == 20 && page.starts_with("# Shardwright: critical"),
        "{code}: {page}"
    );
    c.query_drop("DROP DATABASE grow").await.unwrap();
    drop((c, server));
    cluster.stop();
}

#[tokio::test]
async fn a_proxy_notices_drift_by_itself() {
    let servers = crate::configured::servers_of(crate::cluster::shared(), 1);
    let port = servers[0].port;
    let users = crate::logins::users();
    let own = crate::configured::Configured::start("drifts", &servers, &users);
    let mut c = crate::cluster::connect_as(own.port, "both", crate::logins::PASSWORD).await;
    c.query_drop("CREATE DATABASE drifts").await.unwrap();
    c.query_drop("CREATE TABLE drifts.t (id INT PRIMARY KEY) SHARD BY HASH (id)")
        .await
        .unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let wait_for = async |line: &str| {
        while !get(own.admin, "/metrics").contains(line) {
            assert!(std::time::Instant::now() < until, "{line}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let mut server = connect(port).await;
    server
        .query_drop("ALTER TABLE drifts.t CHANGE id ident INT")
        .await
        .unwrap();
    wait_for("\nshardwright_schema_drift 1\n").await;
    server
        .query_drop("ALTER TABLE drifts.t CHANGE ident id INT")
        .await
        .unwrap();
    wait_for("\nshardwright_schema_drift 0\n").await;
    c.query_drop("DROP DATABASE drifts").await.unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let endpoint = format!("127.0.0.1:{}", dba().admin);
    let mut child = Command::new(crate::binaries::shardctl())
        .args(["--endpoint", &endpoint, "settings", "list"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(said, "");
}
