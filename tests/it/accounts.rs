//! The proxy's own account on each shard: few rights, one for each start, none left over.

use crate::cluster::{Cluster, connect, error_of};
use crate::shardctl::{fine, json};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};

/// How long accounts may take to follow.
const FOLLOW: Duration = Duration::from_secs(30);

/// Processes' own accounts; those of sets of rights have a further number.
const ACCOUNTS: &str = "SELECT User FROM mysql.user WHERE User REGEXP '^shardwright_[0-9]+$'";
/// The others of users who may do everything: for rows and for structure.
const OF_EVERYTHING: [&str; 2] = ["1rwd", "1srwd"];

async fn accounts(shard: &mut Conn) -> Vec<String> {
    shard.query(ACCOUNTS).await.unwrap()
}

/// The only account, once it is another one than before.
async fn next_account(shard: &mut Conn, before: &str) -> String {
    let until = Instant::now() + FOLLOW;
    loop {
        let now = accounts(shard).await;
        match now.as_slice() {
            [one] if one != before => return one.clone(),
            _ => assert!(Instant::now() < until, "{now:?}, before {before}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Runs a statement until it works; accounts that change break connections.
async fn works(port: u16, sql: &str) {
    let until = Instant::now() + FOLLOW;
    while let Err(e) = connect(port).await.query_drop(sql).await {
        assert!(Instant::now() < until, "{sql}: {e}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn database(cluster: &Cluster) {
    let mut c = connect(cluster.port).await;
    for sql in [
        "CREATE DATABASE acc_one",
        "USE acc_one",
        "CREATE TABLE h (id INT PRIMARY KEY) SHARD BY HASH (id)",
        "CREATE TABLE s (id INT PRIMARY KEY)",
        "INSERT INTO h VALUES (1), (2), (3)",
        "INSERT INTO s VALUES (1)",
        "CREATE VIEW v AS SELECT id FROM s",
        "CREATE PROCEDURE p() SELECT id + 1 FROM s",
    ] {
        c.query_drop(sql).await.unwrap();
    }
}

#[tokio::test]
async fn each_start_has_an_account_with_few_rights_and_leaves_none() {
    let cluster = Cluster::start("acc", 2, &["--meta", "1"]);
    database(&cluster).await;
    // A proxy that ends without a word is given up sooner than after the usual half minute.
    fine(&cluster, &["settings", "set", "fence_after_ms", "5000"]);
    let mut shard = connect(cluster.shard_port).await;
    let first = next_account(&mut shard, "").await;
    for (account, needed, forbidden) in [
        (
            first.clone(),
            "PROCESS",
            &["SELECT ON `acc", "INSERT", "CREATE,", "DROP"][..],
        ),
        (
            format!("{first}_{}", OF_EVERYTHING[0]),
            "INSERT",
            &["CREATE,", "DROP", "PROCESS"],
        ),
        (
            format!("{first}_{}", OF_EVERYTHING[1]),
            "DROP",
            &["PROCESS"],
        ),
    ] {
        let show = format!("SHOW GRANTS FOR '{account}'@'%'");
        let grants: Vec<String> = shard.query(show).await.unwrap();
        let all = grants.join("\n");
        assert!(
            all.contains("`acc\\_one`.*") && all.contains(needed),
            "{all}"
        );
        for forbidden in ["ALL PRIV", "SUPER", "FILE", "GRANT OPTION"]
            .iter()
            .chain(forbidden)
        {
            assert!(!all.contains(forbidden), "{forbidden}: {all}");
        }
    }
    let mut c = connect(cluster.port).await;
    let denied = error_of(&mut c, "SELECT * FROM mysql.user").await;
    assert_eq!(denied.0, 1142);
    assert!(!denied.1.contains("shardwright_"), "{}", denied.1);

    // Somebody drops it: it comes back.
    shard
        .query_drop(format!("DROP USER '{first}'@'%'"))
        .await
        .unwrap();
    let until = Instant::now() + FOLLOW;
    while accounts(&mut shard).await != [first.as_str()] {
        assert!(Instant::now() < until, "the account does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    works(cluster.port, "SELECT * FROM acc_one.h").await;

    // Fenced, the proxy goes on as another incarnation; the old account is ended.
    let incarnation = json(&cluster, &["proxy", "list"])[0]["incarnation"].to_string();
    assert_eq!(first, format!("shardwright_{incarnation}"));
    fine(&cluster, &["proxy", "fence", &incarnation, "--yes"]);
    let second = next_account(&mut shard, &first).await;
    works(cluster.port, "SELECT * FROM acc_one.h").await;

    // The next start has its own, and what was defined before still runs.
    let cluster = cluster.restart(2, &["--meta", "1"]);
    let mut shard = connect(cluster.shard_port).await;
    let third = next_account(&mut shard, &second).await;
    assert_ne!(third, first);
    let mut c = connect(cluster.port).await;
    c.query_drop("USE acc_one").await.unwrap();
    assert_eq!(c.query_first("SELECT id FROM v").await.unwrap(), Some(1));
    assert_eq!(c.query_first("CALL p()").await.unwrap(), Some(2));
    let body: Vec<mysql_async::Row> = c.query("SHOW CREATE PROCEDURE p").await.unwrap();
    let text: String = body[0].get(2).unwrap();
    assert!(text.contains("id + 1"), "{text}");

    c.query_drop("DROP DATABASE acc_one").await.unwrap();
    let accounts = OF_EVERYTHING.map(|set| format!("{third}_{set}"));
    for account in std::iter::once(third).chain(accounts) {
        let show = format!("SHOW GRANTS FOR '{account}'@'%'");
        let grants: Vec<String> = shard.query(show).await.unwrap();
        assert!(!grants.join("\n").contains("acc"), "{grants:?}");
    }
    let left = format!("SELECT COUNT(*) FROM mysql.user WHERE User LIKE '{second}%'");
    assert_eq!(shard.query_first(left).await.unwrap(), Some(0));
    drop(shard);
    cluster.stop();
}
