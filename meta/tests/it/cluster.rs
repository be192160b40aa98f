//! Three nodes on loopback: changes, fail-over, members, snapshots, and a client that follows.

use crate::storage::Folder;
use catalog::{Answer, Change, Command, Rejected, TableId};
use meta::MetaNode;
use meta_client::http::Http;
use meta_client::{MemberChange, MemberRole, MetaError, MetaService, RemoteConfig, RemoteMeta};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const TOKEN: &str = "the-token-of-the-test";

fn port(address: &str, tls: Option<Arc<rustls::ServerConfig>>) -> meta::serve::Port {
    meta::serve::Port {
        token: TOKEN.to_string(),
        address: address.to_string(),
        tls,
    }
}

struct Running {
    node: MetaNode,
    server: JoinHandle<()>,
}

/// Nodes with folders and addresses that outlive their restarts.
struct Cluster {
    folders: Vec<Folder>,
    addresses: Vec<String>,
    running: Vec<Option<Running>>,
}

fn http() -> Http {
    Http::new(TOKEN, None).unwrap()
}

impl Cluster {
    async fn start(nodes: usize) -> Cluster {
        let mut c = Cluster {
            folders: Vec::new(),
            addresses: Vec::new(),
            running: Vec::new(),
        };
        for n in 0..nodes {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            c.addresses.push(listener.local_addr().unwrap().to_string());
            c.folders.push(Folder::new("node"));
            c.running.push(None);
            c.run(n, listener).await;
        }
        let first = c.node(0).clone();
        first.found(&c.addresses[0]).await.unwrap();
        for n in 1..nodes {
            let (id, address) = (n as u64 + 1, c.addresses[n].clone());
            first
                .change_members(MemberChange::Add { id, address })
                .await
                .unwrap();
            first
                .change_members(MemberChange::Promote { id })
                .await
                .unwrap();
        }
        c
    }

    async fn run(&mut self, n: usize, listener: TcpListener) {
        let until = Instant::now() + Duration::from_secs(10);
        let node = loop {
            // The tasks of the node that was stopped let go of its disk one after the other.
            match MetaNode::start(n as u64 + 1, &self.folders[n].0, Some(http())).await {
                Ok(node) => break node,
                Err(e) => assert!(Instant::now() < until, "{e}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let serving = meta::serve::serve(node.clone(), listener, port(&self.addresses[n], None));
        let server = tokio::spawn(serving);
        self.running[n] = Some(Running { node, server });
    }

    fn node(&self, n: usize) -> &MetaNode {
        &self.running[n].as_ref().unwrap().node
    }

    async fn stop(&mut self, n: usize) {
        let r = self.running[n].take().unwrap();
        r.node.stop().await;
        let _ = tokio::time::timeout(Duration::from_secs(10), r.server)
            .await
            .unwrap();
    }

    async fn restart(&mut self, n: usize) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpListener::bind(&self.addresses[n]).await {
                Ok(listener) => return self.run(n, listener).await,
                Err(e) => assert!(Instant::now() < until, "{e}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn leader(&self) -> usize {
        let until = Instant::now() + Duration::from_secs(15);
        loop {
            for (n, r) in self.running.iter().enumerate() {
                let view = r.as_ref().map(|r| r.node.view());
                if view.is_some_and(|v| v.leader == Some(n as u64 + 1)) {
                    return n;
                }
            }
            assert!(Instant::now() < until, "no leader");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn remote(&self, cache: Option<std::path::PathBuf>) -> Result<RemoteMeta, MetaError> {
        RemoteMeta::start(RemoteConfig {
            endpoints: self.addresses.clone(),
            token: TOKEN.into(),
            tls: None,
            cache,
            name: "p1".into(),
            address: "127.0.0.1:3307".into(),
            version: "test".into(),
            peer: None,
        })
        .await
    }
}

fn put(name: &str) -> Change {
    Change::Catalog(Command::PutShard {
        name: name.into(),
        host: "127.0.0.1".into(),
        port: 3306,
    })
}

async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(15);
    while !done() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_takes_changes_and_all_apply_them() {
    let c = Cluster::start(3).await;
    for n in 0..9 {
        let done = c
            .node(n % 3)
            .submit("dba", put(&format!("s{n}")), None)
            .await
            .unwrap();
        assert_eq!(
            done,
            Answer::Done {
                epoch: n as u64 + 1
            }
        );
    }
    let stale = c.node(2).submit("dba", put("late"), Some(3)).await;
    let refused = Rejected::Epoch {
        expected: 3,
        now: 9,
    };
    assert_eq!(stale, Err(MetaError::Rejected(refused)));
    for n in 0..3 {
        let state = c.node(n).state().await.unwrap();
        assert_eq!((state.catalog.epoch, state.catalog.shards.len()), (9, 9));
        assert_eq!(state.audit.len(), 9);
        assert!(state.audit.iter().all(|a| a.who == "dba"));
    }
    let ids: Vec<_> = [0, 1, 2]
        .map(|n| c.node(n).lease_ids(TableId(7), 0, 100))
        .into_iter()
        .collect();
    let mut starts = Vec::new();
    for lease in ids {
        starts.push(lease.await.unwrap().start);
    }
    starts.sort_unstable();
    assert_eq!(starts, [1, 101, 201]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_any_node_is_not_noticed_and_nothing_acknowledged_is_lost() {
    let mut c = Cluster::start(3).await;
    let remote = c.remote(None).await.unwrap();
    let mut acknowledged = 0;
    for round in 0..4 {
        let down = if round % 2 == 0 {
            c.leader().await
        } else {
            round % 3
        };
        c.stop(down).await;
        for n in 0..5 {
            remote
                .submit("dba", put(&format!("r{round}n{n}")), None)
                .await
                .unwrap();
            acknowledged += 1;
        }
        c.restart(down).await;
        let state = remote.state().await.unwrap();
        assert_eq!(state.catalog.shards.len(), acknowledged);
    }
    eventually("the watch follows", || {
        remote.watch().borrow().shards.len() == acknowledged
    })
    .await;
    for n in 0..3 {
        let node = c.node(n).clone();
        eventually("every node catches up", || {
            node.watch().borrow().shards.len() == acknowledged
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_changes_are_refused_and_the_snapshot_stays() {
    let mut c = Cluster::start(3).await;
    let cache = Folder::new("cache");
    let file = cache.0.join("catalog");
    let remote = c.remote(Some(file.clone())).await.unwrap();
    remote.submit("dba", put("s1"), None).await.unwrap();
    eventually("the watch follows", || remote.watch().borrow().epoch == 1).await;
    for n in 0..3 {
        c.stop(n).await;
    }
    assert_eq!(remote.watch().borrow().shards.len(), 1);
    let started = Instant::now();
    let failed = remote.submit("dba", put("s2"), None).await.unwrap_err();
    assert!(matches!(failed, MetaError::Unavailable(_)), "{failed}");
    assert!(started.elapsed() < Duration::from_secs(20));
    // A proxy that starts now has the catalog of the last run; without one it says why it does not.
    let second = c.remote(Some(file.clone())).await.unwrap();
    assert_eq!(second.watch().borrow().epoch, 1);
    assert!(c.remote(None).await.is_err());
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let damaged = c
        .remote(Some(file))
        .await
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(damaged.contains("damaged"), "{damaged}");
    for n in 0..3 {
        c.restart(n).await;
    }
    remote.submit("dba", put("s3"), None).await.unwrap();
    eventually("both follow again", || {
        [&remote, &second]
            .iter()
            .all(|r| r.watch().borrow().shards.len() == 2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_join_by_snapshot_and_leave_while_changes_go_on() {
    let mut c = Cluster::start(1).await;
    for n in 0..50 {
        c.node(0)
            .submit("dba", put(&format!("s{n}")), None)
            .await
            .unwrap();
    }
    c.node(0).raft().trigger().snapshot().await.unwrap();
    let logged = c.node(0).view().applied_index.unwrap();
    c.node(0)
        .raft()
        .wait(Some(Duration::from_secs(10)))
        .metrics(
            |m| m.snapshot.is_some_and(|s| s.index >= logged),
            "a snapshot",
        )
        .await
        .unwrap();
    c.node(0).raft().trigger().purge_log(logged).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    c.addresses.push(listener.local_addr().unwrap().to_string());
    c.folders.push(Folder::new("node"));
    c.running.push(None);
    c.run(1, listener).await;
    let (id, address) = (2, c.addresses[1].clone());
    let view = c
        .node(0)
        .change_members(MemberChange::Add { id, address })
        .await
        .unwrap();
    assert_eq!(view.members[1].role, MemberRole::Learner);
    let joined = c.node(1).clone();
    eventually("the snapshot arrives", || {
        joined.watch().borrow().shards.len() == 50
    })
    .await;
    drop(joined);
    let view = c
        .node(0)
        .change_members(MemberChange::Promote { id })
        .await
        .unwrap();
    assert_eq!(view.members[1].role, MemberRole::Follower);
    // The first node, which leads, leaves; the other one goes on alone.
    let view = c
        .node(1)
        .change_members(MemberChange::Remove { id: 1 })
        .await
        .unwrap();
    assert_eq!(view.members.len(), 1);
    c.stop(0).await;
    c.leader().await;
    c.node(1).submit("dba", put("after"), None).await.unwrap();
    let last = c
        .node(1)
        .change_members(MemberChange::Remove { id: 2 })
        .await;
    assert!(matches!(last, Err(MetaError::Rejected(_))), "{last:?}");
    // And the node starts again from what is on its disk.
    c.stop(1).await;
    c.restart(1).await;
    c.leader().await;
    assert_eq!(c.node(1).state().await.unwrap().catalog.shards.len(), 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxies_get_incarnations_and_lose_them_for_ever() {
    let c = Cluster::start(1).await;
    let remote = c.remote(None).await.unwrap();
    eventually("registered", || remote.holds_lease()).await;
    let first = remote.incarnation();
    remote.reached(5);
    let node = c.node(0).clone();
    let until = Instant::now() + Duration::from_secs(10);
    while node.proxies().await.unwrap()[0].epoch != Some(5) {
        assert!(Instant::now() < until, "the epoch is not acknowledged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let fence = Change::Fence(catalog::Fence::new(first, "test"));
    node.submit("dba", fence, None).await.unwrap();
    eventually("registered anew", || remote.incarnation() > first).await;
    let proxies = node.proxies().await.unwrap();
    assert_eq!(proxies.len(), 1);
    assert_eq!(proxies[0].incarnation, remote.incarnation());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_alone_where_it_is_configured() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_string()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let trusting = |roots| {
        let config = rustls::ClientConfig::builder().with_root_certificates(roots);
        Http::new(TOKEN, Some(Arc::new(config.with_no_client_auth()))).unwrap()
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = Folder::new("tls");
    let node = MetaNode::start(1, &folder.0, Some(trusting(roots.clone())))
        .await
        .unwrap();
    node.found(&address).await.unwrap();
    let tls = Some(Arc::new(server));
    let port = port(&address, tls);
    tokio::spawn(meta::serve::serve(node.clone(), listener, port));
    let ask = |http: Http| {
        let address = address.clone();
        async move {
            let time = Duration::from_secs(5);
            http.get::<serde_json::Value>(&address, "/v1/cluster", time)
                .await
        }
    };
    assert_eq!(ask(trusting(roots)).await.unwrap()["node"], 1);
    assert!(
        ask(trusting(rustls::RootCertStore::empty())).await.is_err(),
        "an unknown authority"
    );
    assert!(ask(http()).await.is_err(), "plain text");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_gets_nothing() {
    let c = Cluster::start(1).await;
    let wrong = Http::new("guess", None).unwrap();
    for path in ["/v1/state", "/v1/cluster", "/v1/news?epoch=0&wait_ms=0"] {
        let answer: Result<serde_json::Value, _> = wrong
            .get(&c.addresses[0], path, Duration::from_secs(5))
            .await;
        let refused = answer.unwrap_err();
        assert_eq!(MetaError::from(refused), MetaError::Unauthorized);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_removed_and_runs_on_misleads_nobody() {
    let c = Cluster::start(3).await;
    let leader = c.leader().await;
    let gone = (leader + 1) % 3;
    // A client that asks the removed node first.
    let mut endpoints = c.addresses.clone();
    endpoints.swap(0, gone);
    let remote = RemoteMeta::start(RemoteConfig {
        endpoints,
        token: TOKEN.into(),
        tls: None,
        cache: None,
        name: "p1".into(),
        address: "127.0.0.1:3307".into(),
        version: "test".into(),
        peer: None,
    });
    let remote = remote.await.unwrap();
    let id = gone as u64 + 1;
    let remove = MemberChange::Remove { id };
    c.node(leader).change_members(remove).await.unwrap();
    let node = c.node(leader).clone();
    node.submit("dba", put("later"), None).await.unwrap();
    eventually("the client hears of it", || {
        remote.watch().borrow().shard_named("later").is_some()
    })
    .await;
    let view = remote.cluster().await.unwrap();
    assert!(view.members.iter().all(|m| m.id != id), "{view:?}");
}
