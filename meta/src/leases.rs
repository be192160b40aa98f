//! When each proxy was last heard of. Kept in the leader's memory alone: a new leader gives everybody a
//! whole lease, so that no clock is compared with another.

use catalog::state::Incarnation;
use meta_client::ProxyView;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
struct Heard {
    at: Instant,
    epoch: Option<u64>,
}

/// The leases of a leader.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    heard: BTreeMap<u64, Heard>,
}

impl Leases {
    /// A proxy has renewed.
    pub(crate) fn renew(&mut self, incarnation: u64, epoch: u64, now: Instant) {
        // A proxy that has just started has not reached any.
        let epoch = Some(epoch).filter(|e| *e > 0);
        self.heard.insert(incarnation, Heard { at: now, epoch });
    }

    /// This node leads no more: what it knows will be old.
    pub(crate) fn forget(&mut self) {
        self.heard.clear();
    }

    /// Takes the registered incarnations over, and names those that were silent for too long.
    pub(crate) fn overdue(
        &mut self,
        registered: &BTreeMap<u64, Incarnation>,
        now: Instant,
        silence: Duration,
    ) -> Vec<u64> {
        self.heard.retain(|i, _| registered.contains_key(i));
        let new = Heard {
            at: now,
            epoch: None,
        };
        for i in registered.keys() {
            self.heard.entry(*i).or_insert(new);
        }
        let late = |h: &Heard| now.saturating_duration_since(h.at) > silence;
        self.heard
            .iter()
            .filter(|(_, h)| late(h))
            .map(|(i, _)| *i)
            .collect()
    }

    /// The registered proxies with what is known of each.
    pub(crate) fn view(
        &self,
        registered: &BTreeMap<u64, Incarnation>,
        now: Instant,
    ) -> Vec<ProxyView> {
        let view = |(id, i): (&u64, &Incarnation)| {
            let heard = self.heard.get(id);
            let silent = |h: &Heard| now.saturating_duration_since(h.at).as_millis() as u64;
            ProxyView {
                incarnation: *id,
                name: i.name.clone(),
                address: i.address.clone(),
                version: i.version.clone(),
                since_ms: i.since_ms,
                epoch: heard.and_then(|h| h.epoch),
                silent_ms: heard.map(silent),
                draining: i.draining,
                peer: i.peer.clone(),
                number: i.number,
            }
        };
        registered.iter().map(view).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_leader_gives_everybody_a_whole_lease() {
        let one = Incarnation {
            name: "p".into(),
            address: "a".into(),
            version: "1".into(),
            since_ms: 0,
            draining: false,
            peer: None,
            number: 0,
        };
        let registered = BTreeMap::from([(1, one.clone()), (2, one)]);
        let (start, limit) = (Instant::now(), Duration::from_secs(30));
        let at = |s| start + Duration::from_secs(s);
        let mut l = Leases::default();
        assert!(l.overdue(&registered, at(0), limit).is_empty());
        l.renew(1, 5, at(20));
        assert!(l.overdue(&registered, at(30), limit).is_empty());
        assert_eq!(l.overdue(&registered, at(31), limit), [2]);
        l.forget();
        assert!(l.overdue(&registered, at(100), limit).is_empty());
        assert_eq!(l.overdue(&registered, at(131), limit), [1, 2]);
        let seen = l.view(&registered, at(131));
        assert_eq!((seen[0].epoch, seen[0].silent_ms), (None, Some(31_000)));
    }
}
