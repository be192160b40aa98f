//! Nodes, the faults that befall them, and clients that go on asking.

use super::disk::Medium;
use super::history::{Acknowledged, History, Read};
use super::net::{Dice, Net};
use catalog::{Change, Command, Proposal, Registration, TableId};
use meta::MetaNode;
use meta_client::protocol::Renew;
use meta_client::{MemberChange, MetaError, MetaService};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;

/// How long a change of the members may take once the faults have ended.
const CALM_TIME: Duration = Duration::from_secs(600);
/// How often a client tries one change, each time at another node.
const TRIES: u64 = 30;

struct Place {
    id: u64,
    name: String,
    medium: Medium,
    node: Option<MetaNode>,
}

/// What clients share with the world.
#[derive(Clone)]
struct Outside {
    running: Arc<Mutex<Vec<MetaNode>>>,
    history: Arc<Mutex<History>>,
    /// Held while a node leaves and returns.
    members: Arc<tokio::sync::Mutex<()>>,
    start: Instant,
}

/// A service and its surroundings.
pub struct World {
    dice: Dice,
    net: Net,
    places: Vec<Place>,
    outside: Outside,
    requests: u64,
}

fn name(id: u64) -> String {
    format!("n{id}")
}

impl World {
    /// Starts a service of so many nodes.
    pub async fn start(seed: u64, nodes: u64) -> World {
        let outside = Outside {
            running: Arc::default(),
            history: Arc::default(),
            members: Arc::default(),
            start: Instant::now(),
        };
        let mut world = World {
            dice: Dice::new(seed),
            net: Net::new(Dice::new(seed ^ 0xffff)),
            places: Vec::new(),
            outside,
            requests: 0,
        };
        for id in 1..=nodes {
            world.places.push(Place {
                id,
                name: name(id),
                medium: Medium::default(),
                node: None,
            });
            world.switch_on(id as usize - 1).await;
        }
        let first = world.places[0].node.clone().unwrap();
        first.found("n1").await.unwrap();
        for id in 2..=nodes {
            let address = name(id);
            let add = MemberChange::Add { id, address };
            first.change_members(add).await.unwrap();
            first
                .change_members(MemberChange::Promote { id })
                .await
                .unwrap();
        }
        world
    }

    /// What was seen so far.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.outside.history.lock().unwrap()
    }

    async fn switch_on(&mut self, at: usize) {
        let p = &mut self.places[at];
        let (disk, line) = (Arc::new(p.medium.plug_in()), self.net.line(&p.name));
        let node = MetaNode::start_over(p.id, disk, Some(line), None)
            .await
            .unwrap();
        self.net.connect(&p.name, node.raft().clone());
        tokio::spawn(watch_applied(node.clone(), self.outside.history.clone()));
        p.node = Some(node);
        self.note_running();
    }

    async fn switch_off(&mut self, at: usize) {
        let p = &mut self.places[at];
        self.net.disconnect(&p.name);
        p.medium.cut_power();
        if let Some(node) = p.node.take() {
            node.stop().await;
        }
        self.note_running();
    }

    fn note_running(&self) {
        let running = self.places.iter().filter_map(|p| p.node.clone()).collect();
        *self.outside.running.lock().unwrap() = running;
    }

    /// One event, and some time.
    pub async fn step(&mut self) {
        let n = self.places.len() as u64;
        let at = self.dice.below(n) as usize;
        match self.dice.below(20) {
            0 | 1 if self.places[at].node.is_some() => self.switch_off(at).await,
            0..=4 => {
                if let Some(off) = self.places.iter().position(|p| p.node.is_none()) {
                    self.switch_on(off).await;
                }
            }
            5 => {
                let side = self.some_nodes();
                self.net.cut_off(&side);
            }
            6 | 7 => self.net.cut_off(&BTreeSet::new()),
            8 => {
                let slow = self.some_nodes();
                self.net.set_slow(slow);
            }
            9 => {
                let percent = self.dice.below(30);
                self.net.lose(percent);
            }
            10..=12 => self.read(),
            13 => self.leave_and_return(at as u64 + 1),
            _ => self.change(),
        }
        let pause = Duration::from_millis(20 + self.dice.below(600));
        tokio::time::sleep(pause).await;
    }

    /// A node leaves the service and is taken in again, while everything else goes on. One at a time.
    fn leave_and_return(&mut self, id: u64) {
        let Ok(turn) = self.outside.members.clone().try_lock_owned() else {
            return;
        };
        let (outside, back) = (
            self.outside.clone(),
            Dice::new(id ^ self.dice.below(1 << 30)),
        );
        tokio::spawn(async move {
            let _turn = turn;
            let address = name(id);
            let steps = [
                MemberChange::Remove { id },
                MemberChange::Add { id, address },
                MemberChange::Promote { id },
            ];
            for step in steps {
                until_done(&outside, back.clone(), step).await;
            }
        });
    }

    fn some_nodes(&mut self) -> BTreeSet<String> {
        let dice = &mut self.dice;
        let names = self.places.iter().map(|p| p.name.clone());
        names.filter(|_| dice.percent(40)).collect()
    }

    fn change(&mut self) {
        self.requests += 1;
        let n = self.requests;
        let change = match self.dice.below(4) {
            0 => Change::Register(Registration {
                name: format!("p{}", self.dice.below(4)),
                address: format!("a{n}"),
                version: "sim".to_string(),
                peer: None,
                number: 0,
            }),
            1 => Change::LeaseIds {
                table: TableId(1),
                at_least: self.dice.below(50),
                count: 1 + self.dice.below(20),
            },
            2 => Change::Set {
                name: "fence_after_ms".to_string(),
                value: Some((5_000 + self.dice.below(9_000)).to_string()),
            },
            _ => Change::Catalog(Command::PutShard {
                name: format!("s{}", self.dice.below(9)),
                host: "h".to_string(),
                port: 1 + self.dice.below(9) as u16,
            }),
        };
        let proposal = Proposal {
            request: format!("r{n}"),
            who: "sim".to_string(),
            // Clocks jump by minutes and go back; nothing may depend on them.
            at_ms: self.dice.below(600_000),
            expected_epoch: None,
            change,
        };
        let dice = Dice::new(n ^ self.dice.below(1 << 30));
        tokio::spawn(client(self.outside.clone(), dice, proposal));
    }

    fn read(&mut self) {
        let running = self.outside.running.lock().unwrap().clone();
        for node in running {
            let outside = self.outside.clone();
            tokio::spawn(async move {
                let from = outside.start.elapsed();
                let Ok(state) = node.read(false).await else {
                    return;
                };
                // Proxies that a read finds live on, for a while.
                if let Some(incarnation) = state.incarnations.keys().next_back() {
                    let renew = Renew {
                        incarnation: *incarnation,
                        epoch: state.catalog.epoch,
                    };
                    let _ = node.renew(renew, false).await;
                }
                let read = Read {
                    from,
                    until: outside.start.elapsed(),
                    epoch: state.catalog.epoch,
                    changes: state.changes,
                    incarnations: state.incarnations.keys().copied().collect(),
                    requests: state.requests.iter().map(|(r, _)| r.clone()).collect(),
                };
                outside.history.lock().unwrap().reads.push(read);
            });
        }
    }

    /// The faults end, everybody is on, and clients finish.
    pub async fn calm(&mut self) {
        self.net.cut_off(&BTreeSet::new());
        self.net.set_slow(BTreeSet::new());
        self.net.lose(0);
        for at in 0..self.places.len() {
            if self.places[at].node.is_none() {
                self.switch_on(at).await;
            }
        }
        // Whoever is on the way out comes back.
        let members = self.outside.members.clone();
        drop(
            tokio::time::timeout(CALM_TIME, members.lock())
                .await
                .unwrap(),
        );
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.read();
        tokio::time::sleep(Duration::from_secs(20)).await;
    }

    /// Every node has the same catalog in the end, and the clients got somewhere.
    pub async fn everybody_agrees(&self, seed: u64) {
        let views: Vec<_> = self
            .places
            .iter()
            .map(|p| p.node.as_ref().unwrap())
            .collect();
        let first = views[0].watch().borrow().clone();
        for node in &views {
            assert_eq!(
                *node.watch().borrow(),
                first,
                "catalogs differ (seed {seed})"
            );
        }
        let h = self.history();
        assert!(
            h.acknowledged.len() > 10,
            "{} answers (seed {seed})",
            h.acknowledged.len()
        );
        let last = h.reads.last().unwrap();
        assert_eq!(last.epoch, first.epoch, "seed {seed}");
    }

    /// Ends it.
    pub async fn stop(mut self) {
        for at in 0..self.places.len() {
            self.switch_off(at).await;
        }
    }
}

/// Asks one node after the other for a change of the members until one has made it, or it is made.
async fn until_done(outside: &Outside, mut dice: Dice, step: MemberChange) {
    loop {
        let running = outside.running.lock().unwrap().clone();
        if !running.is_empty() {
            let node = &running[dice.below(running.len() as u64) as usize];
            match node.members(step.clone(), false).await {
                Ok(_) | Err(MetaError::Rejected(_)) => return,
                Err(_) => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(100 + dice.below(400))).await;
    }
}

/// Tries a change at one node after the other until it is answered; the request's number makes that safe.
async fn client(outside: Outside, mut dice: Dice, proposal: Proposal) {
    for _ in 0..TRIES {
        let running = outside.running.lock().unwrap().clone();
        if !running.is_empty() {
            let node = &running[dice.below(running.len() as u64) as usize];
            match node.carry_out(proposal.clone(), false).await {
                Ok(answer) => {
                    let done = Acknowledged {
                        request: proposal.request,
                        answer,
                        at: outside.start.elapsed(),
                    };
                    outside.history.lock().unwrap().acknowledged.push(done);
                    return;
                }
                Err(MetaError::Rejected(_)) => return,
                Err(_) => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(50 + dice.below(300))).await;
    }
}

async fn watch_applied(node: MetaNode, history: Arc<Mutex<History>>) {
    let mut metrics = node.raft().metrics();
    loop {
        let applied = metrics.borrow_and_update().last_applied;
        if let Some(at) = applied {
            let by = (at.leader_id.term, at.leader_id.node_id);
            let mut h = history.lock().unwrap();
            h.committed.entry(at.index).or_default().insert(by);
        }
        if metrics.changed().await.is_err() {
            return;
        }
    }
}
