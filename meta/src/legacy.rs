//! Folders of the first version: a snapshot and a log of entries, which are read once and imported.

use catalog::{Catalog, Command, State, TableId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The only version of both files.
const FORMAT: u32 = 1;
const RECORD_HEADER_LEN: usize = 8;

/// A folder that cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("{path} is damaged: {what}. Nothing was imported; restore the file from a backup")]
pub struct Damaged {
    path: PathBuf,
    what: String,
}

#[derive(Deserialize)]
struct Versioned<T> {
    format: u32,
    body: T,
}

#[derive(Deserialize)]
enum Entry {
    Change(Command),
    Lease {
        table: TableId,
        at_least: u64,
        count: u64,
    },
}

#[derive(Deserialize, Default)]
struct Old {
    index: u64,
    catalog: Catalog,
    sequences: BTreeMap<u64, u64>,
}

/// The state in a folder of the first version; `None` if there is none.
pub(crate) fn read(dir: &Path) -> Result<Option<State>, Damaged> {
    let (snapshot, log) = (dir.join("snapshot"), dir.join("log"));
    let mut old = Old::default();
    let mut found = false;
    if let Some(bytes) = bytes_of(&snapshot)? {
        let list = records(&snapshot, &bytes)?;
        let [record] = list[..] else {
            return Err(damaged(
                &snapshot,
                "it is cut short or its checksum is wrong",
            ));
        };
        (old, found) = (decode(&snapshot, record)?, true);
    }
    if let Some(bytes) = bytes_of(&log)? {
        for record in records(&log, &bytes)? {
            let (index, entry): (u64, Entry) = decode(&log, record)?;
            found = true;
            if index > old.index {
                apply(&mut old, index, entry).map_err(|e| damaged(&log, e))?;
            }
        }
    }
    let state = State {
        catalog: old.catalog,
        sequences: old.sequences,
        ..Default::default()
    };
    Ok(found.then_some(state))
}

fn apply(old: &mut Old, index: u64, entry: Entry) -> Result<(), String> {
    if index != old.index + 1 {
        return Err(format!("entry {} is missing", old.index + 1));
    }
    old.index = index;
    match entry {
        Entry::Change(c) => old.catalog = old.catalog.apply(&c).map_err(|e| e.to_string())?,
        Entry::Lease {
            table,
            at_least,
            count,
        } => {
            let next = old.sequences.entry(table.0).or_insert(1);
            *next = (*next).max(at_least).saturating_add(count);
        }
    }
    Ok(())
}

fn damaged(path: &Path, what: impl std::fmt::Display) -> Damaged {
    Damaged {
        path: path.to_path_buf(),
        what: what.to_string(),
    }
}

fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>, Damaged> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(damaged(path, e)),
    }
}

/// Records of a length, a checksum and JSON. The last one may be torn: it was never acknowledged.
fn records<'a>(path: &Path, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, Damaged> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + RECORD_HEADER_LEN) {
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let crc = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let start = at + RECORD_HEADER_LEN;
        match bytes.get(start..start.saturating_add(len)) {
            Some(body) if len > 0 && crc32fast::hash(body) == crc => {
                out.push(body);
                at = start + len;
            }
            Some(_) if start + len < bytes.len() => {
                let what = format!("the record at byte {at} does not match its checksum");
                return Err(damaged(path, what));
            }
            _ => break,
        }
    }
    Ok(out)
}

fn decode<T: DeserializeOwned>(path: &Path, json: &[u8]) -> Result<T, Damaged> {
    let v: Versioned<T> = serde_json::from_slice(json).map_err(|e| damaged(path, e))?;
    match v.format {
        FORMAT => Ok(v.body),
        other => Err(damaged(path, format!("it has format {other}"))),
    }
}
