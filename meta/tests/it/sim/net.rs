//! A network that loses, delays, doubles and reorders messages, and can be cut in two.

use meta::raft::Raft;
use meta::raft::network::{Transport, receive};
use meta_client::BoxFuture;
use meta_client::http::HttpError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A small generator (xorshift64*), so that a seed means the same everywhere.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    /// True so many times out of a hundred.
    pub fn percent(&mut self, n: u64) -> bool {
        self.below(100) < n
    }
}

struct State {
    dice: Dice,
    nodes: BTreeMap<String, Raft>,
    /// The side of each node; nodes of different sides do not hear each other.
    sides: BTreeMap<String, bool>,
    slow: BTreeSet<String>,
    lost_percent: u64,
}

/// The network.
#[derive(Clone)]
pub struct Net(Arc<Mutex<State>>);

/// What becomes of a message and its answer.
struct Fate {
    there: Duration,
    back: Duration,
    arrives: bool,
    answered: bool,
    twice: bool,
}

impl Net {
    pub fn new(dice: Dice) -> Self {
        Net(Arc::new(Mutex::new(State {
            dice,
            nodes: BTreeMap::new(),
            sides: BTreeMap::new(),
            slow: BTreeSet::new(),
            lost_percent: 0,
        })))
    }

    /// A node answers from now on.
    pub fn connect(&self, name: &str, raft: Raft) {
        self.0.lock().unwrap().nodes.insert(name.to_string(), raft);
    }

    /// A node is gone.
    pub fn disconnect(&self, name: &str) {
        self.0.lock().unwrap().nodes.remove(name);
    }

    /// Cuts the network; an empty set heals it.
    pub fn cut_off(&self, side: &BTreeSet<String>) {
        let mut s = self.0.lock().unwrap();
        s.sides = side.iter().map(|n| (n.clone(), true)).collect();
    }

    /// Nodes that take long for everything.
    pub fn set_slow(&self, slow: BTreeSet<String>) {
        self.0.lock().unwrap().slow = slow;
    }

    /// How many messages of a hundred are lost.
    pub fn lose(&self, percent: u64) {
        self.0.lock().unwrap().lost_percent = percent;
    }

    /// The way from one node to the others.
    pub fn line(&self, from: &str) -> Arc<dyn Transport> {
        Arc::new(Line {
            net: self.clone(),
            from: from.to_string(),
        })
    }

    fn fate(&self, from: &str, to: &str) -> Fate {
        let mut s = self.0.lock().unwrap();
        let lost = s.lost_percent;
        let side = |s: &State, n: &str| s.sides.get(n).copied().unwrap_or(false);
        let apart = side(&s, from) != side(&s, to);
        let slow = if s.slow.contains(from) || s.slow.contains(to) {
            300
        } else {
            0
        };
        let delay = |s: &mut State| Duration::from_millis(1 + s.dice.below(20 + slow));
        let (there, back) = (delay(&mut s), delay(&mut s));
        Fate {
            there,
            back,
            arrives: !apart && !s.dice.percent(lost),
            answered: !s.dice.percent(lost),
            twice: s.dice.percent(lost),
        }
    }

    fn node(&self, name: &str) -> Option<Raft> {
        self.0.lock().unwrap().nodes.get(name).cloned()
    }
}

struct Line {
    net: Net,
    from: String,
}

impl Transport for Line {
    fn send(
        &self,
        to: &str,
        path: &'static str,
        body: Vec<u8>,
        time: Duration,
    ) -> BoxFuture<Result<Vec<u8>, HttpError>> {
        let (net, from, to) = (self.net.clone(), self.from.clone(), to.to_string());
        Box::pin(async move {
            let fate = net.fate(&from, &to);
            let at = to.clone();
            let lost = HttpError::NoAnswer {
                at: to.clone(),
                why: "lost".to_string(),
            };
            let way = async move {
                tokio::time::sleep(fate.there).await;
                if !fate.arrives {
                    std::future::pending::<()>().await;
                }
                let why = "it is down".to_string();
                let raft = net.node(&to).ok_or(HttpError::NotSent { at: to, why })?;
                if fate.twice {
                    let (raft, body) = (raft.clone(), body.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(fate.back).await;
                        receive(&raft, path, &body).await
                    });
                }
                let answer = receive(&raft, path, &body).await;
                tokio::time::sleep(fate.back).await;
                if !fate.answered {
                    std::future::pending::<()>().await;
                }
                let why = "no answer that can be read".to_string();
                answer
                    .and_then(Result::ok)
                    .ok_or(HttpError::NoAnswer { at, why })
            };
            tokio::time::timeout(time, way).await.unwrap_or(Err(lost))
        })
    }
}
