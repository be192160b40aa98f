//! What drivers rely on beyond what the common ones do: each conversation is held packet by packet with the
//! proxy and with a plain server, and both must say the same.

use crate::cluster::{connect, plain, shared};
use crate::protocol::Raw;
use mysql_async::prelude::Queryable;
use wire::caps::*;
use wire::column::ResultColumn;
use wire::framer::Expect;
use wire::handshake::Greeting;
use wire::reply::{ErrPacket, OkPacket};
use wire::session_state;

const CAPABILITIES: u64 = CLIENT_PROTOCOL_41
    | CLIENT_PLUGIN_AUTH
    | CLIENT_SECURE_CONNECTION
    | CLIENT_TRANSACTIONS
    | CLIENT_MULTI_STATEMENTS
    | CLIENT_MULTI_RESULTS
    | CLIENT_PS_MULTI_RESULTS;

type Packets = Vec<(u8, Vec<u8>)>;

/// Holds a conversation with both and compares all packets.
fn same(capabilities: u64, talk: impl Fn(&mut Raw, &mut Vec<Packets>)) -> Vec<Packets> {
    let said = [shared().port, plain().shard_port].map(|port| {
        let mut client = Raw::log_in_with(port, capabilities, 45);
        let mut said = Vec::new();
        talk(&mut client, &mut said);
        said
    });
    let [ours, theirs] = said;
    for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(a, b, "answer {i}");
    }
    ours
}

fn query(text: &str) -> Vec<u8> {
    [b"\x03", text.as_bytes()].concat()
}

fn prepare(text: &str) -> Vec<u8> {
    [b"\x16", text.as_bytes()].concat()
}

/// COM_STMT_EXECUTE with one BIGINT, and bytes behind it.
fn execute(id: u32, value: i64, behind: &[u8]) -> Vec<u8> {
    let head = [
        &[0x17][..],
        &id.to_le_bytes(),
        &[0, 1, 0, 0, 0],
        &[0, 1, 8, 0],
    ]
    .concat();
    [&head[..], &value.to_le_bytes(), behind].concat()
}

/// Without the statement's number, which is a server's own.
fn numberless(expect: Expect, mut packets: Packets) -> Packets {
    if expect == Expect::Prepare && packets[0].1[0] == 0 {
        packets[0].1[1..5].fill(0);
    }
    packets
}

/// Without the flag that says that no index was used, which depends on how many rows there are.
fn without_chance(mut packets: Packets) -> Packets {
    const NO_INDEX_USED: u16 = 0x20;
    let payload = &mut packets[0].1;
    if payload[0] == 0 {
        let mut ok = OkPacket::decode(payload, false).unwrap();
        ok.status &= !NO_INDEX_USED;
        payload.clear();
        ok.encode(payload, 0, 0);
    }
    packets
}

fn code(packets: &Packets) -> u16 {
    let last = &packets.last().unwrap().1;
    assert_eq!(last[0], 0xff, "{packets:?}");
    u16::from_le_bytes([last[1], last[2]])
}

#[test]
fn the_last_prepared_statement_has_a_number_of_its_own() {
    const LAST: u32 = u32::MAX;
    for capabilities in [CAPABILITIES, CAPABILITIES | CLIENT_DEPRECATE_EOF] {
        let said = same(capabilities, |r, said| {
            let exchange = |r: &mut Raw, said: &mut Vec<Packets>, packets: &[(Vec<u8>, Expect)]| {
                // All in one go, as connectors of MariaDB do.
                packets.iter().for_each(|(p, _)| r.send(0, p));
                let answers = packets.iter();
                said.extend(
                    answers.map(|(_, expect)| numberless(*expect, r.answer(*expect, capabilities))),
                );
            };
            let run = || (execute(LAST, 5, &[]), Expect::Result);
            exchange(r, said, &[run()]);
            exchange(
                r,
                said,
                &[(prepare("SELECT ? + 1"), Expect::Prepare), run()],
            );
            exchange(r, said, &[(query("SELECT 7"), Expect::Result), run()]);
            exchange(r, said, &[(prepare("SELEC"), Expect::Prepare), run()]);
            // Bytes behind the last parameter are nobody's.
            exchange(
                r,
                said,
                &[
                    (prepare("SELECT ?"), Expect::Prepare),
                    (execute(LAST, 6, b"behind"), Expect::Result),
                ],
            );
            r.send(0, b"\x19\xff\xff\xff\xff");
            exchange(r, said, &[run()]);
        });
        assert_eq!(code(&said[0]), 1243);
        assert_eq!(code(&said[6]), 1243);
        assert_eq!(code(&said[9]), 1243);
    }
}

#[test]
fn as_many_placeholders_as_there_can_be() {
    let list = vec!["?"; 65_535].join(",");
    let text = format!("SELECT 1 IN ({list})");
    for capabilities in [CAPABILITIES, CAPABILITIES | CLIENT_DEPRECATE_EOF] {
        let said = same(capabilities, |r, said| {
            r.send(0, &prepare(&text));
            let mut answer = r.answer(Expect::Prepare, capabilities);
            answer[0].1.truncate(1);
            said.push(answer);
            r.send(0, &query("SELECT 2"));
            said.push(r.answer(Expect::Result, capabilities));
        });
        assert!(said[0].len() > 65_535);
    }
}

#[test]
fn a_text_of_comments_is_a_statement_and_one_of_nothing_is_none() {
    let texts = [
        "-- hello\n",
        "/* a */",
        "#x",
        "/*! */",
        "/* a */ ;",
        "",
        ";",
        " ;; ",
    ];
    let said = same(CAPABILITIES, |r, said| {
        for text in texts {
            r.send(0, &query(text));
            said.push(r.answer(Expect::Result, CAPABILITIES));
        }
        r.send(0, &prepare("/* x */"));
        let mut answer = r.answer(Expect::Prepare, CAPABILITIES);
        answer[0].1.drain(1..5);
        said.push(answer);
    });
    assert_eq!(code(said.iter().rev().nth(1).unwrap()), 1065);
}

#[tokio::test]
async fn a_local_file_is_asked_for_where_it_can_be_sent() {
    for port in [shared().port, plain().shard_port] {
        let mut c = connect(port).await;
        c.query_drop("CREATE DATABASE IF NOT EXISTS local_file")
            .await
            .unwrap();
        let sql = "CREATE OR REPLACE TABLE local_file.t (a INT PRIMARY KEY)";
        c.query_drop(sql).await.unwrap();
    }
    tokio::task::spawn_blocking(|| {
        let load = "LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE local_file.t";
        for more in [0, CLIENT_DEPRECATE_EOF] {
            for text in [load.to_string(), format!("SELECT 5; {load}; SELECT 6")] {
                // Who did not offer files is not asked for one.
                let unable = CAPABILITIES | more;
                let said = same(unable, |r, said| {
                    r.send(0, &query(&text));
                    said.push(r.answer(Expect::Result, unable));
                });
                assert_eq!(code(&said[0]), 4166);
                let able = unable | CLIENT_LOCAL_FILES;
                same(able, |r, said| {
                    r.send(0, &query(&text));
                    let asked = r.answer(Expect::Result, able);
                    let seq = asked.last().unwrap().0 + 1;
                    said.push(asked);
                    r.send(seq, b"1\n2\n");
                    r.send(seq + 1, b"");
                    said.push(r.answer(Expect::Result, able));
                    r.send(0, &query("SELECT COUNT(*) FROM local_file.t"));
                    said.push(r.answer(Expect::Result, able));
                });
            }
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_session_that_waits_for_a_file_can_be_killed() {
    let mut c = connect(shared().port).await;
    c.query_drop("CREATE DATABASE IF NOT EXISTS local_wait")
        .await
        .unwrap();
    let sql = "CREATE TABLE IF NOT EXISTS local_wait.t (a INT PRIMARY KEY)";
    c.query_drop(sql).await.unwrap();
    let able = CAPABILITIES | CLIENT_LOCAL_FILES;
    let mut r = Raw::log_in_with(shared().port, able, 45);
    r.send(0, &query("SELECT CONNECTION_ID()"));
    let answer = r.answer(Expect::Result, able);
    let id = String::from_utf8(answer[3].1[1..].to_vec()).unwrap();
    let load = "LOAD DATA LOCAL INFILE 'x' INTO TABLE local_wait.t";
    // KILL QUERY: what still comes of the file is dropped, and the statement has failed.
    r.send(0, &query(load));
    let seq = r.answer(Expect::Result, able).last().unwrap().0 + 1;
    r.send(seq, b"1\n");
    c.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    r.send(seq + 1, b"2\n");
    r.send(seq + 2, b"");
    assert_eq!(code(&r.answer(Expect::Result, able)), 1317);
    let rows: Option<u32> = c
        .query_first("SELECT COUNT(*) FROM local_wait.t")
        .await
        .unwrap();
    assert_eq!(rows, Some(0));
    // KILL: at once.
    r.send(0, &query(load));
    r.answer(Expect::Result, able);
    c.query_drop(format!("KILL {id}")).await.unwrap();
    let gone = tokio::task::spawn_blocking(move || r.read().is_none())
        .await
        .unwrap();
    assert!(gone);
}

#[test]
fn the_collation_of_the_login_is_the_sessions() {
    let refused = |answer: &[u8]| {
        let err = (answer[0] == 0xff).then(|| ErrPacket::decode(answer).unwrap());
        err.map(|e| e.code)
    };
    for number in [
        1, 5, 8, 11, 13, 28, 33, 35, 45, 46, 54, 58, 60, 63, 83, 95, 192, 200, 224, 246,
    ] {
        let seen = [shared().port, plain().shard_port].map(|port| {
            let (mut r, answer) = Raw::try_log_in(port, CAPABILITIES, number);
            if let Some(code) = refused(&answer) {
                return Err(code);
            }
            let names =
                "@@character_set_client, @@character_set_results, @@character_set_connection";
            r.send(
                0,
                &query(&format!("SELECT {names}, @@collation_connection, 'ae'")),
            );
            Ok(r.answer(Expect::Result, CAPABILITIES))
        });
        match number {
            // As SET NAMES: a quote could be half of a character.
            1 | 13 | 28 | 95 => assert_eq!(seen[0], Err(1235), "{number}"),
            _ => assert_eq!(seen[0], seen[1], "{number}"),
        }
        assert_eq!(
            seen[0] == Err(1231),
            [35, 54, 60].contains(&number),
            "{number}"
        );
    }
}

#[test]
fn extensions_of_mariadb_are_offered_as_far_as_they_go() {
    let offered = [shared().port, plain().shard_port].map(|port| {
        Greeting::decode(&Raw::connect(port).read().unwrap())
            .unwrap()
            .capabilities
    });
    let ours = MARIADB_CLIENT_STMT_BULK_OPERATIONS | MARIADB_CLIENT_EXTENDED_METADATA;
    assert_eq!(offered[0] >> 32, ours >> 32);
    assert_eq!(offered[0] & offered[1] & ours, ours);
    assert_eq!(offered[0] & CLIENT_MYSQL, 0);
}

async fn tables(db: &str) {
    for port in [shared().port, plain().shard_port] {
        let mut c = connect(port).await;
        let spread = if port == shared().port {
            " SHARD BY HASH (id)"
        } else {
            ""
        };
        for sql in [
            format!("CREATE DATABASE {db}"),
            format!("USE {db}"),
            "CREATE TABLE single (id INT AUTO_INCREMENT PRIMARY KEY, a INT DEFAULT 7, b VARCHAR(9))".into(),
            format!("CREATE TABLE spread (id INT PRIMARY KEY, a INT DEFAULT 7, b VARCHAR(9)){spread}"),
            "CREATE TABLE typed (j JSON, u UUID, i INET6, p POINT, n INT)".into(),
        ] {
            c.query_drop(sql).await.unwrap();
        }
    }
}

/// A row of an INT and a VARCHAR; `None` is NULL.
fn row(a: i32, b: Option<&str>) -> Vec<u8> {
    let mut out = vec![0];
    out.extend_from_slice(&a.to_le_bytes());
    match b {
        None => out.push(1),
        Some(b) => {
            out.extend_from_slice(&[0, b.len() as u8]);
            out.extend_from_slice(b.as_bytes());
        }
    }
    out
}

fn bulk(rows: &[Vec<u8>]) -> Vec<u8> {
    let head = [&[0xfa, 0xff, 0xff, 0xff, 0xff, 128, 0][..], &[3, 0, 253, 0]].concat();
    [&head[..], &rows.concat()].concat()
}

#[tokio::test]
async fn a_bulk_is_one_statement_wherever_its_rows_go() {
    tables("bulk").await;
    let talk = |r: &mut Raw, said: &mut Vec<Packets>| {
        let able = CAPABILITIES | MARIADB_CLIENT_STMT_BULK_OPERATIONS;
        let mut run = |text: &str, rows: &[Vec<u8>]| {
            r.send(0, &prepare(text));
            said.push(numberless(Expect::Prepare, r.answer(Expect::Prepare, able)));
            r.send(0, &bulk(rows));
            said.push(without_chance(r.answer(Expect::Result, able)));
            for table in ["single", "spread"] {
                let text = format!(
                    "SELECT COUNT(*), SUM(a), GROUP_CONCAT(b ORDER BY b) FROM bulk.{table}"
                );
                r.send(0, &query(&text));
                let packets = r.answer(Expect::Result, able);
                // The values only.
                said.push(vec![packets[packets.len() - 2].clone()]);
            }
        };
        let many: Vec<_> = (1..=20).map(|i| row(i, Some("x"))).collect();
        run("INSERT INTO bulk.single (a, b) VALUES (?, ?)", &many);
        run("INSERT INTO bulk.spread (id, b) VALUES (?, ?)", &many);
        // Nothing of a statement that fails stays.
        let mut twice: Vec<_> = (21..=30).map(|i| row(i, None)).collect();
        twice.push(row(3, Some("twice")));
        run("INSERT INTO bulk.spread (id, b) VALUES (?, ?)", &twice);
        run(
            "INSERT INTO bulk.spread (id, b) VALUES (?, ?)",
            &twice[..10],
        );
        run(
            "UPDATE bulk.spread SET a = ? WHERE b <=> ?",
            &[row(2, Some("x")), row(3, None)],
        );
        run(
            "DELETE FROM bulk.spread WHERE id = ? AND b <=> ?",
            &[row(1, Some("x")), row(21, None), row(99, None)],
        );
        // DEFAULT.
        let default = [&row(1, Some("d"))[..], &[2, 1]].concat();
        run("INSERT INTO bulk.single (a, b) VALUES (?, ?)", &[default]);
    };
    let able = CAPABILITIES | MARIADB_CLIENT_STMT_BULK_OPERATIONS;
    let said = tokio::task::spawn_blocking(move || same(able, talk))
        .await
        .unwrap();
    assert_eq!(code(&said[9]), 1062);
    // In a transaction, a statement that fails is taken back alone.
    tokio::task::spawn_blocking(move || {
        let mut r = Raw::log_in_with(shared().port, able, 45);
        let mut ask = |packet: &[u8], expect| {
            r.send(0, packet);
            r.answer(expect, able)
        };
        ask(&query("BEGIN"), Expect::Result);
        ask(
            &query("INSERT INTO bulk.spread (id) VALUES (1000)"),
            Expect::Result,
        );
        ask(
            &prepare("INSERT INTO bulk.spread (id, b) VALUES (?, ?)"),
            Expect::Prepare,
        );
        let rows = [
            row(1001, None),
            row(1002, None),
            row(1003, None),
            row(1000, None),
        ];
        assert_eq!(code(&ask(&bulk(&rows), Expect::Result)), 1062);
        let fine = ask(&bulk(&rows[..3]), Expect::Result);
        assert_eq!(fine[0].1[..2], [0, 3], "{fine:?}");
        ask(&query("COMMIT"), Expect::Result);
        let left = ask(
            &query("SELECT COUNT(*) FROM bulk.spread WHERE id >= 1000"),
            Expect::Result,
        );
        assert_eq!(left[left.len() - 2].1, b"\x014");
        let default = [&row(2000, None)[..], &[2, 1]].concat();
        assert_eq!(code(&ask(&bulk(&[default]), Expect::Result)), 1295);
        ask(&prepare("SELECT ?, ?"), Expect::Prepare);
        assert_eq!(code(&ask(&bulk(&rows), Expect::Result)), 1295);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn columns_say_what_they_are() {
    tables("typed").await;
    tokio::task::spawn_blocking(|| {
        for more in [MARIADB_CLIENT_EXTENDED_METADATA, CLIENT_MYSQL, 0] {
            let able = CAPABILITIES | more;
            let said = same(able, |r, said| {
                r.send(0, &query("SELECT * FROM typed.typed"));
                said.push(r.answer(Expect::Result, able));
                r.send(0, &prepare("SELECT n, j FROM typed.typed WHERE n = ?"));
                said.push(numberless(Expect::Prepare, r.answer(Expect::Prepare, able)));
            });
            let extended = more == MARIADB_CLIENT_EXTENDED_METADATA;
            let uuid = ResultColumn::decode(&said[0][2].1).unwrap();
            assert_eq!(!uuid.extended.is_empty(), extended);
            // What the proxy answers by itself, and what it copies or puts together.
            let mut r = Raw::log_in_with(shared().port, able, 45);
            for text in [
                "SHOW PROXY STATUS",
                "SHOW TABLES FROM typed",
                "SELECT COUNT(*), MAX(b) FROM typed.spread",
            ] {
                r.send(0, &query(text));
                let packets = r.answer(Expect::Result, able);
                for column in &packets[1..=usize::from(packets[0].1[0])] {
                    let mut again = Vec::new();
                    ResultColumn::decode(&column.1)
                        .unwrap()
                        .encode(&mut again, able);
                    assert_eq!(again, column.1, "{text}");
                }
            }
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn wait_timeout_is_kept() {
    let mut patient = connect(shared().port).await;
    let mut c = connect(shared().port).await;
    c.query_drop("SET SESSION wait_timeout = 1").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    c.ping().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
    assert!(c.ping().await.is_err());
    patient.ping().await.unwrap();
    // One that changes its mind.
    patient.query_drop("SET wait_timeout = 1").await.unwrap();
    patient.query_drop("SET wait_timeout = 100").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
    patient.ping().await.unwrap();
}

#[test]
fn clients_are_told_of_settings_that_drivers_decode_by() {
    let able = CAPABILITIES | CLIENT_SESSION_TRACK;
    let texts = [
        "SET NAMES latin1",
        "SET NAMES latin1",
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
        "SET autocommit = 0",
        "SET autocommit = 1",
        "SET time_zone = '+03:00'",
        "SET sql_mode = ''",
        "SET character_set_results = NULL",
        "SET character_set_results = latin1, character_set_client = latin2",
        "SET @x = 1",
    ];
    let told = [shared().port, plain().shard_port].map(|port| {
        let mut r = Raw::log_in_with(port, able, 45);
        texts.map(|text| {
            r.send(0, &query(text));
            let packets = r.answer(Expect::Result, able);
            let ok = OkPacket::decode(&packets[0].1, true).unwrap();
            // A server tells of them in any order.
            let entries = session_state::entries(&ok.session_state).unwrap();
            let mut entries: Vec<_> = entries.iter().map(|e| format!("{e:?}")).collect();
            entries.sort();
            (ok.status, entries)
        })
    });
    for (i, text) in texts.iter().enumerate() {
        assert_eq!(told[0][i], told[1][i], "{text}");
    }
    assert_eq!(told[0][0].1.len(), 3);
}

#[test]
fn what_is_not_there_is_said_as_a_server_says_it() {
    let texts = [
        "DESCRIBE nowhere.t",
        "SHOW COLUMNS FROM t FROM nowhere",
        "SHOW INDEX FROM nowhere.t",
        "SHOW CREATE TABLE nowhere.t",
        "SHOW CREATE VIEW nowhere.t",
        "SHOW CREATE DATABASE nowhere",
        "SHOW TABLES FROM nowhere",
        "FLUSH PRIVILEGES",
        "FLUSH LOCAL STATUS, HOSTS",
        "FLUSH TABLES",
        "FLUSH QUERY CACHE",
    ];
    same(CAPABILITIES, |r, said| {
        for text in texts {
            r.send(0, &query(text));
            said.push(r.answer(Expect::Result, CAPABILITIES));
        }
    });
}
