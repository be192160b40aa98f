//! Changes to a statement's text at byte positions.

use std::ops::Range;

/// Replacements, gathered in any order and applied in one pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Splices(Vec<(Range<usize>, Vec<u8>)>);

impl Splices {
    /// Replaces `range` by `with`; an empty range inserts.
    pub fn replace(&mut self, range: Range<usize>, with: impl Into<Vec<u8>>) {
        self.0.push((range, with.into()));
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changed text. Ranges must not overlap; one that does is left out by debug assertion.
    pub fn apply(mut self, text: &[u8]) -> Vec<u8> {
        self.0.sort_by_key(|(r, _)| r.start);
        let mut out = Vec::with_capacity(text.len() + 64);
        let mut at = 0;
        for (range, with) in self.0 {
            debug_assert!(
                range.start >= at && range.end <= text.len(),
                "splices overlap"
            );
            out.extend_from_slice(text.get(at..range.start).unwrap_or_default());
            out.extend_from_slice(&with);
            at = range.end;
        }
        out.extend_from_slice(text.get(at..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_apply_in_order_of_place() {
        let mut s = Splices::default();
        s.replace(4..5, "B");
        s.replace(0..1, "xx");
        s.replace(7..7, "!");
        assert_eq!(s.apply(b"a = b;."), b"xx = B;.!");
    }
}
