//! Several proxies in one process, over real sockets; the metadata service is a list.

use super::*;
use crate::call::epochs::Behind;
use crate::call::{Counters, CountersAsked, KillAsked, Killed, SessionView, SessionsAsked, Whose};
use catalog::PeerPort;
use serde_json::value::RawValue;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What the metadata service says; nothing if it is down.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<Vec<ProxyView>>>, Arc<AtomicBool>);

impl Service {
    fn listing(&self) -> Listing {
        let this = self.clone();
        Arc::new(move || {
            let list = this.0.lock().unwrap().clone();
            let down = this.1.load(Ordering::SeqCst);
            Box::pin(async move {
                match down {
                    true => Err(MetaError::Unavailable("it is down".into())),
                    false => Ok(list),
                }
            })
        })
    }

    fn put(&self, incarnation: u64, peer: Option<PeerPort>) {
        self.0.lock().unwrap().push(ProxyView {
            incarnation,
            name: format!("p{incarnation}"),
            address: format!("p{incarnation}:3306"),
            version: "9".into(),
            since_ms: 0,
            epoch: None,
            silent_ms: None,
            draining: false,
            peer,
            number: incarnation as u16,
        });
    }

    fn fence(&self, incarnation: u64) {
        let mut list = self.0.lock().unwrap();
        list.retain(|p| p.incarnation != incarnation);
    }
}

/// Answers with its name, or takes its time.
#[derive(Default)]
struct Fake {
    /// Length of its sessions' statement.
    long: usize,
    /// KILL takes for ever.
    slow_kill: bool,
    killing: Arc<AtomicUsize>,
    gave_up: Arc<AtomicUsize>,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Answering for Fake {
    fn answer(&self, call: PeerCall) -> BoxFuture<PeerAnswer> {
        let answer = match call {
            PeerCall::Kill(_) if self.slow_kill => {
                self.killing.fetch_add(1, Ordering::SeqCst);
                let gave_up = Counted(self.gave_up.clone());
                return Box::pin(async move {
                    let _gave_up = gave_up;
                    std::future::pending().await
                });
            }
            PeerCall::Kill(_) => PeerAnswer::Kill(Killed::Done),
            PeerCall::Counters(_) => PeerAnswer::Counters(Counters::default()),
            PeerCall::Epoch(_) => PeerAnswer::Epoch(Behind::default()),
            PeerCall::Sessions(_) => PeerAnswer::Sessions(vec![SessionView {
                id: 7,
                user: "u".into(),
                host: "h".into(),
                database: String::new(),
                worker: 0,
                command: "Query".into(),
                seconds: 0,
                statement: Some("x".repeat(self.long)),
                in_transaction: false,
                pins: String::new(),
            }]),
        };
        Box::pin(async move { answer })
    }
}

fn config() -> PeersConfig {
    PeersConfig {
        call_timeout_ms: 400,
        ..Default::default()
    }
}

fn me(incarnation: u64) -> Me {
    let registered = move || Registered {
        incarnation,
        number: incarnation as u16,
        epoch: 0,
    };
    Me::new(format!("p{incarnation}"), "here:3306", registered)
}

struct Proxy {
    peers: Peers,
    at: String,
    identity: Identity,
}

impl Proxy {
    fn port(&self) -> PeerPort {
        PeerPort {
            address: self.at.clone(),
            key: self.identity.fingerprint().to_string(),
        }
    }
}

/// A proxy that serves but is not registered.
async fn unregistered(service: &Service, incarnation: u64, config: PeersConfig, f: Fake) -> Proxy {
    let identity = Identity::generate().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let port = OwnPort {
        identity: identity.clone(),
        listener: Some(listener),
    };
    let peers = Peers::new(config, port, me(incarnation), service.listing());
    peers.answer_with(Arc::new(f));
    Proxy {
        peers,
        at,
        identity,
    }
}

/// Somebody who only asks.
fn without_port(identity: Identity, me: Me, service: &Service) -> Peers {
    let listener = None;
    let port = OwnPort { identity, listener };
    Peers::new(config(), port, me, service.listing())
}

async fn proxy(service: &Service, incarnation: u64) -> Proxy {
    proxy_with(service, incarnation, config(), Fake::default()).await
}

async fn proxy_with(service: &Service, incarnation: u64, config: PeersConfig, f: Fake) -> Proxy {
    let p = unregistered(service, incarnation, config, f).await;
    service.put(incarnation, Some(p.port()));
    p
}

fn kill() -> KillAsked {
    KillAsked {
        id: 1,
        query: true,
        by: Whose::Anybodys,
    }
}

fn sessions() -> SessionsAsked {
    SessionsAsked {
        visible_to: Whose::Anybodys,
    }
}

/// The answer of one of the others.
async fn of<A: Ask>(p: &Proxy, number: u16, ask: A) -> Result<A::Answer, Silent> {
    only(p.peers.ask_number(number, ask).await)
}

fn only<T>(asked: Asked<T>) -> Result<T, Silent> {
    assert_eq!(asked.heard.len(), 1);
    asked.heard.into_iter().next().unwrap().answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_answers_the_asking_proxy_first_and_the_silent_are_named() {
    let service = Service::default();
    let (a, _b) = (proxy(&service, 1).await, proxy(&service, 2).await);
    // An older version, one that is down, and one that is frozen.
    service.put(3, None);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = PeerPort {
        address: nobody.local_addr().unwrap().to_string(),
        key: "00".into(),
    };
    drop(nobody);
    service.put(4, Some(dead));
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = frozen.local_addr().unwrap().to_string();
    let key = "00".into();
    service.put(5, Some(PeerPort { address: at, key }));
    let start = Instant::now();
    let asked = a.peers.ask_all(sessions()).await;
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(asked.stale, None);
    let names: Vec<_> = asked.heard.iter().map(|h| h.proxy.name.as_str()).collect();
    assert_eq!(names, ["p1", "p2", "p3", "p4", "p5"]);
    let answers: Vec<_> = asked.heard.iter().map(|h| &h.answer).collect();
    assert!(answers[0].is_ok() && answers[1].is_ok(), "{answers:?}");
    assert_eq!(answers[2], &Err(Silent::NoPort("9".into())));
    let unreachable = matches!(answers[3], Err(Silent::Unreachable { .. }));
    assert!(unreachable, "{answers:?}");
    assert_eq!(answers[4], &Err(Silent::Late(400)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_registered_is_not_heard() {
    let service = Service::default();
    let b = proxy(&service, 2).await;
    // Knows everything about the cluster but has no registered key, under whatever number.
    for claimed in [1, 2] {
        let identity = Identity::generate().unwrap();
        let others = Service::default();
        others.put(9, Some(b.port()));
        let peers = without_port(identity, me(claimed), &others);
        let answer = only(peers.ask_number(9, sessions()).await);
        assert!(matches!(answer, Err(Silent::Lost { .. })), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_cannot_speak_for_another() {
    let service = Service::default();
    let (a, _b) = (proxy(&service, 1).await, proxy(&service, 2).await);
    service.put(3, None);
    let peers = without_port(a.identity.clone(), me(3), &service);
    let answer = only(peers.ask_number(2, sessions()).await);
    assert_eq!(answer, Err(CallRefused::NotRegistered.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fenced_proxy_is_refused_though_its_connection_is_open() {
    let service = Service::default();
    let (a, b) = (proxy(&service, 1).await, proxy(&service, 2).await);
    assert!(of(&a, 2, sessions()).await.is_ok());
    // The fenced one does not know it yet, so its own list has the other.
    let old = Service::default();
    old.put(2, Some(b.port()));
    let fenced = without_port(a.identity.clone(), me(1), &old);
    assert!(only(fenced.ask_number(2, sessions()).await).is_ok());
    service.fence(1);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let refused = only(fenced.ask_number(2, sessions()).await);
    assert_eq!(refused, Err(CallRefused::NotRegistered.into()));
    // And nothing at all after that, not even a reason.
    let refused = only(fenced.ask_number(2, sessions()).await);
    assert!(matches!(refused, Err(Silent::Lost { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_for_an_earlier_start_is_refused() {
    let service = Service::default();
    let (a, b) = (proxy(&service, 1).await, proxy(&service, 2).await);
    service.put(8, Some(b.port()));
    let answer = of(&a, 8, kill()).await;
    assert_eq!(
        answer,
        Err(CallRefused::AnotherIncarnation { now: 2 }.into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_at_the_address_is_not_asked() {
    let service = Service::default();
    let a = proxy(&service, 1).await;
    let impostor = unregistered(&service, 2, config(), Fake::default()).await;
    let key = Identity::generate().unwrap().fingerprint().to_string();
    let address = impostor.at.clone();
    service.put(2, Some(PeerPort { address, key }));
    let answer = of(&a, 2, kill()).await;
    assert_eq!(answer, Err(Silent::NotItself(impostor.at)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_answer_is_refused_by_either_side() {
    let service = Service::default();
    let small = PeersConfig {
        answer_bytes_max: 2_000,
        ..config()
    };
    let big = || Fake {
        long: 5_000,
        ..Default::default()
    };
    let a = proxy_with(&service, 1, small.clone(), Fake::default()).await;
    let b = proxy_with(&service, 2, config(), big()).await;
    let _c = proxy_with(&service, 3, small, big()).await;
    for (asking, number) in [(&a, 2), (&b, 3)] {
        match of(asking, number, sessions()).await {
            Err(Silent::Refused(CallRefused::TooLarge { bytes, limit })) => {
                assert!(bytes > 5_000 && limit == 2_000);
            }
            other => panic!("{other:?}"),
        }
    }
    // The connection goes on.
    assert!(of(&a, 2, kill()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_a_newer_version_is_said_to_be_unknown() {
    let service = Service::default();
    let (a, b) = (proxy(&service, 1).await, proxy(&service, 2).await);
    let request = Request {
        from: 1,
        to: 2,
        answer_bytes_max: 1_000,
        call: RawValue::from_string(r#"{"Dance":{"steps":3}}"#.into()).unwrap(),
    };
    let errand = Errand {
        to: 2,
        port: &b.port(),
        request: &serde_json::to_vec(&request).unwrap(),
        repeatable: true,
    };
    let answer = a.peers.0.outgoing.run(&errand).await.unwrap();
    match serde_json::from_slice(&answer).unwrap() {
        Reply::<PeerAnswer>::Refused(CallRefused::UnknownCall { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_once_are_bounded_and_end_with_who_waits_for_them() {
    let service = Service::default();
    let one_at_a_time = PeersConfig {
        calls_max: 1,
        call_timeout_ms: 5_000,
        ..config()
    };
    let fake = Fake {
        slow_kill: true,
        ..Default::default()
    };
    let (killing, gave_up) = (fake.killing.clone(), fake.gave_up.clone());
    let (a, c) = (proxy(&service, 1).await, proxy(&service, 3).await);
    let _b = proxy_with(&service, 2, one_at_a_time, fake).await;
    let waiting = a.peers.clone();
    let call = tokio::spawn(async move { waiting.ask_number(2, kill()).await });
    while killing.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let busy = of(&c, 2, CountersAsked {}).await;
    assert_eq!(busy, Err(CallRefused::Busy { limit: 1 }.into()));
    assert_eq!(gave_up.load(Ordering::SeqCst), 0);
    // A session leaves: its call ends here and there.
    call.abort();
    let until = Instant::now() + Duration::from_secs(3);
    while gave_up.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < until, "the call goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(of(&c, 2, CountersAsked {}).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_service_the_known_proxies_answer_and_a_note_says_so() {
    let service = Service::default();
    let (a, _b) = (proxy(&service, 1).await, proxy(&service, 2).await);
    assert_eq!(a.peers.ask_all(sessions()).await.stale, None);
    service.1.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let asked = a.peers.ask_all(sessions()).await;
    assert!(asked.heard.iter().all(|h| h.answer.is_ok()), "{asked:?}");
    assert_eq!(asked.heard.len(), 2);
    assert!(asked.stale.unwrap().contains("it is down"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_hold_the_port_up_for_a_handshake_at_most() {
    let service = Service::default();
    let (a, b) = (proxy(&service, 1).await, proxy(&service, 2).await);
    let mut strangers = Vec::new();
    for _ in 0..64 {
        strangers.push(TcpStream::connect(&b.at).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(of(&a, 2, kill()).await, Err(Silent::Late(400)));
    let start = Instant::now();
    while of(&a, 2, kill()).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    let mut byte = [0];
    let read = strangers[0].read(&mut byte);
    let closed = tokio::time::timeout(Duration::from_secs(3), read).await;
    assert_eq!(closed.unwrap().unwrap_or(0), 0);
}

#[tokio::test]
async fn a_proxy_without_others_answers_itself() {
    let peers = Peers::alone(me(0)).unwrap();
    let starting = peers.ask_all(sessions()).await;
    let refused = Err(Silent::Refused(CallRefused::Starting));
    assert_eq!(starting.heard[0].answer, refused);
    peers.answer_with(Arc::new(Fake::default()));
    let asked = peers.ask_all(sessions()).await;
    assert!(asked.stale.is_none() && asked.heard.len() == 1);
    assert!(asked.heard[0].answer.is_ok());
    assert!(peers.ask_number(5, kill()).await.heard.is_empty());
}
