//! Statements on several shards while the way to one of them is cut at a byte that a seed chooses: an
//! answer is whole or an error, a write is there on all shards or on none, or the error says that a commit
//! tore; and nobody's later answer is touched.
//!
//! More rounds: SHARDWRIGHT_LOSSY_ROUNDS=2000.

use crate::cluster::{connect, connect_as, free_port, shared};
use crate::configured::{Configured, Server, servers_of};
use crate::logins::{PASSWORD, users};
use crate::pipelines::counter;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Rounds of an ordinary run.
const ROUNDS: u64 = 120;
/// Rows of the table, before any write of the test.
const ROWS: u64 = 400;
/// ER_ERROR_DURING_COMMIT: some shards committed and some did not.
const PARTIALLY_COMMITTED: u16 = 1180;

/// A way to a server that can be cut.
#[derive(Clone)]
struct Line {
    /// Bytes toward the proxy until the cut; negative: none is due.
    left: Arc<AtomicI64>,
    cut: watch::Sender<u64>,
}

impl Line {
    async fn open(to: u16, port: u16) -> Line {
        let line = Line {
            left: Arc::new(AtomicI64::new(-1)),
            cut: watch::Sender::new(0),
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let own = line.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let ((from_c, to_c), (from_s, to_s)) = (client.into_split(), server.into_split());
                let (line, mut cut) = (own.clone(), own.cut.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        () = own_pipe(from_c, to_s, None) => {}
                        () = own_pipe(from_s, to_c, Some(&line)) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        line
    }

    /// Cuts every connection after so many more bytes toward the proxy.
    fn cut_after(&self, bytes: u64) {
        self.left.store(bytes as i64, Ordering::SeqCst);
    }

    /// Takes bytes off; how many may pass, and whether the line is to be cut behind them.
    fn pass(&self, n: usize) -> (usize, bool) {
        let left = self.left.load(Ordering::SeqCst);
        if left < 0 {
            return (n, false);
        }
        let passed = n.min(left as usize);
        let cut = left as usize <= n;
        let rest = if cut { -1 } else { left - n as i64 };
        self.left.store(rest, Ordering::SeqCst);
        (passed, cut)
    }
}

async fn own_pipe(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: Option<&Line>) {
    let mut buf = vec![0; 16 * 1024];
    loop {
        let n = from.read(&mut buf).await.unwrap_or(0);
        if n == 0 {
            return;
        }
        let (passed, cut) = line.map_or((n, false), |l| l.pass(n));
        if to.write_all(&buf[..passed]).await.is_err() {
            return;
        }
        if let (true, Some(line)) = (cut, line) {
            line.cut.send_modify(|n| *n += 1);
            return;
        }
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Error code of a statement; 0 if the connection went with it.
fn code(e: &Error) -> u16 {
    match e {
        Error::Server(e) => e.code,
        _ => 0,
    }
}

struct Round<'a> {
    proxy: &'a Configured,
    /// Past the proxy: the first shard, and the second.
    behind: &'a mut [Conn; 2],
    number: u64,
    /// Commits that tore.
    partial_commits: u64,
}

impl Round<'_> {
    async fn client(&self) -> Conn {
        let mut c = connect_as(self.proxy.port, "both", PASSWORD).await;
        c.query_drop("USE lossy").await.unwrap();
        c
    }

    /// How many rows each shard has of this round.
    async fn there(&mut self) -> [u64; 2] {
        let sql = format!("SELECT COUNT(*) FROM lossy.t WHERE round = {}", self.number);
        let mut out = [0; 2];
        for (n, shard) in out.iter_mut().zip(self.behind.iter_mut()) {
            *n = shard.query_first(sql.as_str()).await.unwrap().unwrap();
        }
        out
    }

    /// Reads rows of both shards; true if it was answered.
    async fn read(&mut self, prepared: bool) -> bool {
        let mut c = self.client().await;
        let sql = "SELECT id FROM t WHERE round = 0";
        let rows: Result<Vec<u64>, Error> = match prepared {
            true => c.exec(sql, ()).await,
            false => c.query(sql).await,
        };
        let Ok(mut rows) = rows else {
            return false;
        };
        rows.sort_unstable();
        assert_eq!(rows, (0..ROWS).collect::<Vec<_>>(), "round {}", self.number);
        true
    }

    /// Rows on both shards by one statement, which is a transaction of its own or part of one; true if it
    /// was acknowledged.
    async fn write(&mut self, in_transaction: bool) -> bool {
        let mut c = self.client().await;
        let first = self.number * 1_000;
        let rows: Vec<_> = (first..first + 40)
            .map(|id| format!("({id}, {})", self.number))
            .collect();
        let insert = format!("INSERT INTO t (id, round) VALUES {}", rows.join(", "));
        let done = async {
            if in_transaction {
                c.query_drop("BEGIN").await?;
            }
            c.query_drop(insert).await?;
            if in_transaction {
                c.query_drop("COMMIT").await?;
            }
            Ok::<_, Error>(())
        };
        let outcome = done.await;
        drop(c);
        let there = self.settled().await;
        let (all, none) = (there.iter().sum::<u64>() == 40, there == [0, 0]);
        let acknowledged = outcome.is_ok();
        match outcome {
            Ok(()) => assert!(all, "round {}: acknowledged, {there:?} there", self.number),
            // The client does not know.
            Err(e) if code(&e) == 0 => {}
            // The client knows that it is partially committed, and where.
            Err(Error::Server(e)) if e.code == PARTIALLY_COMMITTED => {
                self.check_partially_committed(&e.message, there);
                self.partial_commits += 1;
            }
            Err(e) => assert!(none, "round {}: {e}, and {there:?} is there", self.number),
        }
        acknowledged
    }

    /// The error of a partial commit is right about each shard.
    fn check_partially_committed(&self, text: &str, there: [u64; 2]) {
        let of = |start: &str, end: &str| {
            let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{text}"));
            rest.split_once(end).unwrap_or_else(|| panic!("{text}")).0
        };
        let committed = of("committed on ", "; not committed on ");
        let refused = of("; not committed on ", "; unknown on ");
        let unknown = of("; unknown on ", ". Check the data");
        for (shard, rows) in ["s1", "s2"].iter().zip(there) {
            let number = self.number;
            let is_in = |list: &str| list.split(", ").any(|s| s == *shard);
            match (is_in(committed), is_in(refused), is_in(unknown)) {
                (true, false, false) => assert!(rows > 0, "round {number}: {text}: {there:?}"),
                (false, true, false) => assert_eq!(rows, 0, "round {number}: {text}"),
                (false, false, true) => {}
                _ => panic!("round {number}: {shard} in {text}"),
            }
        }
        assert!(!committed.is_empty(), "{text}");
    }

    /// The rows once branches that were cut off have been rolled back by their server.
    async fn settled(&mut self) -> [u64; 2] {
        let lock = format!(
            "SELECT id FROM lossy.t WHERE round = {} FOR UPDATE",
            self.number
        );
        for shard in self.behind.iter_mut() {
            shard.query_drop(lock.as_str()).await.unwrap();
        }
        self.there().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_is_whole_or_an_error() {
    let [one, two] = <[Server; 2]>::try_from(servers_of(shared(), 2))
        .ok()
        .unwrap();
    let mut behind = [connect(one.port).await, connect(two.port).await];
    let port = free_port();
    let line = Line::open(two.port, port).await;
    let way = Server { port, ..two };
    let proxy = Configured::start("lossy", &[one, way], &users());
    let mut c = connect_as(proxy.port, "both", PASSWORD).await;
    for sql in [
        "CREATE DATABASE lossy",
        "CREATE TABLE lossy.t (id BIGINT PRIMARY KEY, round BIGINT, KEY (round)) SHARD BY HASH (id)",
    ] {
        c.query_drop(sql).await.unwrap();
    }
    let rows: Vec<_> = (0..ROWS).map(|id| format!("({id}, 0)")).collect();
    let fill = format!("INSERT INTO lossy.t VALUES {}", rows.join(", "));
    c.query_drop(fill).await.unwrap();
    let rounds = std::env::var("SHARDWRIGHT_LOSSY_ROUNDS");
    let rounds: u64 = rounds.map_or(ROUNDS, |n| n.parse().unwrap());
    let (mut dice, mut answered_in_all, mut partial_commits) = (Dice(7), 0, 0);
    for number in 1..=rounds {
        line.cut_after(dice.below(if number.is_multiple_of(2) { 3_000 } else { 250 }));
        let mut round = Round {
            proxy: &proxy,
            behind: &mut behind,
            number,
            partial_commits: 0,
        };
        let answered = match dice.below(4) {
            0 => round.read(false).await,
            1 => round.read(true).await,
            2 => round.write(false).await,
            _ => round.write(true).await,
        };
        answered_in_all += u64::from(answered);
        partial_commits += round.partial_commits;
    }
    let cut = rounds - answered_in_all;
    assert!(
        cut > rounds / 10 && answered_in_all > rounds / 10,
        "{cut} of {rounds} were cut"
    );
    let counted = "shardwright_multi_shard_transactions_total{outcome=\"partially_committed\"}";
    assert_eq!(counter(proxy.admin, counted).await, partial_commits);
    line.cut_after(u64::MAX >> 2);
    let n: Option<u64> = c
        .query_first("SELECT id FROM lossy.t WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(n, Some(1));
    c.query_drop("DROP DATABASE lossy").await.unwrap();
}
