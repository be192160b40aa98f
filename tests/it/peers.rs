//! Several proxies of one metadata service answer for each other: who is connected, and KILL.
#![allow(clippy::await_holding_lock)] // each test has a thread of its own to wait on

use crate::cluster::{Cluster, connect, connect_as, error_of};
use crate::configured::{Configured, servers_of, verifiers};
use crate::folder::Folder;
use crate::protocol::Raw;
use crate::shardctl::{fine, json};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use std::time::{Duration, Instant};

/// The command byte.
const COM_PROCESS_KILL: u8 = 0x0c;

/// A quickstart and more proxies of its metadata node.
pub struct Many {
    pub first: Cluster,
    dir: Folder,
}

impl Many {
    pub fn start(name: &str) -> Self {
        Self {
            first: Cluster::start(name, 1, &["--meta", "1"]),
            dir: Folder::new(&format!("{name}-more")),
        }
    }

    /// Another proxy; `settings` are more lines of its configuration.
    pub fn add(&self, name: &str, settings: &str) -> Configured {
        let node = std::fs::read_to_string(self.first.dir.join("meta/n1/port")).unwrap();
        let dir = self.dir.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let meta = format!(
            "endpoints = [\"127.0.0.1:{}\"]\ntoken_file = \"{}\"\ndir = \"{}\"\nname = \"{name}\"\n",
            node.trim(),
            self.first.dir.join("token").display(),
            dir.display()
        );
        let [native, _] = verifiers("pw");
        let users = format!("[[users]]\nname = \"app\"\npassword = [\"{native}\"]\n");
        let servers = servers_of(&self.first, 1);
        Configured::start_with(name, &servers, &format!("{users}{settings}"), &meta)
    }
}

pub fn signal(name: &str, pid: i32) {
    let args = [name.to_string(), pid.to_string()];
    let done = std::process::Command::new("kill").args(args).status();
    assert!(done.unwrap().success());
}

/// A column of an answer, NULL as the empty string.
async fn column(c: &mut Conn, sql: &str, name: &str) -> Vec<String> {
    let get = |r: Row| r.get::<Option<String>, _>(name).unwrap();
    let all: Vec<Option<String>> = c.query_map(sql, get).await.unwrap();
    all.into_iter().map(Option::unwrap_or_default).collect()
}

async fn warnings(c: &mut Conn) -> Vec<String> {
    column(c, "SHOW WARNINGS", "Message").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_every_proxy_are_seen_and_ended_from_any() {
    let many = Many::start("peers");
    let second = many.add("second", "");
    let mut c = connect(many.first.port).await;
    let mut d = connect_as(second.port, "app", "pw").await;
    assert_ne!(c.id() >> 22, d.id() >> 22, "{} and {}", c.id(), d.id());
    for asking in [&mut c, &mut d] {
        let ids = column(asking, "SHOW PROCESSLIST", "Id").await;
        assert_eq!(ids.len(), 2, "{ids:?}");
        let rows: Vec<Row> = asking.query("SHOW PROXY SESSIONS").await.unwrap();
        let proxies = rows.iter().map(|r| r.get::<String, _>("Proxy").unwrap());
        assert!(proxies.into_iter().any(|p| p == "second"));
        assert_eq!(warnings(asking).await, [] as [String; 0]);
    }
    let asked: Option<u32> = d.query_first("SELECT CONNECTION_ID()").await.unwrap();
    assert_eq!(asked, Some(d.id()));

    let listed = json(&many.first, &["session", "list"]);
    let ids: Vec<u64> = (0..2)
        .map(|n| listed["sessions"][n]["id"].as_u64().unwrap())
        .collect();
    assert!(ids.contains(&u64::from(d.id())) && listed["sessions"].as_array().unwrap().len() == 2);
    let counters = json(&many.first, &["proxy", "counters"]);
    assert_eq!(counters["proxies"][1]["proxy"], "second");
    assert!(counters["proxies"][1]["counts"]["commands"].as_u64() > Some(2));
    assert!(fine(&many.first, &["session", "list"]).contains("second"));

    // A statement there, from here; the session goes on.
    let id = d.id();
    let start = Instant::now();
    let slow = async { d.query::<u32, _>("SELECT SLEEP(30)").await };
    let (slow, ()) = tokio::join!(slow, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        c.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    });
    assert!(start.elapsed() < Duration::from_secs(10));
    if let Ok(rows) = slow {
        assert_eq!(rows, [1], "SLEEP answers 1 when it is interrupted");
    }
    // What comes while nothing runs ends nothing later.
    c.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    let seven: Option<u32> = d.query_first("SELECT 7").await.unwrap();
    assert_eq!(seven, Some(7));

    // A session here, from there; and one with a statement.
    let mut e = connect(many.first.port).await;
    let id = e.id();
    let start = Instant::now();
    let slow = async { e.query_drop("SELECT SLEEP(30)").await };
    let (slow, ()) = tokio::join!(slow, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        d.query_drop(format!("KILL {id}")).await.unwrap();
    });
    assert!(slow.is_err() && start.elapsed() < Duration::from_secs(10));
    assert_eq!(error_of(&mut d, &format!("KILL {id}")).await.0, 1094);

    // The same by COM_PROCESS_KILL.
    let mut e = connect_as(second.port, "app", "pw").await;
    let mut raw = Raw::log_in_at(many.first.port);
    let kill = [&[COM_PROCESS_KILL][..], &e.id().to_le_bytes()].concat();
    raw.send(0, &kill);
    assert_eq!(raw.read().unwrap()[0], 0);
    assert!(e.query_drop("SELECT 1").await.is_err());
    raw.send(0, &kill);
    assert_eq!(raw.error(), 1094);
    let nobodys = 900u32 << 22 | 1;
    assert_eq!(error_of(&mut d, &format!("KILL {nobodys}")).await.0, 1094);
    drop((c, d, e, second));
    many.first.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_proxy_is_named_and_holds_nobody_up() {
    let many = Many::start("peers-frozen");
    let second = many.add("second", "[peers]\ncall_timeout_ms = 20000\n");
    let third = many.add("third", "");
    let mut c = connect(many.first.port).await;
    let mut patient = connect_as(second.port, "app", "pw").await;
    let theirs = connect_as(third.port, "app", "pw").await;
    assert_eq!(column(&mut c, "SHOW PROCESSLIST", "Id").await.len(), 3);
    signal("-STOP", third.pid());

    let start = Instant::now();
    let rows = column(&mut c, "SHOW PROXY SESSIONS", "Command").await;
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    let silent = rows.iter().filter(|r| r.contains("no answer"));
    assert_eq!(silent.count(), 1, "{rows:?}");
    let told = warnings(&mut c).await;
    assert!(
        told.len() == 1 && told[0].contains("proxy third"),
        "{told:?}"
    );
    let states = column(&mut c, "SHOW FULL PROCESSLIST", "Info").await;
    assert!(
        states.iter().any(|s| s.contains("proxy third")),
        "{states:?}"
    );
    let listed = json(&many.first, &["session", "list"]);
    assert_eq!(listed["silent"][0]["proxy"], "third");
    let kill = format!("KILL QUERY {}", theirs.id());
    let (code, text) = error_of(&mut c, &kill).await;
    assert!(code == 1105 && text.contains("third"), "{code}: {text}");

    // A session that waits for it can be ended, and ends with its client.
    let id = patient.id();
    let start = Instant::now();
    let waiting = async { patient.query_drop("SHOW PROCESSLIST").await };
    let (ended, ()) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        c.query_drop(format!("KILL {id}")).await.unwrap();
    });
    assert!(ended.is_err() && start.elapsed() < Duration::from_secs(10));
    let leaving = connect_as(second.port, "app", "pw").await;
    let id = leaving.id().to_string();
    let asks = async {
        let mut leaving = leaving;
        let asked = leaving.query_drop("SHOW PROCESSLIST");
        let _ = tokio::time::timeout(Duration::from_millis(300), asked).await;
    };
    asks.await;
    let until = Instant::now() + Duration::from_secs(8);
    while column(&mut c, "SHOW PROXY SESSIONS", "Id")
        .await
        .contains(&id)
    {
        assert!(
            Instant::now() < until,
            "the session of a client that left waits on"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    signal("-CONT", third.pid());
    let until = Instant::now() + Duration::from_secs(10);
    while !column(&mut c, "SHOW PROCESSLIST", "Id")
        .await
        .contains(&theirs.id().to_string())
    {
        assert!(Instant::now() < until, "third does not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop((c, theirs, patient, second, third));
    many.first.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_see_and_end_their_own_sessions_at_every_proxy() {
    let many = Many::start("peers-users");
    let second = many.add("second", "");
    let password = many.dir.join("password");
    std::fs::write(&password, "pw\n").unwrap();
    let password = password.to_str().unwrap();
    for name in ["clerk", "other", "app"] {
        fine(
            &many.first,
            &["user", "add", name, "--password-file", password],
        );
    }
    let mut here = connect_as(many.first.port, "clerk", "pw").await;
    let mut there = connect_as(second.port, "clerk", "pw").await;
    let other = connect_as(second.port, "other", "pw").await;
    let users = column(&mut here, "SHOW PROCESSLIST", "User").await;
    assert_eq!(users, ["clerk", "clerk"]);
    let kill = |c: &Conn| format!("KILL {}", c.id());
    assert_eq!(error_of(&mut here, &kill(&other)).await.0, 1095);
    here.query_drop(kill(&there)).await.unwrap();
    assert!(there.query_drop("SELECT 1").await.is_err());
    // The second proxy has a user of this name in its file: somebody else than the cluster's.
    let of_file = connect_as(second.port, "app", "pw").await;
    let mut of_cluster = connect_as(many.first.port, "app", "pw").await;
    let seen = column(&mut of_cluster, "SHOW PROCESSLIST", "Id").await;
    assert_eq!(seen, [of_cluster.id().to_string()]);
    assert_eq!(error_of(&mut of_cluster, &kill(&of_file)).await.0, 1095);
    drop((here, there, other, of_file, of_cluster, second));
    many.first.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fenced_proxy_keeps_its_ids_and_one_that_stops_is_gone_at_once() {
    let many = Many::start("peers-fenced");
    let (second, third) = (many.add("second", ""), many.add("third", ""));
    let mut c = connect(many.first.port).await;
    let mut d = connect_as(second.port, "app", "pw").await;
    let proxies = || json(&many.first, &["proxy", "list"]);
    let of = |list: &serde_json::Value, name: &str| {
        let list = list.as_array().unwrap();
        list.iter().find(|p| p["name"] == name).cloned()
    };
    let before = of(&proxies(), "second").unwrap();
    let fenced = before["incarnation"].to_string();
    fine(&many.first, &["proxy", "fence", &fenced, "--yes"]);
    let until = Instant::now() + Duration::from_secs(10);
    let after = loop {
        match of(&proxies(), "second") {
            Some(p) if p["incarnation"] != before["incarnation"] => break p,
            _ => assert!(Instant::now() < until, "second does not register anew"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(after["number"], before["number"]);
    assert_eq!(column(&mut d, "SHOW PROCESSLIST", "Id").await.len(), 2);
    c.query_drop(format!("KILL {}", d.id())).await.unwrap();
    assert!(d.query_drop("SELECT 1").await.is_err());

    // Stopped in good order: nobody asks it or waits for it.
    signal("-TERM", third.pid());
    let until = Instant::now() + Duration::from_secs(10);
    while of(&proxies(), "third").is_some() {
        assert!(Instant::now() < until, "third does not leave");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(column(&mut c, "SHOW PROXY SESSIONS", "Id").await.len(), 1);
    assert_eq!(warnings(&mut c).await, [] as [String; 0]);
    let again = many.add("fourth", "");
    let e = connect_as(again.port, "app", "pw").await;
    assert_eq!(e.id() >> 22, 3, "the number of the one that stopped");
    drop((c, d, e, second, third, again));
    many.first.stop();
}
