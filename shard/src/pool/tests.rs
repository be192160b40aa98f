//! Who gets a slot, and when.

use super::*;

fn slots(connections_max: usize, pipelines_reserved: usize, pipelines_max: usize) -> Slots {
    let limits = PoolLimits {
        connections_max,
        pipelines_reserved,
        pipelines_max,
        waiters_max: 10,
        wait: Duration::from_secs(1),
        slow_client: Duration::from_secs(1),
        prepared_max: 1,
        idle: Duration::from_secs(1),
    };
    Slots::new(&limits.checked())
}

fn profile() -> Profile {
    Profile {
        class: ConnClass::default(),
        settings: Rc::default(),
        database: None,
    }
}

fn takes(slots: &mut Slots, purpose: Purpose) -> bool {
    slots.take_at_once(purpose, &profile()).is_some()
}

fn waits(slots: &mut Slots, purpose: Purpose) -> oneshot::Receiver<Lease> {
    let (sender, receiver) = oneshot::channel();
    let profile = profile();
    slots.enqueue(purpose, Waiter { sender, profile });
    receiver
}

#[test]
fn leases_leave_the_slots_of_pipelines() {
    let mut s = slots(4, 1, 2);
    let leases = (0..10)
        .filter(|_| takes(&mut s, Purpose::Exclusive))
        .count();
    assert_eq!(leases, 3);
    assert!(takes(&mut s, Purpose::Pipeline));
    assert!(!takes(&mut s, Purpose::Pipeline), "the pool is full");
    // The slot of a pipeline that ended is the next pipeline's, not a lease's.
    let _lease = waits(&mut s, Purpose::Exclusive);
    s.give_back(Purpose::Pipeline, None);
    assert!(s.next_served().is_none());
    assert!(takes(&mut s, Purpose::Pipeline));
}

#[test]
fn a_waiting_pipeline_goes_first() {
    let mut s = slots(4, 1, 2);
    (0..3).for_each(|_| assert!(takes(&mut s, Purpose::Exclusive)));
    assert!(takes(&mut s, Purpose::Pipeline));
    let _lease = waits(&mut s, Purpose::Exclusive);
    let _pipe = waits(&mut s, Purpose::Pipeline);
    assert!(s.next_served().is_none());
    s.give_back(Purpose::Exclusive, None);
    let (_, purpose, _) = s.next_served().unwrap();
    assert_eq!(purpose, Purpose::Pipeline);
    assert!(s.next_served().is_none());
    s.give_back(Purpose::Exclusive, None);
    let (_, purpose, _) = s.next_served().unwrap();
    assert_eq!(purpose, Purpose::Exclusive);
}

#[test]
fn pipelines_leave_room_for_leases() {
    let mut s = slots(4, 1, 2);
    let pipes = (0..10).filter(|_| takes(&mut s, Purpose::Pipeline)).count();
    assert_eq!(pipes, 2);
    let leases = (0..10)
        .filter(|_| takes(&mut s, Purpose::Exclusive))
        .count();
    assert_eq!(leases, 2);
    for max in 1..4 {
        let mut s = slots(max, 5, 9);
        assert!(takes(&mut s, Purpose::Exclusive), "of {max}");
    }
}

#[test]
fn who_left_is_passed_over_and_nobody_overtakes() {
    let mut s = slots(1, 0, 0);
    assert!(takes(&mut s, Purpose::Exclusive));
    drop(waits(&mut s, Purpose::Exclusive));
    let mut second = waits(&mut s, Purpose::Exclusive);
    s.give_back(Purpose::Exclusive, None);
    assert!(!takes(&mut s, Purpose::Exclusive), "somebody waits");
    let (sender, ..) = s.next_served().unwrap();
    drop(sender);
    assert!(second.try_recv().is_err());
    assert_eq!((s.counts().leased, s.counts().waiting), (1, 0));
}

#[test]
fn a_pipeline_that_one_session_keeps_makes_room_for_another() {
    let mut s = slots(4, 1, 1);
    assert!(takes(&mut s, Purpose::Pipeline));
    let _pipe = waits(&mut s, Purpose::Pipeline);
    assert!(s.next_served().is_none());
    s.pipeline_is_lease();
    assert!(s.next_served().is_some());
    let counts = s.counts();
    assert_eq!((counts.leased, counts.pipelines), (1, 1));
}
