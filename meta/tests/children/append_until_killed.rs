//! A process that writes to a disk and says what it was acknowledged, until somebody kills it.
//! `storage.rs` does. Arguments: the engine, and the folder.

use meta::disk::{Disk, Durable, RedbDisk};
use std::path::Path;
use std::sync::Arc;

type Failed = Box<dyn std::error::Error>;

fn open(engine: &str, dir: &Path) -> Result<Arc<dyn Disk>, Failed> {
    match engine {
        "redb" => Ok(Arc::new(RedbDisk::open(&dir.join("meta.redb"))?)),
        #[cfg(feature = "sled")]
        "sled" => Ok(Arc::new(meta::disk::SledDisk::open(&dir.join("sled"))?)),
        other => Err(format!("there is no engine {other}").into()),
    }
}

fn main() -> Result<(), Failed> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [engine, dir] = &args[..] else {
        return Err("give an engine and a folder".into());
    };
    let disk = open(engine, Path::new(dir))?;
    let first = disk.last()?.map_or(0, |(n, _)| n + 1);
    for n in first.. {
        disk.append(&[(n, format!("entry {n}").into_bytes())])?;
        disk.put("vote", n.to_string().as_bytes(), Durable::Now)?;
        println!("acknowledged {n}");
    }
    Ok(())
}
