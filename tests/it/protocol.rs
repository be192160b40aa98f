//! Bytes that no good client sends: each gets an error or is cut off, and nobody else notices.

use crate::cluster::{connect, shared};
use mysql_async::prelude::Queryable;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use wire::caps::*;
use wire::framer::{Expect, Framer, Step};
use wire::handshake::{Greeting, HandshakeResponse, NATIVE};
use wire::packet::{put_packet, split_packet};
use wire::reply::ErrPacket;

/// A client that sends what it is told.
pub struct Raw(TcpStream);

impl Raw {
    fn open() -> Raw {
        Raw::connect(shared().port)
    }

    /// Connects and reads nothing yet.
    pub fn connect(port: u16) -> Raw {
        let s = TcpStream::connect(("127.0.0.1", port)).unwrap();
        s.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Raw(s)
    }

    /// The next packet; `None` at the end.
    pub fn read(&mut self) -> Option<Vec<u8>> {
        let mut head = [0; 4];
        self.0.read_exact(&mut head).ok()?;
        let len = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
        let mut body = vec![0; len];
        self.0.read_exact(&mut body).ok()?;
        Some(body)
    }

    /// The packets of an answer to a client with these capabilities, each with its number.
    pub fn answer(&mut self, expect: Expect, capabilities: u64) -> Vec<(u8, Vec<u8>)> {
        let mut framer = Framer::new(expect, capabilities & CLIENT_DEPRECATE_EOF != 0);
        let mut out = Vec::new();
        while !framer.is_done() && !framer.wants_file() {
            let mut packet = vec![0; 4];
            self.0.read_exact(&mut packet).expect("an answer");
            let len = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
            packet.resize(4 + len, 0);
            self.0.read_exact(&mut packet[4..]).unwrap();
            out.push((packet[3], packet[4..].to_vec()));
            let mut at = 0;
            while at < packet.len() {
                match framer.step(&mut packet[at..]).unwrap() {
                    Step::Pass(n) | Step::Control(_, n) => at += n,
                    Step::Need => break,
                }
            }
        }
        out
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Sends one packet.
    pub fn send(&mut self, mut seq: u8, payload: &[u8]) {
        let mut out = Vec::new();
        put_packet(&mut out, &mut seq, payload);
        let _ = self.0.write_all(&out);
    }

    fn log_in() -> Raw {
        Raw::log_in_at(shared().port)
    }

    /// Connects and logs in as root without a password.
    pub fn log_in_at(port: u16) -> Raw {
        let capabilities = CLIENT_PROTOCOL_41 | CLIENT_PLUGIN_AUTH | CLIENT_SECURE_CONNECTION;
        Raw::log_in_with(port, capabilities, 45)
    }

    /// The same with these capabilities and this collation.
    pub fn log_in_with(port: u16, capabilities: u64, collation: u16) -> Raw {
        let (r, answer) = Raw::try_log_in(port, capabilities, collation);
        assert_eq!(answer[0], 0, "{answer:?}");
        r
    }

    /// The same with the answer, which may be an error.
    pub fn try_log_in(port: u16, capabilities: u64, collation: u16) -> (Raw, Vec<u8>) {
        Raw::log_in_as(port, capabilities, collation, ("root", ""))
    }

    /// The same as a user with a password.
    pub fn log_in_as(
        port: u16,
        capabilities: u64,
        collation: u16,
        (user, password): (&str, &str),
    ) -> (Raw, Vec<u8>) {
        let mut r = Raw::connect(port);
        let greeting = Greeting::decode(&r.read().unwrap()).unwrap();
        let auth = match password {
            "" => Vec::new(),
            password => wire::auth::native_scramble(password.as_bytes(), &greeting.nonce).to_vec(),
        };
        let response = HandshakeResponse {
            capabilities,
            max_packet: 1 << 24,
            collation,
            user: user.into(),
            auth,
            plugin: Some(NATIVE.into()),
            ..Default::default()
        };
        let mut out = Vec::new();
        response.encode(&mut out);
        r.send(1, &out);
        let answer = r.read().unwrap();
        (r, answer)
    }

    /// Code of the error packet that must come next.
    pub fn error(&mut self) -> u16 {
        ErrPacket::decode(&self.read().unwrap()).unwrap().code
    }
}

#[test]
fn malformed_logins_are_refused() {
    for bytes in [&[][..], &[1, 2, 3], &[0xff; 200], &[0; 5000]] {
        let mut r = Raw::open();
        r.read().unwrap();
        r.send(1, bytes);
        let answer = r.read();
        assert!(answer.is_none_or(|a| a[0] == 0xff), "{}", bytes.len());
    }
    let mut r = Raw::open();
    r.read().unwrap();
    r.send(7, &[0; 40]);
    assert!(r.read().is_none_or(|a| a[0] == 0xff));
}

#[test]
fn wrong_user_and_password_are_denied() {
    let mut r = Raw::open();
    r.read().unwrap();
    let response = HandshakeResponse {
        capabilities: CLIENT_PROTOCOL_41 | CLIENT_PLUGIN_AUTH | CLIENT_SECURE_CONNECTION,
        user: "nobody".into(),
        auth: vec![1; 20],
        plugin: Some(NATIVE.into()),
        ..Default::default()
    };
    let mut out = Vec::new();
    response.encode(&mut out);
    r.send(1, &out);
    assert_eq!(r.error(), 1045);
}

#[test]
fn broken_commands_get_errors() {
    let mut r = Raw::log_in();
    r.send(0, &[0x99]);
    assert_eq!(r.error(), 1047);
    r.send(0, &[0x17, 1, 2]);
    assert_eq!(r.error(), 1210);
    r.send(0, &[0x17, 9, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(r.error(), 1243);
    r.send(0, &[0x1c, 9, 0, 0, 0]);
    assert_eq!(r.error(), 1210 + 33);
    r.send(0, &[0x12]);
    assert_eq!(r.error(), 1235);
    r.send(0, b"\x03select 'open");
    assert_eq!(r.error(), 1064);
    r.send(0, b"\x03");
    assert_eq!(r.error(), 1065);
    r.send(0, b"\x02nowhere");
    assert_eq!(r.error(), 1049);
    r.send(0, &[0x0e]);
    assert_eq!(r.read().unwrap()[0], 0, "the session goes on");
    r.send(5, &[0x0e]);
    assert_eq!(r.error(), 1156);
    assert!(r.read().is_none(), "wrong sequence numbers end it");
}

#[tokio::test]
async fn field_list_and_set_option() {
    let (mut c, db) = crate::cluster::database().await;
    let sql = "CREATE TABLE f (id INT PRIMARY KEY, name VARCHAR(9) DEFAULT 'x') SHARD BY HASH (id)";
    c.query_drop(sql).await.unwrap();
    let mut r = Raw::log_in();
    r.send(0, format!("\x02{db}").as_bytes());
    assert_eq!(r.read().unwrap()[0], 0);
    // COM_FIELD_LIST: definitions with their defaults, then EOF.
    for (wild, columns) in [("", 2), ("na%", 1)] {
        r.send(0, format!("\x04f\0{wild}").as_bytes());
        let mut seen = 0;
        loop {
            let p = r.read().unwrap();
            if p[0] == 0xfe {
                break;
            }
            assert!(
                p.windows(4).any(|w| w == b"name" || w == b"\x02id\x02"),
                "{p:?}"
            );
            seen += 1;
        }
        assert_eq!(seen, columns, "{wild}");
    }
    r.send(0, b"\x04nothing\0");
    assert_eq!(r.error(), 1146);
    // COM_SET_OPTION turns several statements in one query on and off.
    r.send(0, b"\x03SELECT 1; SELECT 2");
    assert_eq!(r.error(), 1064);
    r.send(0, &[0x1b, 0, 0]);
    assert_eq!(r.read().unwrap()[0], 0xfe);
    r.send(0, b"\x03DO 1; DO 2");
    assert_eq!((r.read().unwrap()[0], r.read().unwrap()[0]), (0, 0));
    r.send(0, &[0x1b, 1, 0]);
    assert_eq!(r.read().unwrap()[0], 0xfe);
    r.send(0, b"\x03DO 1; DO 2");
    assert_eq!(r.error(), 1064);
    r.send(0, &[0x1b, 7, 0]);
    assert_eq!(r.error(), 1047);
}

#[test]
fn an_empty_command_ends_the_session() {
    let mut r = Raw::log_in();
    r.send(0, &[]);
    assert_eq!(r.error(), 1835);
    assert!(r.read().is_none());
}

#[test]
fn a_statement_above_the_limit_is_refused() {
    let mut r = Raw::log_in();
    let packet = vec![b' '; wire::MAX_PAYLOAD];
    for seq in 0..5 {
        let mut head = wire::packet::Header {
            len: packet.len(),
            seq,
        }
        .bytes()
        .to_vec();
        head.extend_from_slice(&packet);
        if r.0.write_all(&head).is_err() {
            break;
        }
    }
    // 5 x 16 MiB is above max_allowed_packet_bytes; the answer may be lost with the connection.
    assert!(r.read().is_none_or(|a| a[0] == 0xff));
}

#[test]
fn statistics_and_pipelined_commands() {
    let mut r = Raw::log_in();
    r.send(0, &[0x09]);
    assert!(
        String::from_utf8(r.read().unwrap())
            .unwrap()
            .contains("Uptime")
    );
    // Two commands at once: both are answered, in order.
    let mut both = Vec::new();
    for sql in ["\x03SELECT 1", "\x03SELECT 2"] {
        put_packet(&mut both, &mut 0, sql.as_bytes());
    }
    r.0.write_all(&both).unwrap();
    let mut values = Vec::new();
    for _ in 0..10 {
        let p = r.read().unwrap();
        if p.len() == 2 && p[0] == 1 {
            values.push(p[1]);
        }
    }
    assert_eq!(values, b"12");
}

#[tokio::test]
async fn statements_of_unusual_size() {
    let mut c = connect(shared().port).await;
    let ors = format!("SELECT 1 WHERE {}", vec!["1=1"; 20_000].join(" OR "));
    let _ = c.query_drop(ors).await;
    let list: Vec<_> = (0..50_000).map(|i| i.to_string()).collect();
    let sql = format!("SELECT 7 IN ({})", list.join(","));
    assert_eq!(c.query_first::<u32, _>(sql).await.unwrap(), Some(1));
    let bytes = split_packet(&[1, 0, 0, 0, 5]).unwrap();
    assert_eq!(bytes.1, [5]);
}
