//! The last catalog that a proxy saw, in a file, so that it can start while the service is down.

use catalog::Catalog;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Marks the file; the digit is the version of its encoding.
const MAGIC: &[u8; 8] = b"SWCACHE1";

/// Why there is no cached catalog.
#[derive(Debug, thiserror::Error)]
pub enum NoCache {
    /// The file cannot be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file does not match its checksum.
    #[error("it is damaged: {0}; delete it once the metadata service can be reached")]
    Damaged(String),
}

/// Reads the catalog of a file that [`write()`] made.
pub fn read(path: &Path) -> Result<Catalog, NoCache> {
    let bytes = std::fs::read(path)?;
    let damaged = |why: &str| NoCache::Damaged(why.to_string());
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| damaged("not such a file"))?;
    let (crc, json) = rest
        .split_at_checked(4)
        .ok_or_else(|| damaged("too short"))?;
    if crc != crc32fast::hash(json).to_le_bytes() {
        return Err(damaged("wrong checksum"));
    }
    serde_json::from_slice(json).map_err(|e| NoCache::Damaged(e.to_string()))
}

/// Replaces the file by the catalog; at no moment is there half a file.
pub fn write(path: &Path, catalog: &Catalog) -> Result<(), NoCache> {
    let json = serde_json::to_vec(catalog).map_err(std::io::Error::other)?;
    let tmp = path.with_extension("new");
    let mut file = File::create(&tmp)?;
    file.write_all(MAGIC)?;
    file.write_all(&crc32fast::hash(&json).to_le_bytes())?;
    file.write_all(&json)?;
    file.sync_all()?;
    std::fs::rename(&tmp, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_is_seen() {
        let path = std::env::temp_dir().join(format!("shardwright-cache-{}", std::process::id()));
        let catalog = Catalog {
            epoch: 7,
            ..Default::default()
        };
        write(&path, &catalog).unwrap();
        assert_eq!(read(&path).unwrap(), catalog);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 4;
            std::fs::write(&path, &bad).unwrap();
            assert!(matches!(read(&path), Err(NoCache::Damaged(_))), "byte {at}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
