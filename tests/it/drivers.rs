//! What drivers rely on beyond what the common ones do: each conversation is held packet by packet with the
//! proxy and with a plain server, and both must say the same.

use crate::cluster::{connect, plain, shared};
use crate::protocol::Raw;
use mysql_async::prelude::Queryable;
use wire::caps::*;
use wire::framer::Expect;

const CAPABILITIES: u32 = CLIENT_PROTOCOL_41
    | CLIENT_PLUGIN_AUTH
    | CLIENT_SECURE_CONNECTION
    | CLIENT_TRANSACTIONS
    | CLIENT_MULTI_STATEMENTS
    | CLIENT_MULTI_RESULTS
    | CLIENT_PS_MULTI_RESULTS;

type Packets = Vec<(u8, Vec<u8>)>;

/// Holds a conversation with both and compares all packets.
fn same(capabilities: u32, talk: impl Fn(&mut Raw, &mut Vec<Packets>)) -> Vec<Packets> {
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
