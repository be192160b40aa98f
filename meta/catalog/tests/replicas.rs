//! The state machine under a seeded, unkind network: replicas that get the same log stay equal, whatever
//! was sent twice, late or by whom; one invariant a test.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use catalog::*;
use std::collections::BTreeSet;

/// A seeded sequence of numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn change(d: &mut Dice) -> Change {
    match d.roll(8) {
        7 => Change::RaiseSequence {
            table: TableId(d.roll(3)),
            next: d.roll(90),
        },
        0 | 1 => Change::Catalog(Command::PutShard {
            name: format!("s{}", d.roll(5)),
            host: "127.0.0.1".into(),
            port: d.roll(9) as u16 + 1,
        }),
        2 => Change::LeaseIds {
            table: TableId(d.roll(3)),
            at_least: d.roll(50),
            count: d.roll(20) + 1,
        },
        3 => Change::Register(Registration {
            name: format!("p{}", d.roll(6)),
            address: "a".into(),
            version: "1".into(),
            peer: (d.roll(4) > 0).then(|| PeerPort {
                address: "b".into(),
                key: "00".into(),
            }),
            number: d.roll(5) as u16,
        }),
        4 => Change::Fence(Fence {
            incarnation: d.roll(40) + 1,
            why: "late".into(),
            has_ended: d.roll(2) == 0,
        }),
        5 => Change::Set {
            name: ["lease_ms", "fence_after_ms", "nothing"][d.roll(3) as usize].into(),
            value: Some(d.roll(9_000).to_string()),
        },
        _ => Change::Catalog(Command::DisableShard {
            name: format!("s{}", d.roll(6)),
            disabled: d.roll(2) == 0,
        }),
    }
}

/// A log: proposals of several clients, of which some were sent again, early or late.
fn log(seed: u64) -> Vec<Proposal> {
    let mut d = Dice(seed);
    let mut out: Vec<Proposal> = Vec::new();
    for n in 0..400 {
        if n > 0 && d.roll(4) == 0 {
            let again = out[d.roll(out.len() as u64) as usize].clone();
            out.push(again);
            continue;
        }
        out.push(Proposal {
            request: format!("r{n}"),
            who: format!("client{}", d.roll(3)),
            at_ms: d.roll(1000),
            expected_epoch: (d.roll(5) == 0).then(|| d.roll(60)),
            change: change(&mut d),
        });
    }
    out
}

/// A state with table number 1, so that its sequence can be raised.
fn with_a_table() -> State {
    let table = Table {
        id: TableId(1),
        name: TableName::new("d", "t"),
        placement: Placement::Single(ShardId(1)),
        definition: TableDefinition::of_names(["id"]).into(),
        auto_increment: None,
    };
    let mut s = State::default();
    s.catalog.insert_table(table);
    s
}

const SEEDS: std::ops::Range<u64> = 0..60;

#[test]
fn replicas_with_the_same_log_are_equal_even_through_snapshots() {
    for seed in SEEDS {
        let log = log(seed);
        let mut one = State::default();
        let answers: Vec<_> = log.iter().map(|p| one.apply(p)).collect();
        let mut two = State::default();
        let mut d = Dice(seed + 1000);
        for (n, p) in log.iter().enumerate() {
            assert_eq!(two.apply(p), answers[n], "seed {seed}, entry {n}");
            if d.roll(30) == 0 {
                let text = serde_json::to_string(&two).unwrap();
                two = serde_json::from_str(&text).unwrap();
            }
        }
        assert_eq!(one, two, "seed {seed}");
    }
}

#[test]
fn a_request_that_is_sent_again_gets_its_answer_and_changes_nothing() {
    for seed in SEEDS {
        let mut s = with_a_table();
        let mut accepted = std::collections::BTreeMap::new();
        for p in log(seed) {
            let before = s.clone();
            let answer = s.apply(&p);
            match accepted.get(&p.request) {
                Some(first) => {
                    assert_eq!(
                        (&answer, &s),
                        (first, &before),
                        "seed {seed}, {}",
                        p.request
                    );
                }
                None if matches!(answer, Answer::Rejected(_)) => assert_eq!(s, before),
                None => drop(accepted.insert(p.request.clone(), answer)),
            }
        }
    }
}

#[test]
fn no_id_and_no_incarnation_is_given_twice() {
    for seed in SEEDS {
        let mut s = with_a_table();
        let (mut ids, mut incarnations, mut seen) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for p in log(seed) {
            if !seen.insert(p.request.clone()) {
                continue;
            }
            match (s.apply(&p), &p.change) {
                (Answer::Ids(range), Change::LeaseIds { table, .. }) => {
                    range.for_each(|id| assert!(ids.insert((*table, id)), "seed {seed}: {id}"));
                }
                (answer, _) => {
                    if let Some(n) = answer.incarnation() {
                        assert!(incarnations.insert(n), "seed {seed}: {n}");
                    }
                }
            }
        }
        assert!(!ids.is_empty() && !incarnations.is_empty());
    }
}

#[test]
fn no_two_live_proxies_share_a_number() {
    for seed in SEEDS {
        let mut s = State::default();
        let mut most = 0;
        for p in log(seed) {
            s.apply(&p);
            let numbers = s.incarnations.values().map(|i| i.number);
            let numbers: Vec<_> = numbers.filter(|n| *n != 0).collect();
            let different: BTreeSet<_> = numbers.iter().collect();
            assert_eq!(different.len(), numbers.len(), "seed {seed}: {numbers:?}");
            most = most.max(numbers.len());
        }
        assert!(most > 2, "seed {seed}: never more than {most} proxies");
    }
}

#[test]
fn epochs_rise_by_one_with_each_change_of_the_catalog_and_only_then() {
    for seed in SEEDS {
        let mut s = State::default();
        for p in log(seed) {
            let before = s.clone();
            s.apply(&p);
            let step = s.catalog.epoch - before.catalog.epoch;
            let same = Catalog {
                epoch: before.catalog.epoch,
                ..s.catalog.clone()
            } == before.catalog;
            assert!(step == 1 || step == 0 && same, "seed {seed}, {p:?}");
        }
    }
}

#[test]
fn a_watcher_that_applies_the_accepted_changes_has_the_same_catalog() {
    for seed in SEEDS {
        let (mut s, mut watcher) = (State::default(), Catalog::default());
        for p in log(seed) {
            let before = s.catalog.epoch;
            s.apply(&p);
            if let (true, Change::Catalog(command)) = (s.catalog.epoch > before, &p.change) {
                watcher = watcher.apply(command).unwrap();
            }
            assert_eq!(watcher, s.catalog, "seed {seed}");
        }
    }
}
