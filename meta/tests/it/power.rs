//! A power cut: whatever was written and not synced may be there, in part or not at all.

use meta::disk::{Disk, Durable, RedbDisk};
use redb::StorageBackend;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Bytes that survive, and writes since the last sync.
#[derive(Debug, Default)]
struct Medium {
    safe: Vec<u8>,
    now: Vec<u8>,
    unsynced: Vec<(u64, Vec<u8>)>,
}

/// A file on a medium that several opens share.
#[derive(Debug, Clone, Default)]
struct File(Arc<Mutex<Medium>>);

impl StorageBackend for File {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let m = self.0.lock().unwrap();
        let at = offset as usize;
        let from = m.now.get(at..at + out.len());
        out.copy_from_slice(from.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        // A file system journals lengths: they survive, as zeros.
        let mut m = self.0.lock().unwrap();
        m.now.resize(len as usize, 0);
        m.safe.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> std::io::Result<()> {
        let mut m = self.0.lock().unwrap();
        m.safe = m.now.clone();
        m.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        let mut m = self.0.lock().unwrap();
        let at = offset as usize;
        m.now[at..at + data.len()].copy_from_slice(data);
        m.unsynced.push((offset, data.to_vec()));
        Ok(())
    }

    fn try_lock_range(
        &self,
        _: std::ops::Bound<u64>,
        _: std::ops::Bound<u64>,
    ) -> Result<bool, redb::BackendError> {
        Ok(true)
    }

    fn unlock_range(
        &self,
        _: std::ops::Bound<u64>,
        _: std::ops::Bound<u64>,
    ) -> Result<(), redb::BackendError> {
        Ok(())
    }
}

impl File {
    /// The medium after a cut: of each unsynced 512-byte sector, chance says whether it arrived.
    fn cut(&self, seed: &mut u64) -> File {
        let m = self.0.lock().unwrap();
        let mut bytes = m.safe.clone();
        for (offset, data) in &m.unsynced {
            for (i, sector) in data.chunks(512).enumerate() {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = *offset as usize + i * 512;
                if *seed >> 63 == 1 && at + sector.len() <= bytes.len() {
                    bytes[at..at + sector.len()].copy_from_slice(sector);
                }
            }
        }
        let medium = Medium {
            now: bytes.clone(),
            safe: bytes,
            unsynced: Vec::new(),
        };
        File(Arc::new(Mutex::new(medium)))
    }

    fn open(&self) -> RedbDisk {
        let db = redb::Builder::new()
            .create_with_backend(self.clone())
            .unwrap();
        RedbDisk::over(db, Path::new("the medium")).unwrap()
    }
}

/// What must be there, by the calls that returned.
#[derive(Debug, Clone, Default)]
struct Model {
    log: BTreeMap<u64, Vec<u8>>,
    vote: Option<Vec<u8>>,
}

impl Model {
    fn check(&self, disk: &RedbDisk, what: &str) {
        let log: BTreeMap<_, _> = disk.read(0, u64::MAX).unwrap().into_iter().collect();
        assert_eq!(log, self.log, "{what}");
        assert_eq!(disk.get("vote").unwrap(), self.vote, "{what}");
    }
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_that_was_acknowledged() {
    let mut seed: u64 = 20_261_121;
    for round in 0..40u64 {
        let mut file = File::default();
        let mut disk = file.open();
        let mut model = Model::default();
        let mut next = 0;
        for step in 0..30u64 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            match seed >> 61 {
                0 if next > 0 => {
                    let from = next - 1;
                    disk.truncate(from).unwrap();
                    model.log.retain(|n, _| *n < from);
                    next = from;
                }
                1 if next > 2 => {
                    disk.purge(next / 2, "vote", b"purged").unwrap();
                    model.log.retain(|n, _| *n > next / 2);
                    model.vote = Some(b"purged".to_vec());
                }
                2 => {
                    // Without a promise: it may be there or not, and nothing else may suffer.
                    disk.put("committed", &seed.to_le_bytes(), Durable::Later)
                        .unwrap();
                }
                3 => {
                    let vote = format!("vote {round} {step}").into_bytes();
                    disk.put("vote", &vote, Durable::Now).unwrap();
                    model.vote = Some(vote);
                }
                _ => {
                    let bytes = vec![seed as u8; (seed >> 50) as usize % 3000];
                    disk.append(&[(next, bytes.clone())]).unwrap();
                    model.log.insert(next, bytes);
                    next += 1;
                }
            }
            if seed >> 33 & 3 == 0 {
                let after = file.cut(&mut seed);
                drop(disk);
                file = after;
                disk = file.open();
                model.check(&disk, &format!("round {round}, step {step}"));
            }
        }
        model.check(&disk, &format!("round {round}"));
    }
}
