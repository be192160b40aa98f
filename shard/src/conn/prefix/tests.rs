//! What goes ahead of requests: what is sent in which packets, and what becomes of the request when a prefix
//! fails.

use super::*;
use crate::conn::ConnClass;
use crate::login::LoggedIn;
use crate::net::NetStream;
use crate::verbs::transaction::{Begin, NextTransaction};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::caps::CLIENT_MULTI_STATEMENTS;
use wire::command::execute::Execution;
use wire::framer::Expect;
use wire::packet::put_packet_with;

/// A server whose side the test plays.
struct Server(TcpStream);

async fn connected() -> (ServerConn, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(at), listener.accept());
    let logged_in = LoggedIn {
        names_all_changes: true,
        stream: NetStream::Tcp(ours.unwrap()),
        thread_id: 1,
        version: String::new(),
        capabilities: CLIENT_MULTI_STATEMENTS,
    };
    let class = ConnClass::default();
    let conn = ServerConn::of("s1".into(), logged_in, class, Rc::default(), 10);
    (conn, Server(theirs.unwrap().0))
}

impl Server {
    /// The next command: its byte and its body.
    async fn command(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; HEADER_LEN];
        self.0.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; Header::parse(&head).unwrap().len];
        self.0.read_exact(&mut payload).await.unwrap();
        (payload[0], payload[1..].to_vec())
    }

    async fn query(&mut self) -> String {
        let (byte, text) = self.command().await;
        assert_eq!(byte, 3, "{}", String::from_utf8_lossy(&text));
        String::from_utf8(text).unwrap()
    }

    /// True if nothing more has come.
    async fn is_left_alone(&mut self) -> bool {
        let more = self.0.read_u8();
        tokio::time::timeout(Duration::from_millis(50), more)
            .await
            .is_err()
    }

    async fn ok(&mut self, seq: u8, status: u16) {
        let (mut out, mut seq) = (Vec::new(), seq);
        let ok = OkPacket {
            status,
            ..Default::default()
        };
        put_packet_with(&mut out, &mut seq, |b| ok.encode(b, 0, 0));
        self.0.write_all(&out).await.unwrap();
    }

    async fn refuse(&mut self, seq: u8) {
        let (mut out, mut seq) = (Vec::new(), seq);
        let err = ErrPacket::new(1064, "42000", "no");
        put_packet_with(&mut out, &mut seq, |b| err.encode(b));
        self.0.write_all(&out).await.unwrap();
    }
}

const MORE: u16 = SERVER_MORE_RESULTS_EXISTS;

fn settings(name: &str, value: &str) -> Rc<Settings> {
    let mut settings = Settings::default();
    settings.set(name, value);
    Rc::new(settings)
}

type Plan = fn(&mut ServerConn);

/// Every kind of prefix, and its statement.
const KINDS: [(Plan, &str); 8] = [
    (
        |c| c.plan_session(&settings("time_zone", "'UTC'"), None),
        "SET time_zone = 'UTC'",
    ),
    (
        |c| c.plan_session(&c.settings.clone(), Some(&"shop".into())),
        "USE `shop`",
    ),
    (
        |c| {
            let next = NextTransaction {
                read_only: Some(true),
                ..Default::default()
            };
            c.plan_transaction(Some(&next), None, &[]);
        },
        "SET TRANSACTION READ ONLY",
    ),
    (
        |c| c.plan_transaction(None, Some(Begin::default()), &[]),
        "START TRANSACTION",
    ),
    (
        |c| c.plan_transaction(None, Some(Begin::default()), &["a".to_string()]),
        "START TRANSACTION; SAVEPOINT `a`",
    ),
    (|c| c.plan_last_insert_id(7), "SET last_insert_id = 7"),
    (|c| c.plan_clock("1.5"), "SET timestamp = 1.5"),
    (|c| c.plan_savepoint("b"), "SAVEPOINT `b`"),
];

#[tokio::test]
async fn a_text_shares_its_packet_with_what_goes_ahead() {
    for (plan, sql) in KINDS {
        let (mut conn, mut server) = connected().await;
        plan(&mut conn);
        conn.query(b"DELETE FROM t").await.unwrap();
        let serve = async {
            assert_eq!(server.query().await, format!("{sql}; DELETE FROM t"));
            let statements = sql.split("; ").count() as u8;
            for n in 1..=statements {
                server.ok(n, MORE).await;
            }
            server.ok(statements + 1, 0).await;
            statements
        };
        let (answer, statements) = tokio::join!(conn.own_answer(Expect::Result), serve);
        assert!(answer.unwrap().ok.is_some() && !conn.dirty, "{sql}");
        assert_eq!(conn.answer_seq(), statements + 1);
        // Nothing is sent twice.
        conn.query(b"DELETE FROM u").await.unwrap();
        conn.flush().await.unwrap();
        assert_eq!(server.query().await, "DELETE FROM u");
    }
}

#[tokio::test]
async fn a_prefix_that_fails_stops_a_text() {
    for (plan, sql) in KINDS {
        let (mut conn, mut server) = connected().await;
        plan(&mut conn);
        conn.query(b"DELETE FROM t").await.unwrap();
        let serve = async {
            server.query().await;
            server.refuse(1).await;
            assert!(server.is_left_alone().await, "{sql}");
        };
        let (answer, ()) = tokio::join!(conn.own_answer(Expect::Result), serve);
        let failed = matches!(answer, Err(ShardError::Server { ref err, .. }) if err.code == 1064);
        assert!(failed && conn.dirty, "{sql}: {answer:?}");
        assert!(conn.settings.is_empty() && conn.database.is_none());
    }
}

fn execution() -> Execution<'static> {
    Execution {
        id: 5,
        flags: 0,
        nulls: &[],
        types: &[],
        values: &[],
    }
}

#[tokio::test]
async fn a_prefix_that_fails_stops_an_execution() {
    for (plan, sql) in KINDS {
        let (mut conn, mut server) = connected().await;
        plan(&mut conn);
        let serve = async {
            assert_eq!(server.query().await, sql);
            server.refuse(1).await;
            server.is_left_alone().await
        };
        let send = async {
            let execution = execution();
            conn.execute(&execution, &[]).await?;
            conn.own_answer(Expect::Result).await
        };
        let (answer, alone) = tokio::join!(send, serve);
        assert!(answer.is_err() && conn.dirty, "{sql}");
        // The execution does the same without the savepoint, so it went along.
        assert_eq!(alone, !sql.starts_with("SAVEPOINT"), "{sql}");
    }
}

#[tokio::test]
async fn a_text_with_a_semicolon_is_read_as_one_statement() {
    let (mut conn, mut server) = connected().await;
    conn.plan_transaction(None, Some(Begin::default()), &[]);
    let text = b"INSERT INTO t VALUES ('a;b')";
    let serve = async {
        assert_eq!(server.query().await, "START TRANSACTION");
        server.ok(1, SERVER_STATUS_IN_TRANS).await;
        // The server is told before the text comes.
        assert_eq!(server.command().await, (0x1b, vec![1, 0]));
        assert_eq!(server.query().await.as_bytes(), text);
        server.ok(1, 0).await;
        server.ok(1, SERVER_STATUS_IN_TRANS).await;
    };
    let send = async {
        conn.query(text).await?;
        conn.own_answer(Expect::Result).await
    };
    let (answer, ()) = tokio::join!(send, serve);
    assert!(answer.is_ok() && conn.in_transaction);
    // And told again before several come; a semicolon at the end is none between two.
    conn.plan_savepoint("a");
    conn.query(b"DELETE FROM t; ").await.unwrap();
    conn.flush().await.unwrap();
    assert_eq!(server.command().await, (0x1b, vec![0, 0]));
    assert_eq!(server.query().await, "SAVEPOINT `a`; DELETE FROM t; ");
}

#[tokio::test]
async fn a_setting_with_a_semicolon_is_read_as_one_statement() {
    let (mut conn, mut server) = connected().await;
    conn.plan_session(&settings("@x", "'; DROP TABLE t; -- '"), None);
    let serve = async {
        assert_eq!(server.command().await, (0x1b, vec![1, 0]));
        assert_eq!(server.query().await, "SET @`x` = '; DROP TABLE t; -- '");
        assert!(server.is_left_alone().await, "the text did not wait");
        server.ok(1, 0).await;
        server.ok(1, 0).await;
        assert_eq!(server.query().await, "SELECT 1");
        server.ok(1, 0).await;
    };
    let send = async {
        conn.query(b"SELECT 1").await?;
        conn.own_answer(Expect::Result).await
    };
    let (answer, ()) = tokio::join!(send, serve);
    assert!(answer.is_ok());
    assert_eq!(conn.settings.len(), 1);
}

#[tokio::test]
async fn answers_may_come_in_pieces() {
    let (mut conn, mut server) = connected().await;
    conn.plan_session(&settings("time_zone", "'UTC'"), Some(&"shop".into()));
    conn.plan_transaction(None, Some(Begin::default()), &[]);
    conn.query(b"DELETE FROM t").await.unwrap();
    let serve = async {
        server.query().await;
        let mut out = Vec::new();
        for (n, status) in [(1, MORE), (2, MORE), (3, MORE), (4, SERVER_STATUS_IN_TRANS)] {
            let ok = OkPacket {
                status,
                affected_rows: u64::from(n),
                ..Default::default()
            };
            let mut seq = n;
            put_packet_with(&mut out, &mut seq, |b| ok.encode(b, 0, 0));
        }
        server.0.set_nodelay(true).unwrap();
        for byte in out {
            server.0.write_all(&[byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let (answer, ()) = tokio::join!(conn.own_answer(Expect::Result), serve);
    assert_eq!(answer.unwrap().ok.unwrap().affected_rows, 4);
    assert_eq!(conn.database.as_deref(), Some("shop"));
    assert!(conn.in_transaction && !conn.dirty && conn.settings.len() == 1);
}

#[tokio::test]
async fn a_beginning_stays_planned_until_it_is_sent() {
    let (mut conn, mut server) = connected().await;
    conn.plan_transaction(None, Some(Begin::default()), &[]);
    conn.plan_last_insert_id(1);
    // The session looks at the connection again before it sends anything.
    conn.plan_session(&conn.settings.clone(), None);
    conn.query(b"DELETE FROM t").await.unwrap();
    conn.flush().await.unwrap();
    assert_eq!(server.query().await, "START TRANSACTION; DELETE FROM t");
}
