//! Transactions over one shard and over several.

use crate::cluster::{connect, database, error_of, shared};
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};

const TABLE: &str = "CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v INT) SHARD BY HASH (id)";
const ROWS: &str = "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)";

#[tokio::test]
async fn several_shards_commit_and_roll_back_together() {
    let (mut c, db) = database().await;
    let mut other = connect(shared().port).await;
    other.query_drop(format!("USE {db}")).await.unwrap();
    c.query_drop(TABLE).await.unwrap();
    c.query_drop("BEGIN").await.unwrap();
    c.query_drop(ROWS).await.unwrap();
    let seen: Vec<u32> = other.query("SELECT id FROM t").await.unwrap();
    assert!(seen.is_empty(), "uncommitted rows are visible: {seen:?}");
    c.query_drop("ROLLBACK").await.unwrap();
    assert!(
        c.query::<u32, _>("SELECT id FROM t")
            .await
            .unwrap()
            .is_empty()
    );
    c.query_drop("START TRANSACTION").await.unwrap();
    c.query_drop(ROWS).await.unwrap();
    c.query_drop("COMMIT").await.unwrap();
    assert_eq!(
        other
            .query::<u32, _>("SELECT id FROM t")
            .await
            .unwrap()
            .len(),
        6
    );
}

#[tokio::test]
async fn a_failing_statement_leaves_nothing_behind() {
    let (mut c, _) = database().await;
    c.query_drop(TABLE).await.unwrap();
    c.query_drop("INSERT INTO t VALUES (3, 1)").await.unwrap();
    let (code, _) = error_of(&mut c, ROWS).await;
    assert_eq!(code, 1062);
    assert_eq!(
        c.query::<(u32, u32), _>("SELECT * FROM t").await.unwrap(),
        [(3, 1)]
    );
    c.query_drop("BEGIN").await.unwrap();
    c.query_drop("INSERT INTO t VALUES (10, 0), (11, 0), (12, 0)")
        .await
        .unwrap();
    assert_eq!(error_of(&mut c, ROWS).await.0, 1062);
    c.query_drop("COMMIT").await.unwrap();
    let mut ids: Vec<u32> = c.query("SELECT id FROM t").await.unwrap();
    ids.sort_unstable();
    assert_eq!(ids, [3, 10, 11, 12]);
}

#[tokio::test]
async fn a_deadlock_across_shards_ends_soon_and_on_all_shards() {
    let (mut a, db) = database().await;
    a.query_drop(TABLE).await.unwrap();
    a.query_drop(ROWS).await.unwrap();
    let mut b = connect(shared().port).await;
    b.query_drop(format!("USE {db}")).await.unwrap();
    // Two ids on different shards.
    let of = |c: Vec<(String, String)>| c.into_iter().find(|(k, _)| k == "shards").unwrap().1;
    let one = of(a
        .query("EXPLAIN SHARD SELECT * FROM t WHERE id = 1")
        .await
        .unwrap());
    let mut far = 0;
    for id in 2..=6 {
        let sql = format!("EXPLAIN SHARD SELECT * FROM t WHERE id = {id}");
        if of(a.query(sql).await.unwrap()) != one {
            far = id;
        }
    }
    assert_ne!(far, 0);
    a.query_drop("BEGIN").await.unwrap();
    b.query_drop("BEGIN").await.unwrap();
    a.query_drop("UPDATE t SET v = v + 1 WHERE id = 1")
        .await
        .unwrap();
    b.query_drop(format!("UPDATE t SET v = v + 1 WHERE id = {far}"))
        .await
        .unwrap();
    let started = Instant::now();
    let (ra, rb) = tokio::join!(
        a.query_drop(format!("UPDATE t SET v = v + 1 WHERE id = {far}")),
        b.query_drop("UPDATE t SET v = v + 1 WHERE id = 1")
    );
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    let failed = [ra, rb]
        .into_iter()
        .filter_map(Result::err)
        .collect::<Vec<_>>();
    assert!(!failed.is_empty(), "one of both must give way");
    for e in &failed {
        let mysql_async::Error::Server(e) = e else {
            panic!("{e}")
        };
        assert_eq!((e.code, e.state.as_str()), (1213, "40001"), "{}", e.message);
    }
    a.query_drop("COMMIT").await.unwrap();
    b.query_drop("COMMIT").await.unwrap();
    // Whoever survived wrote both rows; nobody wrote one.
    let rows: Vec<(u32, u32)> = a.query("SELECT id, v FROM t").await.unwrap();
    let value = |id: u32| rows.iter().find(|r| r.0 == id).unwrap().1;
    assert_eq!(value(1), value(far));
    assert_eq!(value(1), 2 - failed.len() as u32);
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_transaction_along() {
    let (mut c, db) = database().await;
    c.query_drop(TABLE).await.unwrap();
    let mut gone = connect(shared().port).await;
    gone.query_drop(format!("USE {db}")).await.unwrap();
    gone.query_drop("BEGIN").await.unwrap();
    gone.query_drop(ROWS).await.unwrap();
    drop(gone);
    // The locks are free again: the same rows can be written.
    c.query_drop(ROWS).await.unwrap();
    assert_eq!(
        c.query::<u32, _>("SELECT id FROM t").await.unwrap().len(),
        6
    );
}

#[tokio::test]
async fn isolation_and_read_only_reach_every_branch() {
    let (mut c, name) = database().await;
    c.query_drop(TABLE).await.unwrap();
    c.query_drop(ROWS).await.unwrap();
    c.query_drop("START TRANSACTION READ ONLY").await.unwrap();
    assert_eq!(
        c.query::<u32, _>("SELECT id FROM t").await.unwrap().len(),
        6
    );
    assert_eq!(
        error_of(&mut c, "UPDATE t SET v = 1 WHERE id = 1").await.0,
        1792
    );
    assert_eq!(error_of(&mut c, "UPDATE t SET v = 1").await.0, 1792);
    c.query_drop("ROLLBACK").await.unwrap();
    c.query_drop("UPDATE t SET v = 1").await.unwrap();
    c.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        .await
        .unwrap();
    c.query_drop("COMMIT AND CHAIN").await.unwrap();
    c.query_drop("ROLLBACK").await.unwrap();
    let mut other = connect(shared().port).await;
    other.query_drop(format!("USE {name}")).await.unwrap();
    for (level, again) in [("REPEATABLE READ", 0), ("READ COMMITTED", 1)] {
        c.query_drop("UPDATE t SET v = 0").await.unwrap();
        let set = format!("SET TRANSACTION ISOLATION LEVEL {level}");
        c.query_drop(set).await.unwrap();
        c.query_drop("BEGIN").await.unwrap();
        let all: Vec<u32> = c.query("SELECT v FROM t").await.unwrap();
        assert_eq!(all, [0; 6], "{level}");
        other.query_drop("UPDATE t SET v = 1").await.unwrap();
        // Rows of every shard.
        let all: Vec<u32> = c.query("SELECT v FROM t").await.unwrap();
        assert_eq!(all, [again; 6], "{level}");
        c.query_drop("COMMIT").await.unwrap();
    }
    c.query_drop("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        .await
        .unwrap();
    c.query_drop("BEGIN").await.unwrap();
    let all: Vec<u32> = c.query("SELECT v FROM t").await.unwrap();
    assert_eq!(all.len(), 6);
    // Its reads lock the rows on every shard.
    other
        .query_drop("SET innodb_lock_wait_timeout = 0")
        .await
        .unwrap();
    for id in 1..=6 {
        let sql = format!("UPDATE t SET v = 2 WHERE id = {id}");
        assert_eq!(error_of(&mut other, &sql).await.0, 1205, "{id}");
    }
    c.query_drop("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn without_autocommit_the_first_statement_may_write_several_shards() {
    let (mut c, _db) = database().await;
    c.query_drop(TABLE).await.unwrap();
    let all = "SELECT id FROM t";
    c.query_drop("SET autocommit = 0").await.unwrap();
    c.query_drop(ROWS).await.unwrap();
    c.query_drop("ROLLBACK").await.unwrap();
    assert!(
        c.query::<u32, _>(all).await.unwrap().is_empty(),
        "rolled back"
    );
    c.query_drop(ROWS).await.unwrap();
    c.query_drop("COMMIT").await.unwrap();
    let before = c.query::<u32, _>(all).await.unwrap().len();
    assert!(before >= 5);
    c.query_drop("COMMIT").await.unwrap();
    // A statement that fails on one shard leaves nothing on the other.
    let more: Vec<_> = (100..110).map(|n| format!("({n}, 0)")).collect();
    let sql = format!("INSERT INTO t (id, v) VALUES {}, (1, 0)", more.join(", "));
    assert_eq!(error_of(&mut c, &sql).await.0, 1062);
    c.query_drop("COMMIT").await.unwrap();
    assert_eq!(c.query::<u32, _>(all).await.unwrap().len(), before);
    c.query_drop("COMMIT").await.unwrap();
    // A savepoint that comes first holds on every shard that is touched later.
    c.query_drop("SAVEPOINT first").await.unwrap();
    for id in 200..208 {
        let sql = format!("INSERT INTO t (id, v) VALUES ({id}, 0)");
        c.query_drop(sql).await.unwrap();
    }
    c.query_drop("ROLLBACK TO first").await.unwrap();
    c.query_drop("COMMIT").await.unwrap();
    assert_eq!(c.query::<u32, _>(all).await.unwrap().len(), before);
}

#[tokio::test]
async fn a_refused_write_of_several_shards_leaves_a_read_only_transaction_open() {
    let (mut c, _db) = database().await;
    c.query_drop(TABLE).await.unwrap();
    c.query_drop(ROWS).await.unwrap();
    let statement = c.prep("UPDATE t SET v = v + 1 WHERE id = ?").await.unwrap();
    c.query_drop("START TRANSACTION READ ONLY").await.unwrap();
    for _ in 0..3 {
        // A text that is no number may mean any row: every shard is asked.
        let done = c.exec_drop(&statement, ("",)).await;
        let Err(mysql_async::Error::Server(e)) = done else {
            panic!("{done:?}")
        };
        assert_eq!(e.code, 1792, "{}", e.message);
    }
}
