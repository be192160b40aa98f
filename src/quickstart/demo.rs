//! The demo database, made through the proxy as any client would make it.

use shard::{ConnClass, Login, ServerConn, Timeouts};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

const TABLES: [&str; 6] = [
    "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(60) NOT NULL, \
     city_id INT) SHARD BY HASH (id)",
    "CREATE TABLE orders (id BIGINT NOT NULL AUTO_INCREMENT, user_id BIGINT NOT NULL, \
     total DECIMAL(10,2) NOT NULL, placed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, \
     PRIMARY KEY (id, user_id), KEY (user_id)) SHARD BY HASH (user_id)",
    "CREATE TABLE events (day DATE NOT NULL, id INT NOT NULL, what VARCHAR(100), \
     PRIMARY KEY (day, id)) SHARD BY RANGE (day) (\
     PARTITION old VALUES LESS THAN ('2026-01-01') ON FIRST, \
     PARTITION new VALUES LESS THAN (MAXVALUE) ON LAST)",
    "CREATE TABLE branch (region VARCHAR(20) NOT NULL, name VARCHAR(60) NOT NULL, \
     PRIMARY KEY (region, name)) SHARD BY LIST (region) (\
     PARTITION north VALUES IN ('north', 'east') ON FIRST, PARTITION other DEFAULT ON LAST)",
    "CREATE TABLE city (id INT NOT NULL PRIMARY KEY, name VARCHAR(60) NOT NULL) \
     SHARD BY REFERENCE",
    "CREATE TABLE notes (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, body TEXT)",
];

const ROWS: [&str; 6] = [
    "INSERT INTO city VALUES (1, 'Amsterdam'), (2, 'Berlin'), (3, 'Chicago')",
    "INSERT INTO users VALUES (1, 'Ada', 1), (2, 'Bob', 2), (3, 'Cleo', 3), (4, 'Dan', 1), \
     (5, 'Eve', 2), (6, 'Finn', 3), (7, 'Gus', 1), (8, 'Hana', 2)",
    "INSERT INTO orders (user_id, total) VALUES (1, 10.50), (2, 20.00), (3, 7.25), (3, 99.00), \
     (5, 1.99), (8, 42.00)",
    "INSERT INTO events VALUES ('2025-06-01', 1, 'launch'), ('2025-12-24', 2, 'party'), \
     ('2026-03-01', 3, 'release'), ('2026-10-10', 4, 'conference')",
    "INSERT INTO branch VALUES ('north', 'Oslo'), ('east', 'Riga'), ('south', 'Rome'), \
     ('west', 'Lisbon')",
    "INSERT INTO notes (body) VALUES ('single tables live on one shard')",
];

/// Makes the database, unless an earlier start has.
pub(crate) async fn make(proxy: SocketAddr, say: fn(&str)) -> Result<(), String> {
    let login = Login {
        shard: "proxy".into(),
        host: "127.0.0.1".into(),
        port: proxy.port(),
        user: "root".into(),
        password: "".into(),
        account: Default::default(),
        accounts: None,
        tls: None,
        timeouts: Timeouts::connecting_within(Duration::from_secs(10)),
    };
    let class = ConnClass::default();
    let conn = ServerConn::connect(&login, class, Rc::default(), 1).await;
    let mut conn = conn.map_err(|e| e.to_string())?;
    let text = |e: shard::ShardError| format!("making the demo database: {e}");
    let found = conn.run("SHOW DATABASES LIKE 'shop'").await.map_err(text)?;
    if !found.text_rows().map_err(|e| e.to_string())?.is_empty() {
        return Ok(());
    }
    say("making the demo database");
    let shards = conn.run("SHOW SHARDS").await.map_err(text)?;
    let shards = shards.text_rows().map_err(|e| e.to_string())?;
    let name = |r: Option<&Vec<String>>| r.and_then(|r| r.first().cloned()).unwrap_or_default();
    let (first, last) = (name(shards.first()), name(shards.last()));
    conn.run("CREATE DATABASE shop").await.map_err(text)?;
    conn.run("USE shop").await.map_err(text)?;
    for sql in TABLES.iter().chain(&ROWS) {
        let sql = sql.replace("ON FIRST", &format!("ON {first}"));
        conn.run(&sql.replace("ON LAST", &format!("ON {last}")))
            .await
            .map_err(text)?;
    }
    Ok(())
}
