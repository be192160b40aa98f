//! Tables that the shards have already enter the catalog, if their rows are where the rule says.

use crate::cluster::{Cluster, connect, error_of};
use crate::configured::servers_of;
use crate::shardctl::{dba, fine, json, refused};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

/// Connections to both shards, behind the proxy.
async fn shards(cluster: &Cluster) -> [Conn; 2] {
    let servers = servers_of(cluster, 2);
    [
        connect(servers[0].port).await,
        connect(servers[1].port).await,
    ]
}

async fn on_both(shards: &mut [Conn; 2], sql: &str) {
    for shard in shards {
        shard.query_drop(sql).await.unwrap();
    }
}

fn import(table: &str, clause: &str) -> String {
    fine(dba(), &["table", "import", table, clause])
}

fn not_imported(table: &str, clause: &str, why: &str) {
    refused(dba(), &["table", "import", table, clause], why);
    assert_eq!(json(dba(), &["rule", "list"]), serde_json::json!([]));
}

#[tokio::test]
async fn rows_decide_what_can_be_imported() {
    let ctl = dba();
    let mut behind = shards(ctl).await;
    on_both(&mut behind, "CREATE DATABASE im_one").await;
    let table = "CREATE TABLE im_one.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(9))";
    on_both(&mut behind, table).await;
    not_imported("im_one.t", "HASH (id)", "CREATE DATABASE IF NOT EXISTS");

    let mut c = connect(ctl.port).await;
    c.query_drop("CREATE DATABASE IF NOT EXISTS im_one")
        .await
        .unwrap();
    let (low, high) = ("(1, 'a'), (2, 'b')", "(1001, 'c')");
    behind[0]
        .query_drop(format!("INSERT INTO im_one.t VALUES {low}"))
        .await
        .unwrap();
    behind[1]
        .query_drop(format!("INSERT INTO im_one.t VALUES {high}"))
        .await
        .unwrap();
    let range = |first: &str, second: &str| {
        format!(
            "RANGE (id) (PARTITION low VALUES LESS THAN (1000) ON {first}, \
             PARTITION high VALUES LESS THAN (2000) ON {second})"
        )
    };
    not_imported("im_one.t", &range("s2", "s1"), "the rule places it on s2");
    not_imported(
        "im_one.t",
        "RANGE (id) (PARTITION p VALUES LESS THAN (9) ON s1)",
        "in no partition",
    );
    not_imported("im_one.t", "HASH (v)", "does not contain the sharding key");
    not_imported("im_one.t", "REFERENCE", "differ between the shards");
    not_imported("im_one.t", "HASH (id) ON (s9)", "no shard s9");
    not_imported(
        "im_one.nothing",
        "HASH (id)",
        "there is no table im_one.nothing",
    );

    let right = range("s1", "s2");
    let said = fine(ctl, &["table", "import", "im_one.t", &right, "--dry-run"]);
    assert!(said.contains("3 rows are where the rule says"), "{said}");
    refused(ctl, &["table", "show", "im_one.t"], "does not exist");
    assert!(import("im_one.t", &right).contains("the next id is 1002"));
    c.query_drop("USE im_one").await.unwrap();
    let v: Option<String> = c
        .query_first("SELECT v FROM t WHERE id = 1001")
        .await
        .unwrap();
    assert_eq!(v.as_deref(), Some("c"));
    c.query_drop("INSERT INTO t (v) VALUES ('d')")
        .await
        .unwrap();
    assert_eq!(c.last_insert_id(), Some(1002));
    not_imported("im_one.t", &right, "exists already");
}

#[tokio::test]
async fn single_and_reference_tables_and_what_differs() {
    let ctl = dba();
    let mut behind = shards(ctl).await;
    let mut c = connect(ctl.port).await;
    c.query_drop("CREATE DATABASE im_two").await.unwrap();
    c.query_drop("USE im_two").await.unwrap();
    behind[1]
        .query_drop("CREATE TABLE im_two.alone (id INT PRIMARY KEY)")
        .await
        .unwrap();
    behind[1]
        .query_drop("INSERT INTO im_two.alone VALUES (7)")
        .await
        .unwrap();
    not_imported(
        "im_two.alone",
        "SINGLE ON s1",
        "no table im_two.alone on s1",
    );
    import("im_two.alone", "SINGLE ON s2");
    assert_eq!(
        c.query_first("SELECT id FROM alone").await.unwrap(),
        Some(7)
    );

    on_both(
        &mut behind,
        "CREATE TABLE im_two.city (id INT PRIMARY KEY, n VARCHAR(9))",
    )
    .await;
    on_both(
        &mut behind,
        "INSERT INTO im_two.city VALUES (1, 'x'), (2, 'y')",
    )
    .await;
    behind[1]
        .query_drop("UPDATE im_two.city SET n = 'z' WHERE id = 2")
        .await
        .unwrap();
    not_imported("im_two.city", "REFERENCE", "differ between the shards");
    behind[1]
        .query_drop("UPDATE im_two.city SET n = 'y' WHERE id = 2")
        .await
        .unwrap();
    assert!(import("im_two.city", "REFERENCE").contains("2 rows, the same on every shard"));

    on_both(&mut behind, "CREATE TABLE im_two.odd (id INT PRIMARY KEY)").await;
    behind[1]
        .query_drop("ALTER TABLE im_two.odd ADD v INT")
        .await
        .unwrap();
    not_imported(
        "im_two.odd",
        "HASH (id)",
        "differs on s2: it has a column v, which s1 has not",
    );
    on_both(
        &mut behind,
        "CREATE TABLE im_two.child (id INT PRIMARY KEY, FOREIGN KEY f (id) \
        REFERENCES city (id))",
    )
    .await;
    not_imported("im_two.child", "HASH (id)", "may cross shards");

    on_both(
        &mut behind,
        "CREATE TABLE im_two.moved (id INT PRIMARY KEY)",
    )
    .await;
    on_both(
        &mut behind,
        "CREATE TRIGGER im_two.moves BEFORE INSERT ON im_two.moved FOR EACH ROW SET NEW.id = NEW.id + 1",
    )
    .await;
    not_imported(
        "im_two.moved",
        "HASH (id)",
        "its trigger moves (BEFORE INSERT)",
    );

    // A writer that has not committed holds the import up, and then it is not made.
    on_both(&mut behind, "CREATE TABLE im_two.busy (id INT PRIMARY KEY)").await;
    behind[0].query_drop("BEGIN").await.unwrap();
    behind[0]
        .query_drop("INSERT INTO im_two.busy VALUES (1)")
        .await
        .unwrap();
    not_imported("im_two.busy", "HASH (id)", "cannot be locked");
    behind[0].query_drop("ROLLBACK").await.unwrap();
    import("im_two.busy", "HASH (id)");
    assert_eq!(error_of(&mut c, "CREATE TABLE busy (id INT)").await.0, 1050);
}
