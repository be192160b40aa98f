//! Hash slots: CRC32 of the key's canonical text, modulo 16384.
//!
//! CRC-32/ISO-HDLC is what the server's CRC32() computes, so a shard can tell the slot of a row:
//! `CRC32(col) % 16384`.

/// Slots of every hash table.
pub const SLOTS: u16 = 16_384;

/// The slot of a canonical text.
pub fn slot_of(canonical: &[u8]) -> u16 {
    (crc32fast::hash(canonical) % u32::from(SLOTS)) as u16
}

/// Splits the slots evenly: the exclusive upper slot of each of `n` partitions.
pub fn even_uppers(n: usize) -> Vec<u16> {
    (1..=n)
        .map(|i| (usize::from(SLOTS) * i / n) as u16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_the_servers_crc32() {
        // SELECT CRC32('42') % 16384, CRC32('MariaDB') % 16384 on MariaDB 10.11.
        assert_eq!(crc32fast::hash(b"MariaDB"), 4_227_209_140);
        assert_eq!(slot_of(b"42"), (841_265_288u32 % 16_384) as u16);
        assert_eq!(even_uppers(3), [5461, 10_922, 16_384]);
    }
}
