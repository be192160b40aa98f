//! One pass over a statement: tokens with byte positions, and its digest key.
//!
//! Source: MySQL manual "Language Structure", MariaDB sql_lex.cc for the corners (names that begin
//! with digits, version comments, `--` needing white space behind it).

use crate::mode::{Flavor, LexMode};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or name without quotes.
    Word,
    /// A name in backticks (or double quotes under ANSI_QUOTES).
    QuotedName,
    /// A string in quotes.
    Str,
    /// A whole number.
    Int,
    /// A number with a point.
    Decimal,
    /// A number with an exponent.
    Float,
    /// 0xff or x'ff'.
    Hex,
    /// 0b01 or b'01'.
    Bit,
    /// ?
    Param,
    /// @name
    UserVar,
    /// @@name, with its scope
    SysVar,
    /// An operator or a mark.
    Op(Op),
    /// An optimizer hint comment, /*+ ... */.
    Hint,
}

/// Operators and punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Op {
    LParen = b'(',
    RParen = b')',
    Comma = b',',
    Semicolon = b';',
    Dot = b'.',
    Plus = b'+',
    Minus = b'-',
    Star = b'*',
    Slash = b'/',
    Percent = b'%',
    Eq = b'=',
    Lt = b'<',
    Gt = b'>',
    Not = b'!',
    Tilde = b'~',
    Caret = b'^',
    BitAnd = b'&',
    BitOr = b'|',
    Colon = b':',
    At = b'@',
    LBrace = b'{',
    RBrace = b'}',
    Other = b'\\',
    Le = 1,
    Ge = 2,
    Ne = 3,
    NullSafeEq = 4,
    Shl = 5,
    Shr = 6,
    OrOr = 7,
    AndAnd = 8,
    Assign = 9,
    Arrow = 10,
    LongArrow = 11,
}

/// A token: bytes `start..end` of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// Byte behind the last.
    pub end: u32,
}

impl Token {
    /// Its bytes as a range.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// True for values that differ between runs of the same statement.
    pub fn is_literal(self) -> bool {
        use TokenKind::*;
        matches!(self.kind, Str | Int | Decimal | Float | Hex | Bit)
    }
}

/// Text that cannot be cut into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LexError {
    /// A quote without its end.
    #[error("unterminated quoted text that starts at byte {0}")]
    Quote(usize),
    /// A comment without its end.
    #[error("unterminated comment that starts at byte {0}")]
    Comment(usize),
    /// More tokens than the limit.
    #[error("statement has more than {0} tokens")]
    TooMany(usize),
    /// A version comment that some servers run and others do not.
    #[error(
        "the servers of the shards have different versions, and only some run the version comment that \
         starts at byte {0}: leave it out, or upgrade the servers to one version"
    )]
    VersionsDiffer(usize),
}

/// Tokens that one statement may have (a 64 MiB INSERT of numbers has less).
pub const TOKENS_MAX: usize = 40_000_000;

/// Tokens and digest key of a text; kept and filled again, so that nothing is allocated.
#[derive(Debug, Default, Clone)]
pub struct Lexed {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// The statement with literals replaced by their class and spaces dropped.
    pub key: Vec<u8>,
    /// A version comment was opened: byte positions inside are still right.
    pub version_comment: bool,
}

impl Lexed {
    /// Reads `text` afresh.
    pub fn read(&mut self, text: &[u8], mode: LexMode, flavor: Flavor) -> Result<(), LexError> {
        self.tokens.clear();
        self.key.clear();
        self.version_comment = false;
        let mut lexer = Lexer {
            text,
            pos: 0,
            mode,
            flavor,
            in_version: None,
            out: self,
        };
        lexer.run()
    }

    /// Reads `text` into a new value.
    pub fn new(text: &[u8], mode: LexMode, flavor: Flavor) -> Result<Self, LexError> {
        let mut out = Self::default();
        out.read(text, mode, flavor)?;
        Ok(out)
    }
}

struct Lexer<'a, 'o> {
    text: &'a [u8],
    pos: usize,
    mode: LexMode,
    flavor: Flavor,
    in_version: Option<usize>,
    out: &'o mut Lexed,
}

/// Bytes of a name without quotes.
pub fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
}

impl Lexer<'_, '_> {
    fn at(&self, i: usize) -> u8 {
        self.text.get(i).copied().unwrap_or(0)
    }

    fn run(&mut self) -> Result<(), LexError> {
        while self.pos < self.text.len() {
            let b = self.text[self.pos];
            match b {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.pos += 1,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | 0x80.. => self.word()?,
                b'0'..=b'9' => self.number(),
                b'\'' => self.quoted(b'\'', TokenKind::Str, self.pos)?,
                b'`' => self.quoted(b'`', TokenKind::QuotedName, self.pos)?,
                b'"' if self.mode.ansi_quotes => {
                    self.quoted(b'"', TokenKind::QuotedName, self.pos)?;
                }
                b'"' => self.quoted(b'"', TokenKind::Str, self.pos)?,
                b'#' => self.skip_line(),
                b'-' if self.at(self.pos + 1) == b'-' && self.space_at(self.pos + 2) => {
                    self.skip_line();
                }
                b'/' if self.at(self.pos + 1) == b'*' => self.comment()?,
                b'*' if self.in_version.is_some() && self.at(self.pos + 1) == b'/' => {
                    self.in_version = None;
                    self.pos += 2;
                }
                b'.' if self.at(self.pos + 1).is_ascii_digit() && !self.behind_name() => {
                    self.number();
                }
                b'@' => self.variable()?,
                b'?' => self.push(TokenKind::Param, self.pos, self.pos + 1),
                _ => self.operator(b),
            }
            if self.out.tokens.len() > TOKENS_MAX {
                return Err(LexError::TooMany(TOKENS_MAX));
            }
        }
        match self.in_version {
            Some(at) => Err(LexError::Comment(at)),
            None => Ok(()),
        }
    }

    fn space_at(&self, i: usize) -> bool {
        self.text.get(i).is_none_or(|b| *b <= b' ')
    }

    /// A point right behind a name belongs to a qualified name, even before a digit.
    fn behind_name(&self) -> bool {
        self.out.tokens.last().is_some_and(|t| {
            t.end as usize == self.pos && matches!(t.kind, TokenKind::Word | TokenKind::QuotedName)
        })
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        self.pos = end;
        self.out.tokens.push(Token {
            kind,
            start: start as u32,
            end: end as u32,
        });
        let key = &mut self.out.key;
        let text = &self.text[start..end];
        match kind {
            TokenKind::Word => {
                key.push(b' ');
                key.extend_from_slice(text);
            }
            TokenKind::QuotedName | TokenKind::UserVar | TokenKind::SysVar | TokenKind::Hint => {
                key.push(0x10);
                key.extend_from_slice(text);
            }
            TokenKind::Str => key.push(0x11),
            TokenKind::Int => key.push(0x12),
            TokenKind::Decimal => key.push(0x13),
            TokenKind::Float => key.push(0x14),
            TokenKind::Hex => key.push(0x15),
            TokenKind::Bit => key.push(0x16),
            TokenKind::Param => key.push(b'?'),
            TokenKind::Op(op) => key.push(op as u8),
        }
    }

    fn word(&mut self) -> Result<(), LexError> {
        let start = self.pos;
        let b = self.text[start] | 0x20;
        if matches!(b, b'x' | b'b' | b'n') && self.at(start + 1) == b'\'' {
            let kind = match b {
                b'x' => TokenKind::Hex,
                b'b' => TokenKind::Bit,
                _ => TokenKind::Str,
            };
            self.pos += 1;
            return self.quoted(b'\'', kind, start);
        }
        let mut end = start + 1;
        while end < self.text.len() && is_name_byte(self.text[end]) {
            end += 1;
        }
        self.push(TokenKind::Word, start, end);
        Ok(())
    }

    fn number(&mut self) {
        let start = self.pos;
        if self.after_dot(start) {
            return self.digits_name(start);
        }
        if self.text[start] == b'0' && matches!(self.at(start + 1), b'x' | b'b') {
            let hex = self.at(start + 1) == b'x';
            let ok = |b: u8| {
                if hex {
                    b.is_ascii_hexdigit()
                } else {
                    matches!(b, b'0' | b'1')
                }
            };
            let mut end = start + 2;
            while end < self.text.len() && ok(self.text[end]) {
                end += 1;
            }
            if end > start + 2 && !is_name_byte(self.at(end)) {
                let kind = if hex { TokenKind::Hex } else { TokenKind::Bit };
                return self.push(kind, start, end);
            }
            return self.digits_name(start);
        }
        let mut end = self.digits(start);
        let mut kind = TokenKind::Int;
        if self.at(end) == b'.' {
            kind = TokenKind::Decimal;
            end = self.digits(end + 1);
        }
        if self.at(end) | 0x20 == b'e' {
            let sign = usize::from(matches!(self.at(end + 1), b'+' | b'-'));
            if self.at(end + 1 + sign).is_ascii_digit() {
                let end = self.digits(end + 1 + sign);
                return self.push(TokenKind::Float, start, end);
            }
        }
        if kind == TokenKind::Int && end < self.text.len() && is_name_byte(self.text[end]) {
            return self.digits_name(start);
        }
        self.push(kind, start, end);
    }

    fn digits(&self, mut i: usize) -> usize {
        while self.at(i).is_ascii_digit() {
            i += 1;
        }
        i
    }

    fn after_dot(&self, start: usize) -> bool {
        let Some(last) = self.out.tokens.last() else {
            return false;
        };
        last.kind == TokenKind::Op(Op::Dot) && last.end as usize == start
    }

    fn digits_name(&mut self, start: usize) {
        let mut end = start;
        while end < self.text.len() && is_name_byte(self.text[end]) {
            end += 1;
        }
        self.push(TokenKind::Word, start, end.max(start + 1));
    }

    fn quoted(&mut self, quote: u8, kind: TokenKind, start: usize) -> Result<(), LexError> {
        let escapes = kind == TokenKind::Str && !self.mode.no_backslash_escapes;
        let mut i = self.pos + 1;
        loop {
            match self.text.get(i) {
                None => return Err(LexError::Quote(start)),
                Some(b'\\') if escapes => i += 2,
                Some(&b) if b == quote => {
                    if self.at(i + 1) != quote {
                        break;
                    }
                    i += 2;
                }
                Some(_) => i += 1,
            }
        }
        self.push(kind, start, i + 1);
        Ok(())
    }

    fn skip_line(&mut self) {
        while self.pos < self.text.len() && self.text[self.pos] != b'\n' {
            self.pos += 1;
        }
    }

    fn comment(&mut self) -> Result<(), LexError> {
        let start = self.pos;
        let maria = self.at(start + 2) == b'M' && self.at(start + 3) == b'!';
        if self.at(start + 2) == b'!' || maria {
            let digits = start + if maria { 4 } else { 3 };
            let mut end = digits;
            while end < digits + 6 && self.at(end).is_ascii_digit() {
                end += 1;
            }
            if end < digits + 5 {
                end = digits;
            }
            let version = self.text[digits..end]
                .iter()
                .fold(0u32, |v, b| v * 10 + u32::from(b - b'0'));
            self.out.version_comment = true;
            return match self.flavor.runs(version, maria) {
                Some(true) => {
                    self.in_version = Some(start);
                    self.pos = end;
                    Ok(())
                }
                Some(false) => self.skip_nested(start),
                None => Err(LexError::VersionsDiffer(start)),
            };
        }
        let mut i = start + 2;
        while i + 1 < self.text.len() && !(self.text[i] == b'*' && self.text[i + 1] == b'/') {
            i += 1;
        }
        if i + 1 >= self.text.len() {
            return Err(LexError::Comment(start));
        }
        if self.at(start + 2) == b'+' {
            self.push(TokenKind::Hint, start, i + 2);
        } else {
            self.pos = i + 2;
        }
        Ok(())
    }

    /// A version comment that is not run may hold plain comments.
    fn skip_nested(&mut self, start: usize) -> Result<(), LexError> {
        let (mut i, mut depth) = (start + 2, 1);
        while depth > 0 {
            match (self.text.get(i), self.at(i + 1)) {
                (None, _) => return Err(LexError::Comment(start)),
                (Some(b'*'), b'/') => {
                    depth -= 1;
                    i += 2;
                }
                (Some(b'/'), b'*') => {
                    depth += 1;
                    i += 2;
                }
                _ => i += 1,
            }
        }
        self.pos = i;
        Ok(())
    }

    fn variable(&mut self) -> Result<(), LexError> {
        let start = self.pos;
        let system = self.at(start + 1) == b'@';
        self.pos += if system { 2 } else { 1 };
        let kind = if system {
            TokenKind::SysVar
        } else {
            TokenKind::UserVar
        };
        let b = self.at(self.pos);
        if matches!(b, b'`' | b'\'' | b'"') {
            // Strings escape in user variable names as strings do; names in backticks do not.
            let inner = if b == b'`' {
                TokenKind::QuotedName
            } else {
                TokenKind::Str
            };
            let at = self.pos;
            self.quoted(b, inner, at)?;
            let end = self.pos;
            self.out.tokens.pop();
            self.push(kind, start, end);
            return Ok(());
        }
        let mut end = self.pos;
        while end < self.text.len() && (is_name_byte(self.text[end]) || self.text[end] == b'.') {
            end += 1;
        }
        if end == self.pos {
            self.push(TokenKind::Op(Op::At), start, self.pos);
        } else {
            self.push(kind, start, end);
        }
        Ok(())
    }

    fn operator(&mut self, b: u8) {
        let (next, third) = (self.at(self.pos + 1), self.at(self.pos + 2));
        let (op, len) = match (b, next, third) {
            (b'<', b'=', b'>') => (Op::NullSafeEq, 3),
            (b'-', b'>', b'>') => (Op::LongArrow, 3),
            (b'<', b'=', _) => (Op::Le, 2),
            (b'>', b'=', _) => (Op::Ge, 2),
            (b'<', b'>', _) | (b'!', b'=', _) => (Op::Ne, 2),
            (b'<', b'<', _) => (Op::Shl, 2),
            (b'>', b'>', _) => (Op::Shr, 2),
            (b'|', b'|', _) => (Op::OrOr, 2),
            (b'&', b'&', _) => (Op::AndAnd, 2),
            (b':', b'=', _) => (Op::Assign, 2),
            (b'-', b'>', _) => (Op::Arrow, 2),
            _ => (single(b), 1),
        };
        self.push(TokenKind::Op(op), self.pos, self.pos + len);
    }
}

fn single(b: u8) -> Op {
    use Op::*;
    let all = [
        LParen, RParen, Comma, Semicolon, Dot, Plus, Minus, Star, Slash, Percent, Eq, Lt, Gt, Not,
        Tilde, Caret, BitAnd, BitOr, Colon, LBrace, RBrace,
    ];
    all.into_iter().find(|op| *op as u8 == b).unwrap_or(Other)
}

#[cfg(test)]
mod tests;
