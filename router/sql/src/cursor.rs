//! A cursor over tokens for our own small parsers.

use crate::ident::{ObjectName, name_of};
use crate::lexer::{Op, Token, TokenKind};
use crate::literal::string_of;
use crate::mode::LexMode;

/// Reads tokens from the front; nothing is consumed unless a method says so.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    /// The statement's text.
    pub text: &'a [u8],
    tokens: &'a [Token],
    /// Index of the next token.
    pub index: usize,
    /// How strings are read.
    pub mode: LexMode,
}

impl<'a> Cursor<'a> {
    /// A cursor at the first token.
    pub fn new(text: &'a [u8], tokens: &'a [Token], mode: LexMode) -> Self {
        Self {
            text,
            tokens,
            index: 0,
            mode,
        }
    }

    /// A cursor over the same tokens at another index.
    pub fn at(&self, index: usize) -> Self {
        Self { index, ..*self }
    }

    /// The next token.
    pub fn peek(&self) -> Option<Token> {
        self.tokens.get(self.index).copied()
    }

    /// The token `n` places on.
    pub fn peek_at(&self, n: usize) -> Option<Token> {
        self.tokens.get(self.index + n).copied()
    }

    /// Takes the next token.
    #[allow(clippy::should_implement_trait)] // it is Copy and never iterated over
    pub fn next(&mut self) -> Option<Token> {
        let t = self.peek()?;
        self.index += 1;
        Some(t)
    }

    /// True at the end, or at a last semicolon.
    pub fn at_end(&self) -> bool {
        self.tokens[self.index.min(self.tokens.len())..]
            .iter()
            .all(|t| t.kind == TokenKind::Op(Op::Semicolon))
    }

    /// Byte position of the next token, or the end of the text.
    pub fn position(&self) -> usize {
        self.peek().map_or(self.text.len(), |t| t.start as usize)
    }

    /// Byte position behind the last token taken.
    pub fn end_of_last(&self) -> usize {
        match self.index.checked_sub(1).and_then(|i| self.tokens.get(i)) {
            Some(t) => t.end as usize,
            None => 0,
        }
    }

    /// The bytes of a token.
    pub fn bytes(&self, t: Token) -> &'a [u8] {
        &self.text[t.range()]
    }

    /// True if the token `n` places on is this word without quotes, in any case.
    pub fn is_word_at(&self, n: usize, word: &str) -> bool {
        self.peek_at(n).is_some_and(|t| {
            t.kind == TokenKind::Word && self.bytes(t).eq_ignore_ascii_case(word.as_bytes())
        })
    }

    /// True if the next token is this word.
    pub fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    /// Takes the word if it comes next.
    pub fn eat(&mut self, word: &str) -> bool {
        let yes = self.is_word(word);
        self.index += usize::from(yes);
        yes
    }

    /// Takes these words if they come next, all or none.
    pub fn eat_all(&mut self, words: &[&str]) -> bool {
        let yes = words.iter().enumerate().all(|(i, w)| self.is_word_at(i, w));
        if yes {
            self.index += words.len();
        }
        yes
    }

    /// Takes one of these words; which one.
    pub fn eat_one<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        words.iter().copied().find(|w| self.eat(w))
    }

    /// True if the next token is this operator.
    pub fn is_op(&self, op: Op) -> bool {
        self.peek().is_some_and(|t| t.kind == TokenKind::Op(op))
    }

    /// Takes the operator if it comes next.
    pub fn eat_op(&mut self, op: Op) -> bool {
        let yes = self.is_op(op);
        self.index += usize::from(yes);
        yes
    }

    /// Takes a name.
    pub fn name(&mut self) -> Option<String> {
        let name = name_of(self.text, self.peek()?)?;
        self.index += 1;
        Some(name)
    }

    /// Takes `name` or `database.name`.
    pub fn object_name(&mut self) -> Option<ObjectName> {
        let first = self.name()?;
        if self.is_op(Op::Dot) {
            self.index += 1;
            return Some(ObjectName {
                database: Some(first),
                name: self.name()?,
            });
        }
        Some(ObjectName {
            database: None,
            name: first,
        })
    }

    /// Takes a string literal.
    pub fn string(&mut self) -> Option<String> {
        let s = string_of(self.text, self.peek()?, self.mode)?;
        self.index += 1;
        Some(s)
    }

    /// Takes a name or a string.
    pub fn name_or_string(&mut self) -> Option<String> {
        self.name().or_else(|| self.string())
    }

    /// Takes `( name, name, ... )`; a length or direction behind a name is skipped.
    pub fn name_list(&mut self) -> Option<Vec<String>> {
        let list = self.names_with_lengths()?;
        Some(list.into_iter().map(|(name, _)| name).collect())
    }

    /// The same of an index: a name with a length, of which it has a prefix only, is left out.
    pub fn whole_columns(&mut self) -> Option<Vec<String>> {
        let list = self.names_with_lengths()?.into_iter();
        let whole = list.filter(|(_, has_length)| !has_length);
        Some(whole.map(|(name, _)| name).collect())
    }

    fn names_with_lengths(&mut self) -> Option<Vec<(String, bool)>> {
        let mut at = *self;
        if !at.eat_op(Op::LParen) {
            return None;
        }
        let mut out = Vec::new();
        loop {
            let name = at.name()?;
            out.push((name, at.is_op(Op::LParen)));
            while !at.is_op(Op::Comma) && !at.is_op(Op::RParen) {
                if at.is_op(Op::LParen) {
                    at.skip_group()?;
                } else {
                    at.next()?;
                }
            }
            if at.eat_op(Op::RParen) {
                *self = at;
                return Some(out);
            }
            at.next();
        }
    }

    /// Takes a group in parentheses, which comes next.
    pub fn skip_group(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match self.next()?.kind {
                TokenKind::Op(Op::LParen) => depth += 1,
                TokenKind::Op(Op::RParen) => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// The rest of the tokens.
    pub fn rest(&self) -> &'a [Token] {
        &self.tokens[self.index.min(self.tokens.len())..]
    }
}
