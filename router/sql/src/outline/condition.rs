//! A condition cut at the ANDs that join its parts.

use super::{Outline, TokenRange};
use crate::lexer::Op;

impl Outline<'_> {
    /// The parts that AND joins outside of parentheses; the whole if something that binds less joins them.
    pub fn conjuncts(&self, range: TokenRange) -> Vec<TokenRange> {
        let (mut out, mut start) = (Vec::new(), range.start);
        // a BETWEEN b AND c, CASE WHEN a AND b THEN c END
        let (mut between, mut cases) = (0u32, 0u32);
        for at in self.top(range) {
            if self.is_word(at, &["CASE"]) {
                cases += 1;
            } else if self.is_word(at, &["END"]) {
                cases = cases.saturating_sub(1);
            } else if cases > 0 {
                continue;
            } else if self.is_word(at, &["BETWEEN"]) {
                between += 1;
            } else if self.is_word(at, &["OR", "XOR"])
                || self.is_op(at, Op::OrOr)
                || self.is_op(at, Op::Assign)
            {
                return vec![range];
            } else if self.is_op(at, Op::AndAnd) || self.is_word(at, &["AND"]) {
                if between > 0 && !self.is_op(at, Op::AndAnd) {
                    between -= 1;
                    continue;
                }
                out.push(TokenRange::new(start, at));
                start = at + 1;
            }
        }
        out.push(TokenRange::new(start, range.end));
        out
    }
}
