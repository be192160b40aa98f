//! A disk in memory that forgets what was not synced when its power is cut.

use meta::disk::{Disk, DiskError, DiskResult, Durable};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

#[derive(Debug, Default, Clone)]
struct Data {
    log: BTreeMap<u64, Vec<u8>>,
    blobs: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, Default)]
struct Platter {
    safe: Data,
    now: Data,
    /// Rises with each power cut: who wrote before it writes no more.
    power: u64,
}

/// A node's disk; it outlives the node.
#[derive(Debug, Default, Clone)]
pub struct Medium(Arc<Mutex<Platter>>);

impl Medium {
    /// The disk as a node that starts now has it.
    pub fn plug_in(&self) -> SimDisk {
        let power = self.0.lock().unwrap().power;
        SimDisk {
            medium: self.clone(),
            power,
        }
    }

    /// Whatever was not synced is gone, and whoever still writes writes nowhere.
    pub fn cut_power(&self) {
        let mut p = self.0.lock().unwrap();
        p.power += 1;
        p.now = p.safe.clone();
    }
}

/// A disk as one run of a node has it.
pub struct SimDisk {
    medium: Medium,
    power: u64,
}

impl SimDisk {
    fn with<T>(&self, durable: Durable, f: impl FnOnce(&mut Data) -> T) -> DiskResult<T> {
        let mut p = self.medium.0.lock().unwrap();
        if p.power != self.power {
            return Err(DiskError::new(Path::new("sim"), "the power is off"));
        }
        let out = f(&mut p.now);
        if durable == Durable::Now {
            p.safe = p.now.clone();
        }
        Ok(out)
    }
}

impl Disk for SimDisk {
    fn append(&self, entries: &[(u64, Vec<u8>)]) -> DiskResult<()> {
        self.with(Durable::Now, |d| d.log.extend(entries.iter().cloned()))
    }

    fn read(&self, from: u64, to: u64) -> DiskResult<Vec<(u64, Vec<u8>)>> {
        let range = |d: &mut Data| {
            d.log
                .range(from..to)
                .map(|(n, e)| (*n, e.clone()))
                .collect()
        };
        self.with(Durable::Later, range)
    }

    fn last(&self) -> DiskResult<Option<(u64, Vec<u8>)>> {
        let last = |d: &mut Data| d.log.last_key_value().map(|(n, e)| (*n, e.clone()));
        self.with(Durable::Later, last)
    }

    fn truncate(&self, from: u64) -> DiskResult<()> {
        self.with(Durable::Now, |d| drop(d.log.split_off(&from)))
    }

    fn purge(&self, through: u64, name: &str, blob: &[u8]) -> DiskResult<()> {
        self.with(Durable::Now, |d| {
            d.log = d.log.split_off(&(through + 1));
            d.blobs.insert(name.to_string(), blob.to_vec());
        })
    }

    fn put(&self, name: &str, blob: &[u8], durable: Durable) -> DiskResult<()> {
        self.with(durable, |d| {
            d.blobs.insert(name.to_string(), blob.to_vec());
        })
    }

    fn get(&self, name: &str) -> DiskResult<Option<Vec<u8>>> {
        self.with(Durable::Later, |d| d.blobs.get(name).cloned())
    }
}
