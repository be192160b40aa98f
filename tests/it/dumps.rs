//! What mariadb-dump and mysqldump write is restored through the proxy: into single tables, and into tables
//! that are sharded by rules made before.

use crate::cluster::{connect, plain, shared};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};
use std::io::Write;
use std::process::{Command, Stdio};

/// Tables with a foreign key to one that comes later, bytes of every kind, and what runs later.
const SOURCE: [&str; 13] = [
    "SET foreign_key_checks = 0",
    "CREATE TABLE child (id INT PRIMARY KEY AUTO_INCREMENT, pid INT, note VARCHAR(20) DEFAULT 'x;y', \
     KEY (pid), CONSTRAINT fk FOREIGN KEY (pid) REFERENCES zparent (id) ON DELETE CASCADE)",
    "CREATE TABLE zparent (id INT PRIMARY KEY, name VARCHAR(40) CHARACTER SET latin1, bin BLOB, j JSON, \
     g INT GENERATED ALWAYS AS (id + 1) STORED, ts TIMESTAMP NULL)",
    "CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, msg TEXT)",
    "INSERT INTO zparent (id, name, bin, j, ts) VALUES (1, 'é', '\\0\\'\"\\\\', '{\"a\":1}', '2020-01-01'), \
     (2, 'b;', x'ff00fe', '[]', NULL), (3, 'c', NULL, NULL, NULL)",
    "INSERT INTO child (pid) VALUES (1), (2), (3)",
    "CREATE VIEW v AS SELECT c.id, z.name FROM child c JOIN zparent z ON z.id = c.pid",
    "CREATE VIEW above AS SELECT * FROM v WHERE id > 1",
    "CREATE TRIGGER tr BEFORE INSERT ON child FOR EACH ROW BEGIN SET NEW.note = 'set'; \
     INSERT INTO log (msg) VALUES ('ins'); END",
    "CREATE PROCEDURE p(IN a INT) BEGIN SELECT COUNT(*) FROM child WHERE id > a; END",
    "CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM log",
    "SET foreign_key_checks = 1",
];

/// As MySQL's own mysqldump writes a table.
const OF_MYSQL: &str = "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
DROP TABLE IF EXISTS `m`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `m` (
  `id` int NOT NULL,
  `t` varchar(9) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;
LOCK TABLES `m` WRITE;
/*!40000 ALTER TABLE `m` DISABLE KEYS */;
INSERT INTO `m` VALUES (1,'a'),(2,'b'),(3,'c'),(4,'d');
/*!40000 ALTER TABLE `m` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;
";

fn arguments(port: u16) -> [String; 3] {
    ["-uroot".into(), "-h127.0.0.1".into(), format!("-P{port}")]
}

/// What mariadb-dump writes of a database, or of some of its tables.
fn dump(port: u16, database: &str, tables: &[&str]) -> Vec<u8> {
    let mut command = Command::new("mariadb-dump");
    command.args(arguments(port)).arg("--skip-dump-date");
    if tables.is_empty() {
        command.args(["--routines", "--events", "--triggers"]);
    } else {
        command.arg("--skip-triggers");
    }
    let out = command.arg(database).args(tables).output().unwrap();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{errors}");
    out.stdout
}

/// Gives a dump to the command line client.
fn restore(port: u16, database: &str, text: &[u8]) {
    let mut client = Command::new("mariadb")
        .args(arguments(port))
        .arg(database)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    client.stdin.take().unwrap().write_all(text).unwrap();
    let out = client.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{errors}");
}

/// Lines of a dump that two servers must have alike: not the version and host, nor who defined something.
fn lines(dump: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(dump).into_owned();
    let lines = text.lines().filter(|l| !l.starts_with("--"));
    let lines = lines.map(|l| match l.split_once("DEFINER=`root`@`") {
        Some((ahead, behind)) => format!("{ahead}{}", behind.split_once('`').unwrap().1),
        None => l.to_string(),
    });
    lines.collect()
}

async fn rows(c: &mut Conn, sql: &str) -> Vec<Vec<Value>> {
    let rows: Vec<Row> = c.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    rows.into_iter().map(Row::unwrap).collect()
}

#[tokio::test]
async fn a_dump_is_restored_and_dumped_again() {
    let (here, there) = (shared().port, plain().shard_port);
    let mut source = connect(there).await;
    source
        .query_drop("CREATE DATABASE dump_source")
        .await
        .unwrap();
    source.query_drop("USE dump_source").await.unwrap();
    for sql in SOURCE {
        source.query_drop(sql).await.unwrap();
    }
    let mut c = connect(here).await;
    c.query_drop("CREATE DATABASE dump_single").await.unwrap();
    let whole = dump(there, "dump_source", &[]);
    restore(here, "dump_single", &whole);
    assert_eq!(lines(&dump(here, "dump_single", &[])), lines(&whole));
    c.query_drop("USE dump_single").await.unwrap();
    let insert = "INSERT INTO child (pid) VALUES (2)";
    c.query_drop(insert).await.unwrap();
    source.query_drop(insert).await.unwrap();
    for sql in [
        "SELECT * FROM above ORDER BY id",
        "SELECT * FROM child ORDER BY id",
        "SELECT * FROM log",
        "SELECT f(4)",
        "CALL p(1)",
    ] {
        assert_eq!(
            rows(&mut c, sql).await,
            rows(&mut source, sql).await,
            "{sql}"
        );
    }

    // Rules before the tables: the rows go where they say.
    c.query_drop("CREATE DATABASE dump_sharded").await.unwrap();
    c.query_drop("USE dump_sharded").await.unwrap();
    for rule in ["zparent HASH (id)", "m HASH (id)"] {
        let sql = format!("CREATE SHARDING RULE FOR dump_sharded.{rule}");
        c.query_drop(sql).await.unwrap();
    }
    restore(
        here,
        "dump_sharded",
        &dump(there, "dump_source", &["zparent"]),
    );
    restore(here, "dump_sharded", OF_MYSQL.as_bytes());
    let sql = "SELECT * FROM zparent ORDER BY id";
    assert_eq!(rows(&mut c, sql).await, rows(&mut source, sql).await);
    let sql = "SELECT COUNT(*), SUM(id), MAX(t) FROM m";
    assert_eq!(
        c.query_first(sql).await.unwrap(),
        Some((4, 10, "d".to_string()))
    );
    let sharded = rows(&mut c, "SHOW SHARDED TABLES").await;
    let named = |name: &str| sharded.iter().any(|r| r.contains(&Value::from(name)));
    assert!(named("zparent") && named("m"), "{sharded:?}");
    // Rows come in the order of their shards.
    let sorted = |port, database| {
        let dump = lines(&dump(port, database, &["zparent"]));
        let mut lines: Vec<_> = dump
            .iter()
            .map(|l| l.trim_end_matches([',', ';']).to_string())
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(here, "dump_sharded"), sorted(there, "dump_source"));
}
