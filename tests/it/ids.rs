//! Insert ids as one server tells them, where ids come from blocks: each step on the proxy and on a plain
//! server, with "new" for an id that the step made.

use crate::cluster::{connect, connect_as, database, error_of, plain, shared};
use crate::configured::{Configured, servers_of};
use crate::logins::{PASSWORD, users};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

const TABLE: &str = "CREATE TABLE t (id BIGINT NOT NULL AUTO_INCREMENT, u INT NOT NULL, m INT NOT NULL, \
                     v BIGINT, PRIMARY KEY (id, u), UNIQUE KEY (u, m))";

/// What a client learns of ids from one statement: the OK packet's, and LAST_INSERT_ID() after it.
async fn step(
    c: &mut Conn,
    sql: &str,
    prepared: bool,
    known: &mut Vec<u64>,
) -> (String, String, u64) {
    match prepared {
        true => c.exec_drop(sql, ()).await.unwrap(),
        false => c.query_drop(sql).await.unwrap(),
    }
    let told = c.last_insert_id().unwrap_or(0);
    let affected = c.affected_rows();
    let after: u64 = c
        .query_first("SELECT LAST_INSERT_ID()")
        .await
        .unwrap()
        .unwrap();
    let rows: Vec<u64> = c
        .query("SELECT id FROM t WHERE u = 1 ORDER BY id")
        .await
        .unwrap();
    // Ids by their place among those of u = 1; the numbers themselves differ.
    let name = |id: u64| match (id, rows.iter().position(|r| *r == id)) {
        (0, _) => "none".to_string(),
        (id, _) if id >= 1 << 40 => id.to_string(),
        (_, Some(at)) => format!("row {at}"),
        (id, None) => match known.contains(&id) {
            true => "an old id".to_string(),
            false => format!("{id}, which no row has"),
        },
    };
    let names = (name(told), name(after), affected);
    known.extend([told, after]);
    names
}

#[tokio::test]
async fn ids_of_inserts_that_insert_nothing() {
    for rule in ["HASH (u)", "REFERENCE"] {
        for prepared in [false, true] {
            let (mut ours, db) = database().await;
            let mut theirs = connect(plain().shard_port).await;
            theirs
                .query_drop(format!("CREATE DATABASE {db}"))
                .await
                .unwrap();
            theirs.query_drop(format!("USE {db}")).await.unwrap();
            ours.query_drop(format!("{TABLE} SHARD BY {rule}"))
                .await
                .unwrap();
            theirs.query_drop(TABLE).await.unwrap();
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for sql in [
                "INSERT INTO t (u, m, v) VALUES (1, 1, 1)",
                "INSERT IGNORE INTO t (u, m, v) VALUES (1, 1, 2)",
                "INSERT INTO t (u, m, v) VALUES (1, 2, 1)",
                "INSERT INTO t (u, m, v) VALUES (1, 1, 5) ON DUPLICATE KEY UPDATE v = VALUES(v)",
                "INSERT INTO t (u, m, v) VALUES (1, 1, 5) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
                "INSERT INTO t (u, m, v) VALUES (1, 2, 7) ON DUPLICATE KEY UPDATE \
                 id = LAST_INSERT_ID(id), v = VALUES(v)",
                "INSERT INTO t (u, m, v) VALUES (1, 3, 7) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
                "INSERT INTO t (id, u, m) VALUES (1099511627776, 1, 9)",
                "INSERT IGNORE INTO t (u, m, v) VALUES (1, 1, 2), (1, 2, 2)",
                "INSERT INTO t (u, m, v) VALUES (1, 10, 2), (1, 11, 2)",
                "UPDATE t SET v = LAST_INSERT_ID(1099511627777) WHERE u = 1 AND m = 1",
                "SELECT LAST_INSERT_ID(1099511627778)",
            ] {
                let x = step(&mut ours, sql, prepared, &mut a).await;
                let y = step(&mut theirs, sql, prepared, &mut b).await;
                assert_eq!(x, y, "{rule}, prepared {prepared}: {sql}");
            }
            theirs
                .query_drop(format!("DROP DATABASE {db}"))
                .await
                .unwrap();
        }
    }
}

const TENANTS: &str = "CREATE TABLE p (id BIGINT AUTO_INCREMENT PRIMARY KEY, tenant INT NOT NULL, \
                       name VARCHAR(20), v INT NOT NULL DEFAULT 0, UNIQUE KEY (tenant, name)) \
                       SHARD BY HASH (tenant)";

/// Tables as most frameworks make them: the primary key is an id, and rows belong to a tenant.
#[tokio::test]
async fn an_id_may_be_unique_without_the_sharding_key() {
    let (mut c, db) = database().await;
    c.query_drop(TENANTS).await.unwrap();
    let rows: Vec<_> = (0..40).map(|n| format!("({n}, 'n{n}')")).collect();
    c.query_drop(format!(
        "INSERT INTO p (tenant, name) VALUES {}",
        rows.join(", ")
    ))
    .await
    .unwrap();
    c.exec_drop(
        "INSERT INTO p (id, tenant, name) VALUES (?, ?, ?)",
        (None::<u64>, 50, "x"),
    )
    .await
    .unwrap();
    c.query_drop("INSERT INTO p (id, tenant) VALUES (NULL, 51), (0, 52), (DEFAULT, 53)")
        .await
        .unwrap();
    let ids: Vec<u64> = c.query("SELECT id FROM p ORDER BY tenant").await.unwrap();
    assert_eq!(ids.len(), 44);
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 44, "{ids:?}");
    // By its id a row is found on whatever shard.
    for (tenant, id) in ids.iter().take(10).enumerate() {
        let by_id = format!("SELECT tenant FROM p WHERE id = {id}");
        let found: Vec<usize> = c.query(by_id).await.unwrap();
        assert_eq!(found, [tenant]);
        c.exec_drop("UPDATE p SET v = v + 1 WHERE id = ?", (id,))
            .await
            .unwrap();
        assert_eq!(c.affected_rows(), 1);
        c.query_drop(format!("DELETE FROM p WHERE id = {id}"))
            .await
            .unwrap();
        assert_eq!(c.affected_rows(), 1);
    }
    let same = "INSERT INTO p (tenant, name) VALUES (20, 'n20') \
                ON DUPLICATE KEY UPDATE v = 9, id = LAST_INSERT_ID(id)";
    c.query_drop(same).await.unwrap();
    assert_eq!(c.last_insert_id(), Some(ids[20]));
    what_could_be_there_twice_is_refused(&mut c).await;
    c.query_drop(format!("DROP DATABASE {db}")).await.unwrap();
}

async fn what_could_be_there_twice_is_refused(c: &mut Conn) {
    for (sql, part) in [
        (
            "INSERT INTO p (id, tenant) VALUES (7, 1)",
            "explicit_ids = true",
        ),
        (
            "INSERT INTO p VALUES (-7, 1, NULL, 0)",
            "explicit_ids = true",
        ),
        (
            "INSERT INTO p SET tenant = 3, id = '9'",
            "explicit_ids = true",
        ),
        (
            "REPLACE INTO p (id, tenant) VALUES (7, 1), (NULL, 2)",
            "explicit_ids = true",
        ),
        ("UPDATE p SET id = 9 WHERE tenant = 20", "UPDATE of id"),
        ("UPDATE p x SET x.id = x.id + 1", "UPDATE of id"),
        (
            "INSERT INTO p (tenant, name) VALUES (20, 'n20') ON DUPLICATE KEY UPDATE id = 3",
            "LAST_INSERT_ID(id)",
        ),
        (
            "INSERT INTO p (tenant, name) VALUES (20, 'n20') ON DUPLICATE KEY UPDATE \
             v = IF(1, id = LAST_INSERT_ID(id), 1), id = 3",
            "LAST_INSERT_ID(id)",
        ),
        (
            "INSERT INTO p (tenant, name) VALUES (20, 'n20') ON DUPLICATE KEY UPDATE \
             v = id = LAST_INSERT_ID(id), id = 3",
            "LAST_INSERT_ID(id)",
        ),
        ("ALTER TABLE p MODIFY id BIGINT NOT NULL", "AUTO_INCREMENT"),
        ("ALTER TABLE p ADD UNIQUE KEY (v)", "sharding key"),
        (
            "CREATE TABLE q (id BIGINT PRIMARY KEY, tenant INT) SHARD BY HASH (tenant)",
            "does not contain the sharding key",
        ),
    ] {
        let (code, text) = error_of(c, sql).await;
        assert!(code == 1235 && text.contains(part), "{sql}: {code} {text}");
    }
    c.query_drop(
        "ALTER TABLE p MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, ADD UNIQUE KEY (id, v)",
    )
    .await
    .unwrap();
    c.query_drop("INSERT INTO p (tenant) VALUES (60)")
        .await
        .unwrap();
}

/// What was not unique by its making does not become so.
#[tokio::test]
async fn ids_from_elsewhere_are_not_taken_for_unique() {
    let (mut c, db) = database().await;
    c.query_drop(
        "CREATE TABLE o (id INT AUTO_INCREMENT, tenant INT, KEY (id)) SHARD BY HASH (tenant)",
    )
    .await
    .unwrap();
    c.query_drop("INSERT INTO o VALUES (1, 1), (1, 2), (1, 3), (1, 4)")
        .await
        .unwrap();
    c.query_drop("CREATE TABLE e (tenant INT) SHARD BY HASH (tenant)")
        .await
        .unwrap();
    for sql in [
        "ALTER TABLE o ADD UNIQUE KEY (id)",
        "CREATE UNIQUE INDEX u ON o (id)",
        "ALTER TABLE o MODIFY id INT AUTO_INCREMENT PRIMARY KEY",
        "ALTER TABLE e ADD COLUMN id INT AUTO_INCREMENT PRIMARY KEY",
    ] {
        assert_eq!(error_of(&mut c, sql).await.0, 1235, "{sql}");
    }
    c.query_drop(format!("DROP DATABASE {db}")).await.unwrap();
}

/// A restore brings its ids along; those that come later are new.
#[tokio::test]
async fn a_restore_may_give_ids() {
    let proxy = Configured::start("restore", &servers_of(shared(), 2), &users());
    let mut c = connect_as(proxy.port, "both", PASSWORD).await;
    let create = TENANTS.replace(" p ", " restored.p ");
    c.query_drop("CREATE DATABASE restored").await.unwrap();
    c.query_drop(create).await.unwrap();
    c.query_drop("INSERT INTO restored.p (id, tenant) VALUES (700, 1), (3, 2)")
        .await
        .unwrap();
    c.query_drop("INSERT INTO restored.p (tenant) VALUES (3)")
        .await
        .unwrap();
    let ids = "SELECT id FROM restored.p ORDER BY id";
    let ids: Vec<u64> = c.query(ids).await.unwrap();
    assert!(
        ids.len() == 3 && ids[..2] == [3, 700] && ids[2] > 700,
        "{ids:?}"
    );
    c.query_drop("DROP DATABASE restored").await.unwrap();
}
