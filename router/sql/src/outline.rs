//! Where the clauses of a query stand, as ranges of tokens.
//!
//! The parser's tree says what a statement means, its spans do not say where a part begins and ends
//! (they leave out keywords and parentheses). Outside of parentheses the reserved words of a query can
//! be nothing else than its clauses, so tokens and parentheses are enough to find them. Whoever puts
//! both together checks that they agree, and takes no text from a statement where they do not.

mod condition;
mod from;
mod select;

pub use from::FromParts;
pub use select::{Clause, SelectClauses, TailClauses};

use crate::lexer::{Op, Token, TokenKind};

/// Tokens from one index to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenRange {
    /// Index of the first.
    pub start: u32,
    /// Index behind the last.
    pub end: u32,
}

impl TokenRange {
    /// From `start` to before `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// True if it holds none.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// The bytes of the statement's text from its first token to its last; an empty range if it has none.
    pub fn bytes(self, tokens: &[Token]) -> std::ops::Range<usize> {
        let first = tokens.get(self.start as usize).map_or(0, |t| t.start);
        let last = (self.end as usize)
            .checked_sub(1)
            .and_then(|i| tokens.get(i));
        let end = last.map_or(first, |t| t.end).max(first);
        first as usize..end as usize
    }
}

/// A statement's tokens with its parentheses matched.
#[derive(Debug)]
pub struct Outline<'a> {
    text: &'a [u8],
    tokens: &'a [Token],
    /// For each parenthesis the index of its partner; 0 for all other tokens.
    partner: Vec<u32>,
}

impl<'a> Outline<'a> {
    /// Matches the parentheses; `None` if one has no partner.
    pub fn new(text: &'a [u8], tokens: &'a [Token]) -> Option<Self> {
        let mut partner = vec![0; tokens.len()];
        let mut open = Vec::new();
        for (i, t) in tokens.iter().enumerate() {
            match t.kind {
                TokenKind::Op(Op::LParen) => open.push(i),
                TokenKind::Op(Op::RParen) => {
                    let first: usize = open.pop()?;
                    partner[first] = u32::try_from(i).ok()?;
                    partner[i] = first as u32;
                }
                _ => {}
            }
        }
        open.is_empty().then_some(Self {
            text,
            tokens,
            partner,
        })
    }

    /// All tokens without semicolons at the end.
    pub fn whole(&self) -> TokenRange {
        let is_end = |t: &Token| t.kind != TokenKind::Op(Op::Semicolon);
        let end = self.tokens.iter().rposition(is_end).map_or(0, |i| i + 1);
        TokenRange::new(0, end as u32)
    }

    /// What stands in the parentheses that open at `open`; `None` if none do.
    pub fn inside(&self, open: u32) -> Option<TokenRange> {
        match self.partner.get(open as usize) {
            Some(&close) if close > open => Some(TokenRange::new(open + 1, close)),
            _ => None,
        }
    }

    /// What stands in the parentheses that close at `close`; `None` if none do.
    pub fn closed_by(&self, close: u32) -> Option<TokenRange> {
        match self.is_op(close, Op::RParen) {
            true => self.inside(*self.partner.get(close as usize)?),
            false => None,
        }
    }

    /// What stands in parentheses if the range is nothing else than these.
    pub fn unwrapped(&self, range: TokenRange) -> Option<TokenRange> {
        self.inside(range.start).filter(|r| r.end + 1 == range.end)
    }

    /// The token at an index.
    pub fn token(&self, at: u32) -> Option<Token> {
        self.tokens.get(at as usize).copied()
    }

    /// True if the token is this operator.
    pub fn is_op(&self, at: u32, op: Op) -> bool {
        self.token(at).is_some_and(|t| t.kind == TokenKind::Op(op))
    }

    /// True if the token is one of these words, without quotes and not behind a dot (where it is a name).
    pub fn is_word(&self, at: u32, words: &[&str]) -> bool {
        let behind_dot = at > 0 && self.is_op(at - 1, Op::Dot);
        self.token(at).is_some_and(|t| {
            let raw = &self.text[t.range()];
            t.kind == TokenKind::Word
                && !behind_dot
                && words.iter().any(|w| raw.eq_ignore_ascii_case(w.as_bytes()))
        })
    }

    /// The parts of a range between the commas that stand outside of parentheses.
    pub fn list(&self, range: TokenRange) -> Vec<TokenRange> {
        let commas = self.top(range).filter(|i| self.is_op(*i, Op::Comma));
        let mut start = range.start;
        let mut out = Vec::new();
        for comma in commas {
            out.push(TokenRange::new(start, comma));
            start = comma + 1;
        }
        out.push(TokenRange::new(start, range.end));
        out
    }

    /// Indices of the tokens of a range outside of parentheses; of these only the opening one.
    fn top(&self, range: TokenRange) -> impl Iterator<Item = u32> {
        let mut next = range.start;
        std::iter::from_fn(move || {
            let at = next;
            if at >= range.end {
                return None;
            }
            next = self.partner[at as usize].max(at) + 1;
            Some(at)
        })
    }
}

#[cfg(test)]
mod tests;
