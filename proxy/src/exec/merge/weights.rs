//! What the weights of a collation say about values of different lengths; asked of a server once.

use super::value::Pad;
use crate::session::Stop;
use crate::worker::Worker;
use catalog::ShardId;
use std::cell::RefCell;
use std::collections::HashMap;

/// What is known of collations, by their names; `None` if weights do not tell the order.
#[derive(Default)]
pub(crate) struct Pads(RefCell<HashMap<String, Option<Pad>>>);

impl Pads {
    /// How weights of a collation go on.
    pub(super) async fn of(
        &self,
        worker: &Worker,
        shard: ShardId,
        collation: &str,
    ) -> Result<Option<Pad>, Stop> {
        if let Some(known) = self.0.borrow().get(collation) {
            return Ok(known.clone());
        }
        let pad = ask(worker, shard, collation).await?;
        self.0
            .borrow_mut()
            .insert(collation.to_string(), pad.clone());
        Ok(pad)
    }
}

async fn ask(worker: &Worker, shard: ShardId, collation: &str) -> Result<Option<Pad>, Stop> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let charset = collation.split('_').next().unwrap_or_default();
    if charset.is_empty() || !collation.chars().all(plain) {
        return Ok(None);
    }
    let text = |t: &str| format!("CONVERT('{t}' USING {charset}) COLLATE {collation}");
    let weight = |t: &str| format!("HEX(WEIGHT_STRING({}))", text(t));
    let sql = format!(
        "SELECT {}, {}, {}, {} = {}",
        weight("a"),
        weight("a "),
        weight("a  "),
        text("a"),
        text("a ")
    );
    let pool = worker.pool(shard)?;
    let mut lease = pool.lease(Default::default(), &worker.fresh, None).await?;
    let conn = lease.conn()?;
    conn.plan_session(&worker.fresh, None);
    let answer = conn.run(&sql).await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let Some([one, two, three, equal]) = rows.first().map(Vec::as_slice) else {
        return Ok(None);
    };
    Ok(pad(one, two, three, equal == "1"))
}

/// From the weights of 'a', 'a ' and 'a  ', in hex digits, and whether the first two are equal.
fn pad(one: &str, two: &str, three: &str, are_equal: bool) -> Option<Pad> {
    if !are_equal {
        return (!one.is_empty() && two != one).then_some(Pad::None);
    }
    // Several levels of weights stand one behind the other: more text changes the middle.
    let space = two.strip_prefix(one).filter(|s| !s.is_empty())?;
    (three.strip_prefix(two)? == space).then_some(())?;
    let bytes = (0..space.len() / 2).map(|i| u8::from_str_radix(&space[2 * i..2 * i + 2], 16).ok());
    Some(Pad::Spaces(bytes.collect::<Option<Vec<u8>>>()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_one_level_only() {
        let spaces = |b: &[u8]| Some(Pad::Spaces(b.into()));
        assert_eq!(
            pad("0041", "00410020", "004100200020", true),
            spaces(&[0, 0x20])
        );
        assert_eq!(pad("41", "4120", "412020", true), spaces(&[0x20]));
        assert_eq!(pad("000061", "000061000020", "0", false), Some(Pad::None));
        let levels = ("207500200002", "2075020900200020", "20750209020900200020");
        assert_eq!(pad(levels.0, levels.1, levels.2, true), None);
        assert_eq!(pad("41", "41", "41", true), None);
    }
}
