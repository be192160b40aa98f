//! Changes to a statement's text at byte positions.

use crate::lexer::Token;
use crate::outline::TokenRange;
use std::borrow::Cow;
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

/// The text of some tokens, to be put into another statement. It is a piece of the client's text, but where a
/// comment for certain versions begins or ends in it: there one space stands between tokens.
pub fn excerpt<'t>(text: &'t [u8], tokens: &[Token], range: TokenRange) -> Cow<'t, [u8]> {
    let list = tokens
        .get(range.start as usize..range.end as usize)
        .unwrap_or_default();
    let gap = |pair: &[Token]| {
        text.get(pair[0].end as usize..pair[1].start as usize)
            .unwrap_or_default()
    };
    if !list.windows(2).any(|p| has_version_mark(gap(p))) {
        return Cow::Borrowed(text.get(range.bytes(tokens)).unwrap_or_default());
    }
    let mut out = Vec::new();
    for (i, t) in list.iter().enumerate() {
        if i > 0 && list[i - 1].end != t.start {
            out.push(b' ');
        }
        out.extend_from_slice(text.get(t.range()).unwrap_or_default());
    }
    Cow::Owned(out)
}

/// True if `/*!50100` or its end stands between two tokens.
fn has_version_mark(gap: &[u8]) -> bool {
    let mut i = 0;
    while i + 1 < gap.len() {
        match (gap[i], gap[i + 1]) {
            (b'*', b'/') => return true,
            (b'/', b'*') if matches!(gap.get(i + 2), Some(b'!' | b'M')) => return true,
            (b'/', b'*') => {
                let end = gap[i + 2..].windows(2).position(|w| w == b"*/");
                i += end.map_or(gap.len(), |e| e + 4);
            }
            (b'#', _) | (b'-', b'-') => {
                let end = gap[i..].iter().position(|b| *b == b'\n');
                i += end.map_or(gap.len(), |e| e + 1);
            }
            _ => i += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, LexMode, Lexed};

    #[test]
    fn excerpts_have_no_half_comments() {
        let cut = |sql: &str, first: u32, last: u32| {
            let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
            let range = TokenRange::new(first, last);
            String::from_utf8(excerpt(sql.as_bytes(), &l.tokens, range).into_owned()).unwrap()
        };
        assert_eq!(
            cut("a  + /* /*! x */ b # */\n+c", 0, 5),
            "a  + /* /*! x */ b # */\n+c"
        );
        assert_eq!(cut("a /*!50000 + b*/ + c", 0, 3), "a + b");
        assert_eq!(cut("a /*! + b*/ +c", 2, 5), "b +c");
        assert_eq!(cut("a /*M!100100 + */ b", 0, 9), "");
        assert_eq!(cut("f ( a ) -- x\n /*!, b */", 0, 4), "f ( a )");
    }

    #[test]
    fn changes_apply_in_order_of_place() {
        let mut s = Splices::default();
        s.replace(4..5, "B");
        s.replace(0..1, "xx");
        s.replace(7..7, "!");
        assert_eq!(s.apply(b"a = b;."), b"xx = B;.!");
    }
}
