//! Cuts a text of several statements at its semicolons.

use crate::cursor::Cursor;
use crate::lexer::{Op, Token, TokenKind};
use crate::mode::LexMode;
use std::ops::Range;

/// Byte ranges of the statements, with the comments around them: a dump has statements that begin and end
/// inside of comments for some versions. A routine's body keeps its semicolons, so a text that reaches
/// CREATE PROCEDURE / FUNCTION / TRIGGER / EVENT or a compound BEGIN NOT ATOMIC is one from there on.
pub fn statements(text: &[u8], tokens: &[Token]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let (mut first, mut start) = (0, 0);
    while first < tokens.len() {
        let rest = &tokens[first..];
        let end = if is_compound(text, rest) {
            rest.len()
        } else {
            let at = rest
                .iter()
                .position(|t| t.kind == TokenKind::Op(Op::Semicolon));
            at.unwrap_or(rest.len())
        };
        let semicolon = rest.get(end);
        let stop = semicolon.map_or(text.len(), |t| t.start as usize);
        if end > 0 {
            out.push(trimmed(text, start..stop));
        }
        start = semicolon.map_or(stop, |t| t.end as usize);
        first += end + 1;
    }
    out
}

/// The range without white space at its ends.
fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let part = text.get(range.clone()).unwrap_or_default();
    let ahead = part.len() - part.trim_ascii_start().len();
    let kept = part.trim_ascii().len();
    range.start + ahead..range.start + ahead + kept
}

/// True if the statement has a body in which semicolons do not end it.
fn is_compound(text: &[u8], tokens: &[Token]) -> bool {
    let mut c = Cursor::new(text, tokens, LexMode::default());
    if c.eat_all(&["BEGIN", "NOT", "ATOMIC"]) {
        return true;
    }
    if c.eat_one(&["IF", "LOOP", "REPEAT", "WHILE", "CASE", "FOR"])
        .is_some()
    {
        return true;
    }
    if !c.eat("CREATE") {
        return false;
    }
    // CREATE [OR REPLACE] [DEFINER = x@y] [AGGREGATE] PROCEDURE ...
    for n in 0..12 {
        if ["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"]
            .iter()
            .any(|w| c.is_word_at(n, w))
        {
            return true;
        }
        if ["TABLE", "VIEW", "INDEX", "DATABASE", "USER", "SELECT"]
            .iter()
            .any(|w| c.is_word_at(n, w))
        {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, Lexed};

    fn cut(sql: &str) -> Vec<&str> {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        statements(sql.as_bytes(), &l.tokens)
            .into_iter()
            .map(|r| &sql[r])
            .collect()
    }

    #[test]
    fn semicolons_outside_strings_and_bodies() {
        assert_eq!(cut("select ';' ; select 2;"), ["select ';'", "select 2"]);
        assert_eq!(cut(";;"), Vec::<&str>::new());
        assert_eq!(cut("select 1 -- ; x"), ["select 1 -- ; x"]);
        let trigger = "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON x \
                       FOR EACH ROW BEGIN DO 1; DO 2; END */";
        assert_eq!(
            cut(&format!("/*!1 DO 1 */;\n {trigger} ")),
            ["/*!1 DO 1 */", trigger]
        );
        let body = "create procedure p() begin select 1; select 2; end";
        assert_eq!(cut(body), [body]);
        assert_eq!(cut("set @a=1; begin not atomic select 1; end").len(), 2);
    }
}
