//! Rows that leave in another order than they come.

use super::value::{Reader, Value};
use std::cmp::Ordering;

/// Bytes of rows that are sorted in memory; more are sorted by a server.
const SORT_BYTES_MAX: usize = 16 << 20;
/// About what a row takes besides its bytes.
const ROW_OVERHEAD: usize = 128;

/// Rows that leave in another order than they come.
pub(super) struct Sorted {
    readers: Vec<Reader>,
    rows: Vec<(Vec<Value>, Vec<u8>)>,
    bytes: usize,
    /// Rows behind these are not wanted.
    keep: Option<usize>,
}

impl Sorted {
    /// Rows behind the first `keep` are not wanted.
    pub(super) fn new(readers: Vec<Reader>, keep: Option<u64>) -> Self {
        Self {
            readers,
            rows: Vec::new(),
            bytes: 0,
            keep: keep.and_then(|k| usize::try_from(k).ok()),
        }
    }

    /// Takes a row; false if there are too many.
    pub(super) fn add(&mut self, keys: Vec<Value>, row: Vec<u8>) -> bool {
        self.bytes += size(&keys, &row);
        self.rows.push((keys, row));
        if let Some(keep) = self.keep
            && self.rows.len() >= keep.saturating_mul(2).max(1024)
        {
            self.sort();
            self.rows.truncate(keep);
            self.bytes = self.rows.iter().map(|(k, r)| size(k, r)).sum();
        }
        self.bytes <= SORT_BYTES_MAX
    }

    fn sort(&mut self) {
        let readers = &self.readers;
        self.rows.sort_by(|(a, _), (b, _)| compare(readers, a, b));
    }

    /// The rows in their order.
    pub(super) fn finish(mut self) -> impl Iterator<Item = Vec<u8>> {
        self.sort();
        self.rows.into_iter().map(|(_, row)| row)
    }
}

fn size(keys: &[Value], row: &[u8]) -> usize {
    let of = |v: &Value| match v {
        Value::Bytes(b) => b.len(),
        _ => 0,
    };
    ROW_OVERHEAD + row.len() + keys.iter().map(|k| 40 + of(k)).sum::<usize>()
}

/// Compares rows by their keys.
pub(super) fn compare(readers: &[Reader], a: &[Value], b: &[Value]) -> Ordering {
    let each = readers.iter().zip(a.iter().zip(b));
    let mut each = each.map(|(reader, (a, b))| reader.compare(a, b));
    each.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}
