//! Registered proxies: what a registration brings, and the number that makes session ids unique.
//!
//! A number is given back to the proxy that had it: to one that registers again under the same name and
//! address, and to one that was fenced and lives. Numbers of proxies that have ended are given next. Other
//! numbers are given in turn, so that one comes back only after all others: a proxy that was fenced by
//! mistake still has sessions with ids of its number.

use crate::command::Rejected;
use crate::state::{Answer, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Largest number of a proxy; 0 stands for none.
pub const NUMBER_MAX: u16 = 1_023;

/// How other proxies reach a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerPort {
    /// Host and port.
    pub address: String,
    /// SHA-256 of the certificate that it shows there and shows to others, in hexadecimal digits. The
    /// private key never leaves the proxy's memory.
    pub key: String,
}

/// A proxy process, from its registration until it is fenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incarnation {
    /// Name of the proxy.
    pub name: String,
    /// Where clients reach it.
    pub address: String,
    /// Its version.
    pub version: String,
    /// When it registered, in milliseconds since 1970.
    pub since_ms: u64,
    /// True if it takes no new clients.
    #[serde(default)]
    pub draining: bool,
    /// Where other proxies reach it; versions without a channel between proxies have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerPort>,
    /// Part of its sessions' ids, 1 to [`NUMBER_MAX`]; 0 if they are unique in the proxy alone.
    #[serde(default, skip_serializing_if = "is_none")]
    pub number: u16,
}

/// A proxy asks to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Its name.
    pub name: String,
    /// Where clients reach it.
    pub address: String,
    /// Its version.
    pub version: String,
    /// Where other proxies reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerPort>,
    /// The number that it had before it was fenced; 0 if it had none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub number: u16,
}

/// A proxy ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The incarnation.
    pub incarnation: u64,
    /// Why, for people.
    pub why: String,
    /// It says itself that it has ended: it has no sessions any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_ended: bool,
}

impl Fence {
    /// Ends an incarnation that may be alive.
    pub fn new(incarnation: u64, why: impl Into<String>) -> Self {
        Self {
            incarnation,
            why: why.into(),
            has_ended: false,
        }
    }
}

pub(crate) fn is_none(number: &u16) -> bool {
    *number == 0
}

impl State {
    /// Registers a proxy under a new incarnation. Whoever had this name and address is gone: the new
    /// process has bound the address.
    pub(crate) fn register(&mut self, r: &Registration, at_ms: u64) -> Result<Answer, Rejected> {
        let before = |i: &Incarnation| (&i.name, &i.address) == (&r.name, &r.address);
        let own = self.incarnations.values().find(|i| before(i));
        let own = own.map_or(r.number, |i| i.number);
        self.incarnations.retain(|_, i| !before(i));
        let number = match r.peer {
            Some(_) => self.free_number(own),
            None => 0,
        };
        self.last_incarnation += 1;
        let new = Incarnation {
            name: r.name.clone(),
            address: r.address.clone(),
            version: r.version.clone(),
            since_ms: at_ms,
            draining: false,
            peer: r.peer.clone(),
            number,
        };
        let incarnation = self.last_incarnation;
        self.incarnations.insert(incarnation, new);
        let epoch = self.catalog.epoch;
        Ok(match r.peer {
            None => Answer::Incarnation(incarnation),
            Some(_) => Answer::Registered {
                incarnation,
                number,
                epoch,
            },
        })
    }

    /// Ends an incarnation.
    pub(crate) fn fence(&mut self, f: &Fence) -> Result<(), Rejected> {
        let gone = self.incarnations.remove(&f.incarnation);
        let missing = || Rejected::Missing(format!("incarnation {}", f.incarnation));
        let gone = gone.ok_or_else(missing)?;
        if f.has_ended && gone.number != 0 {
            self.left_numbers.insert(gone.number);
        }
        Ok(())
    }

    /// The wanted number if it is free, else one that was left, else the next in turn; 0 if all are taken.
    fn free_number(&mut self, wanted: u16) -> u16 {
        let taken: BTreeSet<u16> = self.incarnations.values().map(|i| i.number).collect();
        let is_free = |n: &u16| (1..=NUMBER_MAX).contains(n) && !taken.contains(n);
        self.left_numbers.retain(|n| is_free(n));
        let left = self.left_numbers.first().copied();
        if let Some(n) = Some(wanted).filter(is_free).or(left) {
            self.left_numbers.remove(&n);
            return n;
        }
        let last = self.last_number;
        let next = (last.saturating_add(1)..=NUMBER_MAX)
            .chain(1..=last)
            .find(is_free);
        if let Some(n) = next {
            self.last_number = n;
        }
        next.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Change;

    fn registration(name: &str, number: u16) -> Registration {
        Registration {
            name: name.into(),
            address: format!("{name}:3306"),
            version: "1".into(),
            peer: Some(PeerPort {
                address: format!("{name}:1"),
                key: "00".into(),
            }),
            number,
        }
    }

    /// Incarnation and number.
    fn register(s: &mut State, r: &Registration) -> (u64, u16) {
        match s.register(r, 0).unwrap() {
            Answer::Registered {
                incarnation,
                number,
                ..
            } => (incarnation, number),
            Answer::Incarnation(n) => (n, 0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn live_proxies_have_different_numbers_and_a_restart_keeps_its_own() {
        let mut s = State::default();
        assert_eq!(register(&mut s, &registration("a", 0)), (1, 1));
        assert_eq!(register(&mut s, &registration("b", 0)), (2, 2));
        assert_eq!(register(&mut s, &registration("a", 0)), (3, 1));
        // One that was fenced and lives gets its own back, unless somebody has it by now.
        s.incarnations.remove(&2);
        assert_eq!(register(&mut s, &registration("c", 0)), (4, 3));
        assert_eq!(register(&mut s, &registration("b", 2)), (5, 2));
        assert_eq!(register(&mut s, &registration("d", 2)), (6, 4));
    }

    #[test]
    fn the_number_of_a_proxy_that_has_ended_is_given_next() {
        let mut s = State::default();
        for name in ["a", "b", "c"] {
            register(&mut s, &registration(name, 0));
        }
        let end = |incarnation, has_ended| Fence {
            incarnation,
            why: String::new(),
            has_ended,
        };
        s.fence(&end(1, false)).unwrap();
        s.fence(&end(2, true)).unwrap();
        assert!(s.fence(&end(2, true)).is_err());
        assert_eq!(register(&mut s, &registration("d", 0)).1, 2);
        assert_eq!(register(&mut s, &registration("e", 0)).1, 4);
    }

    #[test]
    fn a_number_comes_back_only_after_all_others() {
        let mut s = State::default();
        let mut seen = BTreeSet::new();
        for n in 0..NUMBER_MAX {
            let (incarnation, number) = register(&mut s, &registration(&format!("p{n}"), 0));
            assert!(seen.insert(number), "{number} is given twice");
            s.incarnations.remove(&incarnation);
        }
        assert_eq!(register(&mut s, &registration("again", 0)).1, 1);
    }

    #[test]
    fn without_free_numbers_and_without_a_peer_port_there_is_none() {
        let mut s = State::default();
        for n in 0..NUMBER_MAX {
            register(&mut s, &registration(&format!("p{n}"), 0));
        }
        assert_eq!(register(&mut s, &registration("late", 5)).1, 0);
        let old = Registration {
            peer: None,
            ..registration("old", 7)
        };
        assert_eq!(register(&mut State::default(), &old), (1, 0));
    }

    #[test]
    fn registrations_of_older_versions_are_read_and_written_as_they_were() {
        let old = r#"{"name":"p","address":"a:1","version":"0.1.0"}"#;
        let old = format!(r#"{{"Register":{old}}}"#);
        let change: Change = serde_json::from_str(&old).unwrap();
        assert_eq!(serde_json::to_string(&change).unwrap(), old);
        let Change::Register(r) = change else {
            panic!("{change:?}");
        };
        assert_eq!((r.peer, r.number), (None, 0));
        let kept = r#"{"name":"p","address":"a:1","version":"1","since_ms":7,"draining":false}"#;
        let i: Incarnation = serde_json::from_str(kept).unwrap();
        assert_eq!((i.peer.clone(), i.number), (None, 0));
        assert_eq!(serde_json::to_string(&i).unwrap(), kept);
    }
}
