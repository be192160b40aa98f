//! A shard whose process is stopped (SIGSTOP): TCP sees nothing wrong, and nothing is answered. What waits
//! for it ends within the limits of the configuration, and sessions that do not need it notice nothing.

use crate::cluster::{Cluster, connect_as};
use crate::configured::{Configured, servers_of};
use crate::logins::{PASSWORD, users};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use std::process::Command;
use std::time::{Duration, Instant};

/// More than any limit set here, for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stopped process; it goes on when this is dropped.
struct Frozen(String);

impl Frozen {
    fn of(cluster: &Cluster, shard: &str) -> Frozen {
        let path = cluster.dir.join(format!("shards/{shard}/pid"));
        let pid = std::fs::read_to_string(path).unwrap().trim().to_string();
        signal("-STOP", &pid);
        Frozen(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("-CONT", &self.0);
    }
}

fn signal(name: &str, pid: &str) {
    let done = Command::new("kill").args([name, pid]).status().unwrap();
    assert!(done.success());
}

struct Place {
    cluster: Cluster,
    proxy: Configured,
    /// A key on each shard.
    keys: [u32; 2],
}

impl Place {
    /// Two shards behind a proxy with these lines in its `[pool]` section.
    async fn new(name: &str, pool: &str) -> Place {
        let cluster = Cluster::start(name, 2, &[]);
        let more = format!("{}\n[pool]\n{pool}\n", users());
        let proxy = Configured::start(name, &servers_of(&cluster, 2), &more);
        let mut place = Place {
            cluster,
            proxy,
            keys: [0, 0],
        };
        let mut c = place.client().await;
        for sql in [
            "CREATE DATABASE IF NOT EXISTS f",
            "USE f",
            "CREATE TABLE t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)",
        ] {
            c.query_drop(sql).await.unwrap();
        }
        for id in 1..100 {
            let sql = format!("EXPLAIN SHARD SELECT * FROM t WHERE id = {id}");
            let lines: Vec<(String, String)> = c.query(sql).await.unwrap();
            let shard = lines.iter().find(|(k, _)| k == "shards").unwrap();
            place.keys[if shard.1 == "s1" { 0 } else { 1 }] = id;
        }
        let [one, two] = place.keys;
        c.query_drop(format!("INSERT INTO t VALUES ({one}, 0), ({two}, 0)"))
            .await
            .unwrap();
        place
    }

    async fn client(&self) -> Conn {
        self.client_by(self.proxy.port).await
    }

    /// A client that reaches the proxy by another port.
    async fn client_by(&self, port: u16) -> Conn {
        let mut c = connect_as(port, "both", PASSWORD).await;
        if self.keys != [0, 0] {
            c.query_drop("USE f").await.unwrap();
        }
        c
    }

    fn freeze(&self) -> Frozen {
        Frozen::of(&self.cluster, "s2")
    }

    /// Sessions on the other shard are served, by existing connections and by new ones.
    async fn others_are_served(&self, c: &mut Conn) {
        let one = self.keys[0];
        let started = Instant::now();
        for c in [c, &mut self.client().await] {
            c.query_drop(format!("UPDATE t SET v = v WHERE id = {one}"))
                .await
                .unwrap();
            let sql = format!("SELECT id FROM t WHERE id = {one}");
            assert_eq!(c.query_first(sql).await.unwrap(), Some(one));
        }
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    /// Everything works, and no connection is taken that nobody uses.
    async fn all_is_well(&self) {
        let until = Instant::now() + PATIENCE;
        let [one, two] = self.keys;
        loop {
            let mut c = self.client().await;
            let sql = format!("UPDATE t SET v = v + 1 WHERE id IN ({one}, {two})");
            let done = c.query_drop(sql).await;
            if done.is_ok() {
                break;
            }
            assert!(Instant::now() < until, "{done:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn stop(self) {
        drop(self.proxy);
        self.cluster.stop();
    }
}

/// A way to the proxy that ends when the task does: the client is gone then, without a goodbye.
async fn way_to(port: u16) -> (u16, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut proxy = tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut proxy).await;
    });
    (own, task)
}

/// The error of a statement that must end in time.
async fn ends(c: &mut Conn, sql: String) -> Option<u16> {
    let done = tokio::time::timeout(PATIENCE, c.query_drop(sql.as_str())).await;
    match done.unwrap_or_else(|_| panic!("{sql}: it hangs")) {
        Ok(()) => None,
        Err(Error::Server(e)) => Some(e.code),
        Err(_) => Some(0),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_frozen_shard_is_given_up() {
    let place = Place::new(
        "given-up",
        "down_after_ms = 3000\nconnect_timeout_ms = 1000",
    )
    .await;
    let [one, two] = place.keys;
    let mut healthy = place.client().await;
    // Statements on connections that exist: a pipeline's, leased ones, a transaction's.
    let mut clients = Vec::new();
    for n in 0..12 {
        let mut c = place.client().await;
        for _ in 0..4 {
            c.query_drop(format!("SELECT v FROM t WHERE id = {two}"))
                .await
                .unwrap();
        }
        if n % 3 == 0 {
            c.query_drop("BEGIN").await.unwrap();
            c.query_drop(format!(
                "INSERT INTO t VALUES ({}, 0)",
                two + 1000 * (n + 1)
            ))
            .await
            .unwrap();
        }
        clients.push(c);
    }
    let frozen = place.freeze();
    let started = Instant::now();
    let tasks: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(n, mut c)| {
            let sql = match n % 3 {
                0 => format!("UPDATE t SET v = 1 WHERE id = {two}"),
                1 => format!("SELECT v FROM t WHERE id = {two}"),
                _ => "SELECT v FROM t".to_string(),
            };
            tokio::spawn(async move {
                let code = ends(&mut c, sql).await;
                (c, code)
            })
        })
        .collect();
    place.others_are_served(&mut healthy).await;
    let mut clients = Vec::new();
    for t in tasks {
        let (c, code) = t.await.unwrap();
        assert!([2013, 1213, 1429].contains(&code.unwrap()), "{code:?}");
        clients.push(c);
    }
    assert!(
        started.elapsed() > Duration::from_secs(1),
        "it was not frozen"
    );
    // It counts as down now: errors come at once, and say so.
    for c in &mut clients {
        let started = Instant::now();
        let code = ends(c, format!("SELECT v FROM t WHERE id = {two}")).await;
        assert!([1429, 1213].contains(&code.unwrap()), "{code:?}");
        assert!(started.elapsed() < Duration::from_secs(3));
    }
    let shards: Vec<mysql_async::Row> = healthy.query("SHOW SHARDS").await.unwrap();
    let state: String = shards[1].get("State").unwrap();
    assert!(state.starts_with("down"), "{state}");
    place.others_are_served(&mut healthy).await;
    drop(frozen);
    place.all_is_well().await;
    for mut c in clients {
        let code = ends(
            &mut c,
            format!("SELECT v FROM t WHERE id IN ({one}, {two})"),
        )
        .await;
        assert_eq!(code, None, "the session goes on");
    }
    place.stop();
}

/// Limits for each wait, and checks that never give up: each limit is seen by itself.
const LIMITS: &str = "down_after_ms = 600000\nconnect_timeout_ms = 1500\nkill_timeout_ms = 1500\n\
                      ping_timeout_ms = 1500\ncommit_timeout_ms = 1500\nown_statement_timeout_ms = 1500";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wait_for_a_frozen_shard_has_a_limit() {
    let place = Place::new("limits", LIMITS).await;
    let [one, two] = place.keys;
    let update = |id| format!("UPDATE t SET v = 7 WHERE id = {id}");
    let mut healthy = place.client().await;

    // COMMIT of one branch: nobody knows what became of it.
    let mut c = place.client().await;
    c.query_drop("BEGIN").await.unwrap();
    c.query_drop(update(two)).await.unwrap();
    let frozen = place.freeze();
    assert_eq!(ends(&mut c, "COMMIT".to_string()).await, Some(1180));
    drop(frozen);
    place.all_is_well().await;

    // The check before a COMMIT on both: it is rolled back, and the healthy shard's locks are free.
    c.query_drop("BEGIN").await.unwrap();
    c.query_drop(update(one)).await.unwrap();
    c.query_drop(update(two)).await.unwrap();
    let frozen = place.freeze();
    assert_eq!(ends(&mut c, "COMMIT".to_string()).await, Some(1213));
    place.others_are_served(&mut healthy).await;
    drop(frozen);
    place.all_is_well().await;

    // ROLLBACK, and a statement on both shards by one client while another leaves in its midst.
    c.query_drop("BEGIN").await.unwrap();
    c.query_drop(update(one)).await.unwrap();
    c.query_drop(update(two)).await.unwrap();
    let frozen = place.freeze();
    assert_eq!(ends(&mut c, "ROLLBACK".to_string()).await, None);
    place.others_are_served(&mut healthy).await;
    drop(frozen);
    place.all_is_well().await;

    // Connecting and logging in: the port takes the connection, and nobody greets.
    let frozen = place.freeze();
    let mut clients = Vec::new();
    for _ in 0..40 {
        clients.push(place.client().await);
    }
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut c| tokio::spawn(async move { ends(&mut c, update(two)).await }))
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    place.others_are_served(&mut healthy).await;
    let refused = async {
        let mut seen = Vec::new();
        for t in tasks {
            match tokio::time::timeout(Duration::from_secs(3), t).await {
                Ok(code) => seen.push(code.unwrap()),
                // On a connection that existed: a statement has no limit by itself.
                Err(_) => seen.push(None),
            }
        }
        seen
    };
    let seen = refused.await;
    assert!(seen.contains(&Some(1429)), "{seen:?}");
    drop(frozen);
    place.all_is_well().await;
    place.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_and_leaving_end_the_waits_for_a_frozen_shard() {
    // Without these limits: a statement and a COMMIT would wait for ever.
    let pool = "down_after_ms = 600000\nkill_timeout_ms = 1000\ncommit_timeout_ms = 600000\n\
                connect_timeout_ms = 1000";
    let place = Place::new("let-go", pool).await;
    let [one, two] = place.keys;
    let mut healthy = place.client().await;
    for (transaction, sql) in [
        (false, format!("SELECT v FROM t WHERE id = {two}")),
        (false, "SELECT v FROM t".to_string()),
        (
            false,
            format!("UPDATE t SET v = 3 WHERE id IN ({one}, {two})"),
        ),
        (true, format!("UPDATE t SET v = 3 WHERE id = {two}")),
        (true, "COMMIT".to_string()),
    ] {
        for kill in ["KILL QUERY", "KILL", "leave"] {
            let (port, way) = way_to(place.proxy.port).await;
            let mut c = place.client_by(port).await;
            c.query_drop(format!("SELECT v FROM t WHERE id IN ({one}, {two})"))
                .await
                .unwrap();
            if transaction {
                c.query_drop("BEGIN").await.unwrap();
                c.query_drop(format!("UPDATE t SET v = 2 WHERE id = {two}"))
                    .await
                    .unwrap();
            }
            let id = c.id();
            let frozen = place.freeze();
            let text = sql.clone();
            let task = tokio::spawn(async move { ends(&mut c, text).await });
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert!(!task.is_finished(), "{sql} did not wait");
            match kill {
                "leave" => way.abort(),
                _ => healthy.query_drop(format!("{kill} {id}")).await.unwrap(),
            }
            let code = task.await.unwrap();
            assert!(code.is_some(), "{sql}, {kill}");
            place.others_are_served(&mut healthy).await;
            let until = Instant::now() + PATIENCE;
            while is_busy(&mut healthy, id).await {
                assert!(Instant::now() < until, "{sql}, {kill}: it goes on");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            drop(frozen);
            place.all_is_well().await;
        }
    }
    place.stop();
}

/// True if a session runs a statement.
async fn is_busy(c: &mut Conn, id: u32) -> bool {
    let list: Vec<mysql_async::Row> = c.query("SHOW PROCESSLIST").await.unwrap();
    let session = list.iter().find(|r| r.get::<u32, _>("Id") == Some(id));
    let statement = session.map(|r| r.get::<Option<String>, _>("Info").flatten());
    statement.flatten().is_some()
}
