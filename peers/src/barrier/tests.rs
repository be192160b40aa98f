//! Rounds of answers, and what they mean.

use super::*;
use crate::call::epochs::WorkerBehind;
use meta_client::ProxyView;

const PATIENCE: Patience = Patience {
    statements: Duration::from_secs(50),
    silence: Duration::from_secs(4),
};

fn proxy(incarnation: u64, epoch: Option<u64>) -> ProxyView {
    ProxyView {
        incarnation,
        name: format!("p{incarnation}"),
        address: "a".into(),
        version: "1".into(),
        since_ms: 0,
        epoch,
        silent_ms: None,
        draining: false,
        peer: None,
        number: 0,
    }
}

fn heard(incarnation: u64, answer: Result<Behind, Silent>) -> Heard<Behind> {
    Heard {
        proxy: proxy(incarnation, None),
        answer,
    }
}

fn round_of(heard: Vec<Heard<Behind>>) -> Asked<Behind> {
    Asked { heard, stale: None }
}

fn used_by(session: u32, for_ms: u64) -> Behind {
    Behind {
        workers: Vec::new(),
        statements: vec![StatementBehind {
            session,
            epoch: 6,
            for_ms,
        }],
    }
}

fn late() -> Result<Behind, Silent> {
    Err(Silent::Late(1_000))
}

/// A wait for epoch 7, and times in it.
fn barrier() -> (Barrier, impl Fn(u64) -> Instant) {
    let start = Instant::now();
    let at = move |seconds| start + Duration::from_secs(seconds);
    (Barrier::new(7, PATIENCE, start), at)
}

#[test]
fn nobody_behind_is_reached_at_once() {
    let (mut b, at) = barrier();
    let all = round_of(vec![
        heard(1, Ok(Behind::default())),
        heard(2, Ok(Behind::default())),
    ]);
    assert_eq!(b.round(all, at(0)), Round::Reached);
}

#[test]
fn a_statement_is_waited_for_until_the_lock_wait_timeout_and_then_named() {
    let (mut b, at) = barrier();
    let one = |s: u64| {
        round_of(vec![
            heard(1, Ok(Behind::default())),
            heard(2, Ok(used_by(9, s * 1_000))),
        ])
    };
    assert_eq!(b.round(one(3), at(1)), Round::Again { pause: false });
    assert_eq!(b.round(one(51), at(49)), Round::Again { pause: false });
    let Round::Failed(why) = b.round(one(53), at(50)) else {
        panic!("it waits on");
    };
    assert_eq!(
        why.to_string(),
        "session 9 of proxy p2 has used it for 53 s"
    );
    // It ends just then.
    let (mut b, at) = barrier();
    b.round(one(3), at(1));
    let done = round_of(vec![heard(2, Ok(Behind::default()))]);
    assert_eq!(b.round(done, at(50)), Round::Reached);
}

#[test]
fn a_silent_proxy_is_named_after_a_while_and_not_waited_for_once_it_is_fenced() {
    let (mut b, at) = barrier();
    let one = || round_of(vec![heard(1, Ok(Behind::default())), heard(2, late())]);
    assert_eq!(b.round(one(), at(0)), Round::Again { pause: true });
    assert_eq!(b.round(one(), at(3)), Round::Again { pause: true });
    let Round::Failed(why) = b.round(one(), at(4)) else {
        panic!("it waits on");
    };
    assert!(
        why.to_string().contains("proxy p2 does not answer"),
        "{why}"
    );
    let (mut b, at) = barrier();
    b.round(one(), at(0));
    let fenced = round_of(vec![heard(1, Ok(Behind::default()))]);
    assert_eq!(b.round(fenced, at(3)), Round::Reached);
}

#[test]
fn silence_counts_from_the_last_answer() {
    let (mut b, at) = barrier();
    b.round(round_of(vec![heard(2, late())]), at(0));
    b.round(round_of(vec![heard(2, Ok(used_by(9, 1)))]), at(3));
    let again = b.round(round_of(vec![heard(2, late())]), at(5));
    assert_eq!(again, Round::Again { pause: true });
}

#[test]
fn who_has_answered_once_may_fall_silent() {
    let (mut b, at) = barrier();
    let first = vec![heard(1, Ok(used_by(9, 1))), heard(2, Ok(Behind::default()))];
    b.round(round_of(first), at(0));
    let second = vec![heard(1, Ok(Behind::default())), heard(2, late())];
    assert_eq!(b.round(round_of(second), at(20)), Round::Reached);
}

#[test]
fn a_worker_that_does_not_follow_is_named() {
    let (mut b, at) = barrier();
    let one = || {
        let workers = vec![WorkerBehind {
            worker: 3,
            epoch: 5,
        }];
        let statements = Vec::new();
        round_of(vec![heard(
            1,
            Ok(Behind {
                workers,
                statements,
            }),
        )])
    };
    assert_eq!(b.round(one(), at(0)), Round::Again { pause: true });
    let Round::Failed(why) = b.round(one(), at(4)) else {
        panic!("it waits on");
    };
    assert_eq!(
        why.to_string(),
        "worker 3 of proxy p1 does not follow: it plans by epoch 5 of the catalog"
    );
}

#[test]
fn an_older_version_counts_by_the_epoch_that_it_reports() {
    let of = |epoch| {
        round_of(vec![Heard {
            proxy: proxy(2, epoch),
            answer: Err(Silent::NoPort("0.0.9".into())),
        }])
    };
    let (mut b, at) = barrier();
    assert_eq!(b.round(of(Some(6)), at(0)), Round::Again { pause: true });
    assert_eq!(b.round(of(Some(7)), at(1)), Round::Reached);
    let (mut b, at) = barrier();
    b.round(of(None), at(0));
    assert!(matches!(b.round(of(None), at(4)), Round::Failed(_)));
}

#[test]
fn without_a_list_nothing_is_reached() {
    let (mut b, at) = barrier();
    let old = || Asked {
        heard: vec![heard(1, Ok(Behind::default()))],
        stale: Some("nobody answers".to_string()),
    };
    assert_eq!(b.round(old(), at(0)), Round::Again { pause: true });
    let failed = b.round(old(), at(4));
    let why = NotReached::Unlisted("nobody answers".into());
    assert_eq!(failed, Round::Failed(why));
}

#[test]
fn calls_wait_no_longer_than_the_whole() {
    let (b, at) = barrier();
    assert_eq!(b.slice(at(0)), SLICE);
    assert_eq!(b.slice(at(50)), Duration::ZERO);
}
