//! The tables of a FROM clause and the conditions that join them.

use super::{Outline, TokenRange};

/// What one item of a FROM list has outside of parentheses. `a JOIN b JOIN c ON x ON y` joins b and c first:
/// which condition belongs to which tables, the parser knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FromParts {
    /// Its tables with aliases and hints, or what stands in their places, in the order of the text.
    pub tables: Vec<TokenRange>,
    /// The conditions behind ON, in the order of the text.
    pub conditions: Vec<TokenRange>,
}

/// Words that may stand before JOIN.
const PREFIXES: [&str; 7] = [
    "INNER", "CROSS", "LEFT", "RIGHT", "OUTER", "NATURAL", "FULL",
];

impl Outline<'_> {
    /// The parts of one item of a FROM list.
    pub fn joined(&self, item: TokenRange) -> FromParts {
        let mut out = FromParts::default();
        // The part that is read: a table, a condition, or the columns of USING.
        let (mut start, mut in_table, mut in_condition) = (item.start, true, false);
        for at in self.top(item) {
            let is_join = self.is_word(at, &["JOIN", "STRAIGHT_JOIN"]);
            let is_on = self.is_word(at, &["ON"]);
            if !is_join && !is_on && !self.is_word(at, &["USING"]) {
                continue;
            }
            let mut end = at;
            while is_join && end > start && self.is_word(end - 1, &PREFIXES) {
                end -= 1;
            }
            out.put(TokenRange::new(start, end), in_table, in_condition);
            (start, in_table, in_condition) = (at + 1, is_join, is_on);
        }
        out.put(TokenRange::new(start, item.end), in_table, in_condition);
        out
    }
}

impl FromParts {
    fn put(&mut self, range: TokenRange, in_table: bool, in_condition: bool) {
        if in_table {
            self.tables.push(range);
        } else if in_condition {
            self.conditions.push(range);
        }
    }
}
