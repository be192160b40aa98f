//! Clients that take too much: of connections, of memory, of time. Others go on.

use crate::cluster::{Cluster, connect, connect_as, plain};
use crate::configured::{Configured, servers_of, verifiers};
use crate::protocol::Raw;
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};
use wire::caps::*;
use wire::compress::put_frames;
use wire::packet::{Header, MAX_PAYLOAD};
use wire::reply::ErrPacket;

const CAPABILITIES: u64 = CLIENT_PROTOCOL_41 | CLIENT_PLUGIN_AUTH | CLIENT_SECURE_CONNECTION;
const PASSWORD: &str = "overload-pw";
/// Rows of 30 MB in all.
const LARGE: &str = "SELECT REPEAT('x', 1000) FROM overload.seq_1_to_30000";

/// A proxy with little of everything.
fn proxy() -> Configured {
    let settings = [
        ("SHARDWRIGHT_PROXY__WORKERS", "1"),
        ("SHARDWRIGHT_PROXY__CLIENT_BUFFERS_BYTES", "25165824"),
        ("SHARDWRIGHT_PROXY__CONNECTIONS_PER_USER_MAX", "40"),
        ("SHARDWRIGHT_POOL__CONNECTIONS_PER_SHARD", "4"),
        ("SHARDWRIGHT_POOL__SLOW_CLIENT_MS", "500"),
        ("SHARDWRIGHT_POOL__WAIT_MS", "6000"),
    ];
    let [native, _] = verifiers(PASSWORD);
    let user = |name| format!("[[users]]\nname = \"{name}\"\npassword = [\"{native}\"]\n");
    let users = ["app", "few", "other"].map(user).concat();
    Configured::start_set("overload", &servers_of(plain(), 1), &users, &settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_too_much_leaves_something_for_others() {
    let proxy = proxy();
    let mut c = connect_as(proxy.port, "app", PASSWORD).await;
    c.query_drop("CREATE DATABASE overload").await.unwrap();
    a_user_has_so_many_connections(&proxy).await;
    clients_that_read_nothing_do_not_starve_others(&proxy).await;
    statements_that_come_in_have_one_budget(&proxy).await;
    what_compressed_bytes_come_to_counts(&proxy).await;
}

fn log_in(port: u16, capabilities: u64) -> Raw {
    let (r, answer) = Raw::log_in_as(port, capabilities, 45, ("app", PASSWORD));
    assert_eq!(answer[0], 0, "{answer:?}");
    r
}

fn query(text: &str) -> Vec<u8> {
    [b"\x03", text.as_bytes()].concat()
}

fn resident_mib(proxy: &Configured) -> usize {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", proxy.pid())).unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (pages * 4096) >> 20
}

async fn clients_that_read_nothing_do_not_starve_others(proxy: &Configured) {
    let port = proxy.port;
    let silent: Vec<Raw> = (0..12)
        .map(|_| {
            let mut r = log_in(port, CAPABILITIES);
            r.send(0, &query(LARGE));
            r
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // One that reads slowly, but reads, has all its rows.
    let slow = tokio::task::spawn_blocking(move || {
        let mut r = log_in(port, CAPABILITIES);
        r.send(0, &query(LARGE));
        let mut rows = 0;
        while rows < 30_000 {
            match r.read() {
                Some(packet) if packet.len() > 900 => rows += 1,
                Some(packet) => assert_ne!(packet[0], 0xff, "{packet:?}"),
                None => break,
            }
            if rows % 2_000 == 1_999 {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        rows
    });
    let began = Instant::now();
    let mut c = connect_as(port, "app", PASSWORD).await;
    for _ in 0..5 {
        let n: Option<u32> = c.query_first("SELECT SLEEP(0) + 1").await.unwrap();
        assert_eq!(n, Some(1));
    }
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(slow.await.unwrap(), 30_000);
    drop(silent);
}

async fn statements_that_come_in_have_one_budget(proxy: &Configured) {
    let port = proxy.port;
    let before = resident_mib(proxy);
    // Unfinished statements of 48 MiB, of which 8 MiB come.
    let begin = |port| {
        let mut r = log_in(port, CAPABILITIES);
        let head = Header {
            len: MAX_PAYLOAD,
            seq: 0,
        };
        r.send_bytes(&head.bytes());
        for _ in 0..128 {
            r.send_bytes(&[b' '; 65_536]);
        }
        r
    };
    let unfinished =
        tokio::task::spawn_blocking(move || (0..20).map(|_| begin(port)).collect::<Vec<_>>());
    let unfinished = unfinished.await.unwrap();
    let grown = resident_mib(proxy).saturating_sub(before);
    assert!(grown < 100, "{grown} MiB for 20 x 8");
    // Small statements run, and who is refused is told.
    let mut c = connect_as(port, "app", PASSWORD).await;
    let n: Option<u32> = c.query_first("SELECT 1").await.unwrap();
    assert_eq!(n, Some(1));
    let told = tokio::task::spawn_blocking(move || {
        let mut last = unfinished.into_iter().next_back().unwrap();
        last.read()
    });
    if let Some(packet) = told.await.unwrap() {
        assert_eq!(ErrPacket::decode(&packet).unwrap().code, 1041);
    }
    // When they are gone there is room again.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let long = format!("SELECT LENGTH('{}')", "x".repeat(4 << 20));
    let n: Option<u32> = c.query_first(long).await.unwrap();
    assert_eq!(n, Some(4 << 20));
}

async fn what_compressed_bytes_come_to_counts(proxy: &Configured) {
    let port = proxy.port;
    let before = resident_mib(proxy);
    let mut packed = Vec::new();
    let mut plain = Header {
        len: MAX_PAYLOAD,
        seq: 0,
    }
    .bytes()
    .to_vec();
    plain.resize(15 << 20, b' ');
    put_frames(&mut packed, &mut 0, &plain);
    assert!(packed.len() < 100_000);
    let sent = tokio::task::spawn_blocking(move || {
        let send = |_| {
            let mut r = log_in(port, CAPABILITIES | CLIENT_COMPRESS);
            r.send_bytes(&packed);
            r
        };
        (0..30).map(send).collect::<Vec<_>>()
    });
    let sent = sent.await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let grown = resident_mib(proxy).saturating_sub(before);
    assert!(grown < 100, "{grown} MiB for 30 x 15");
    drop(sent);
}

async fn a_user_has_so_many_connections(proxy: &Configured) {
    let port = proxy.port;
    let mut all = Vec::new();
    for _ in 0..40 {
        all.push(connect_as(port, "few", PASSWORD).await);
    }
    let opts = mysql_async::OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port)
        .user(Some("few"))
        .pass(Some(PASSWORD))
        .prefer_socket(false);
    match mysql_async::Conn::new(opts).await {
        Err(mysql_async::Error::Server(e)) => assert_eq!(e.code, 1203),
        other => panic!("{other:?}"),
    }
    connect_as(port, "other", PASSWORD)
        .await
        .ping()
        .await
        .unwrap();
    all.pop().unwrap().disconnect().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    connect_as(port, "few", PASSWORD)
        .await
        .ping()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_quickstart_that_was_killed_starts_again_at_once() {
    let cluster = Cluster::start("killed", 1, &[]);
    let mut c = connect(cluster.port).await;
    c.query_drop("CREATE DATABASE kept").await.unwrap();
    let cluster = tokio::task::spawn_blocking(|| cluster.kill_and_start(1))
        .await
        .unwrap();
    let mut c = connect(cluster.port).await;
    c.query_drop("USE kept").await.unwrap();
    drop(c);
    cluster.stop();
}
