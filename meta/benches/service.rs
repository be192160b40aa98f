//! The metadata service's own numbers, three nodes on loopback in one process: how long a change takes,
//! how long a fail-over is seen, and what a large cluster costs (1,000 shards, 10,000 tables, 200 proxies).
#![allow(clippy::unwrap_used, missing_docs)]

use catalog::*;
use meta::MetaNode;
use meta_client::http::Http;
use meta_client::{MemberChange, MetaService, RemoteConfig, RemoteMeta};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const TOKEN: &str = "the-token-of-the-bench";
const SHARDS: u32 = 1_000;
const TABLES: u64 = 10_000;
const PROXIES: usize = 200;

struct Nodes {
    dir: PathBuf,
    addresses: Vec<String>,
    nodes: Vec<MetaNode>,
}

async fn start(what: &str) -> Nodes {
    let dir = std::env::temp_dir().join(format!("shardwright-bench-{what}-{}", std::process::id()));
    let mut out = Nodes {
        dir: dir.clone(),
        addresses: Vec::new(),
        nodes: Vec::new(),
    };
    for id in 1..=3u64 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let http = Http::new(TOKEN, None).unwrap();
        let node = MetaNode::start(id, &dir.join(id.to_string()), Some(http))
            .await
            .unwrap();
        let port = meta::serve::Port {
            token: TOKEN.to_string(),
            address: address.clone(),
            tls: None,
        };
        tokio::spawn(meta::serve::serve(node.clone(), listener, port));
        if id == 1 {
            node.found(&address).await.unwrap();
        } else {
            let first: &MetaNode = &out.nodes[0];
            let address = address.clone();
            first
                .change_members(MemberChange::Add { id, address })
                .await
                .unwrap();
            first
                .change_members(MemberChange::Promote { id })
                .await
                .unwrap();
        }
        out.addresses.push(address);
        out.nodes.push(node);
    }
    out
}

fn put(name: &str, port: u16) -> Change {
    Change::Catalog(Command::PutShard {
        name: name.to_string(),
        host: "127.0.0.1".to_string(),
        port,
    })
}

async fn remote(addresses: &[String], name: usize) -> RemoteMeta {
    let mut endpoints = addresses.to_vec();
    endpoints.rotate_left(name % addresses.len());
    let config = RemoteConfig {
        endpoints,
        token: TOKEN.to_string(),
        tls: None,
        cache: None,
        name: format!("p{name}"),
        address: "127.0.0.1:3307".to_string(),
        version: "bench".to_string(),
        peer: None,
    };
    RemoteMeta::start(config).await.unwrap()
}

/// Milliseconds of the middle and of the slowest hundredth.
fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |f: f64| times[((times.len() - 1) as f64 * f) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: p50 {:.2} ms, p99 {:.2} ms ({} times)",
        at(0.5),
        at(0.99),
        times.len()
    );
}

/// Eight columns, a primary key and another unique key; no two tables are the same.
fn definition(n: u64) -> TableDefinition {
    use catalog::definition::{Column, UniqueKey};
    let column = |c: u64| Column {
        name: format!("column_number_{c}"),
        data_type: ["bigint(20)", "varchar(100)", "datetime(6)", "int(11)"][c as usize % 4]
            .to_string(),
        collation: ["", "utf8mb4_general_ci", "", ""][c as usize % 4].to_string(),
        nullable: c > 1,
        default: (c % 4 == 3).then(|| n.to_string()),
        ..Column::default()
    };
    let unique = |name: &str, columns: &[u64]| UniqueKey {
        name: name.to_string(),
        columns: columns
            .iter()
            .map(|c| format!("column_number_{c}"))
            .collect(),
        partial: Vec::new(),
    };
    TableDefinition {
        columns: (0..8).map(column).collect(),
        unique_keys: vec![unique("PRIMARY", &[0]), unique("by_two", &[0, 1])],
        ..TableDefinition::default()
    }
}

/// A catalog of 1,000 shards and 10,000 tables of eight columns, each over four shards.
fn large() -> State {
    let mut c = Catalog::default();
    for n in 1..=SHARDS {
        let (name, host) = (
            format!("shard{n:04}"),
            format!("10.1.{}.{}", n / 250, n % 250),
        );
        let id = ShardId(n);
        let shard = Shard::new(id, &name, InstanceId(n), (&host, 3306));
        c.shards.insert(id, shard);
    }
    let home = Database {
        default_shard: ShardId(1),
    };
    let databases = (0..20).map(|d| (format!("database{d:02}"), home.clone()));
    c.databases.extend(databases);
    for n in 0..TABLES {
        let first = (n % u64::from(SHARDS - 4)) as u32 + 1;
        let on: Vec<_> = (first..first + 4).map(ShardId).collect();
        let kind = KeyType::Integer {
            min: i64::MIN.into(),
            max: i64::MAX.into(),
        };
        let key = vec![KeyColumn {
            name: "id".to_string(),
            kind,
        }];
        let sharding = Sharding::new(key, Function::even_hash(&on), GroupId(first.into())).unwrap();
        let table = Table {
            id: TableId(n + 1),
            name: TableName::new(
                format!("database{:02}", n % 20),
                format!("table_number_{n:05}"),
            ),
            placement: Placement::Sharded(Box::new(sharding)),
            definition: definition(n).into(),
            auto_increment: None,
        };
        c.insert_table(table);
    }
    (c.epoch, c.last_id) = (1, TABLES + 1);
    State {
        catalog: c,
        ..Default::default()
    }
}

async fn commits(n: &Nodes) {
    let client = remote(&n.addresses, 0).await;
    let mut times = Vec::new();
    for i in 0..500 {
        let started = Instant::now();
        client
            .submit("bench", put("one", i % 1000 + 1), None)
            .await
            .unwrap();
        times.push(started.elapsed());
    }
    show("a change through a client, one after the other", times);
}

async fn large_cluster(n: &Nodes) {
    let state = large();
    let sealed = meta::sealed::seal(&state).unwrap();
    println!(
        "snapshot of {SHARDS} shards and {TABLES} tables: {:.1} MiB",
        sealed.len() as f64 / f64::from(1 << 20)
    );
    let command = Command::PutShard {
        name: "shard0001".to_string(),
        host: "10.1.0.1".to_string(),
        port: 1,
    };
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        std::hint::black_box(state.catalog.apply(&command).unwrap());
        times.push(started.elapsed());
    }
    show("a proxy applies a change to such a catalog", times);
    let import = Change::Import(Box::new(state));
    let started = Instant::now();
    n.nodes[0].submit("bench", import, None).await.unwrap();
    println!(
        "that state is imported in {:.0} ms",
        started.elapsed().as_secs_f64() * 1e3
    );
    let mut proxies = Vec::new();
    for i in 0..PROXIES {
        proxies.push(remote(&n.addresses, i).await);
    }
    let epoch = n.nodes[0].watch().borrow().epoch;
    let mut times = Vec::new();
    for i in 0..40u16 {
        let mut watches: Vec<_> = proxies.iter().map(MetaService::watch).collect();
        let started = Instant::now();
        n.nodes[0]
            .submit("bench", put("shard0002", i + 1), None)
            .await
            .unwrap();
        for w in &mut watches {
            w.wait_for(|c| c.epoch > epoch + u64::from(i))
                .await
                .unwrap();
        }
        times.push(started.elapsed());
    }
    show(
        &format!("a change until the last of {PROXIES} proxies has it"),
        times,
    );
}

async fn fail_over(n: Nodes) {
    let client = remote(&n.addresses, 1).await;
    let leader = n.nodes[0].view().leader.unwrap();
    let gone = &n.nodes[leader as usize - 1];
    let epoch = client.watch().borrow().epoch;
    let started = Instant::now();
    gone.stop().await;
    let mut watch = client.watch();
    client
        .submit("bench", put("shard0003", 1), None)
        .await
        .unwrap();
    watch.wait_for(|c| c.epoch > epoch).await.unwrap();
    let seen = started.elapsed().as_secs_f64();
    println!("leader gone until a new change is seen by a proxy: {seen:.2} s");
    let _ = std::fs::remove_dir_all(&n.dir);
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let n = start("small").await;
        commits(&n).await;
        fail_over(n).await;
        let n = start("large").await;
        large_cluster(&n).await;
        let _ = std::fs::remove_dir_all(&n.dir);
    });
    // Tasks of stopped nodes are not waited for.
    std::process::exit(0);
}
