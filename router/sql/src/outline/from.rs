//! The tables of a FROM clause and the conditions that join them.

use super::{Outline, TokenRange};

/// One table with what joins it to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FromPart {
    /// LEFT JOIN and the like; `None` for the first table of a list item.
    pub join: Option<TokenRange>,
    /// The table with its alias and hints, or what stands in its place.
    pub table: TokenRange,
    /// The condition behind ON.
    pub on: Option<TokenRange>,
}

impl Outline<'_> {
    /// The tables of one item of a FROM list, in order; `None` if its conditions do not follow
    /// their tables one by one.
    pub fn joined(&self, item: TokenRange) -> Option<Vec<FromPart>> {
        let mut parts = vec![FromPart {
            join: None,
            table: item,
            on: None,
        }];
        let mut in_table = true;
        for at in self.top(item) {
            let is_join = self.is_word(at, &["JOIN", "STRAIGHT_JOIN"]);
            let is_on = self.is_word(at, &["ON"]);
            if !is_join && !is_on && !self.is_word(at, &["USING"]) {
                continue;
            }
            let mut begin = at;
            let prefix = [
                "INNER", "CROSS", "LEFT", "RIGHT", "OUTER", "NATURAL", "FULL",
            ];
            while is_join && begin > item.start && self.is_word(begin - 1, &prefix) {
                begin -= 1;
            }
            let last = parts.last_mut()?;
            match (&mut last.on, in_table) {
                (_, true) => last.table.end = begin,
                (Some(on), false) => on.end = begin,
                (None, false) => {}
            }
            if is_join {
                parts.push(FromPart {
                    join: Some(TokenRange::new(begin, at + 1)),
                    table: TokenRange::new(at + 1, item.end),
                    on: None,
                });
            } else if !in_table || last.join.is_none() {
                return None;
            } else if is_on {
                last.on = Some(TokenRange::new(at + 1, item.end));
            }
            in_table = is_join;
        }
        Some(parts)
    }
}
