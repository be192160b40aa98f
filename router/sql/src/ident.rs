//! Names: unquoting, qualified names, and quoting for text that we write.

use crate::lexer::{Token, TokenKind};

/// A name with an optional database in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The database, if the statement named it.
    pub database: Option<String>,
    /// The table, view, routine, ...
    pub name: String,
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.database {
            Some(db) => write!(f, "{db}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// The name that a Word or QuotedName token stands for.
pub fn name_of(text: &[u8], token: Token) -> Option<String> {
    let raw = std::str::from_utf8(text.get(token.range())?).ok()?;
    match token.kind {
        TokenKind::Word => Some(raw.to_string()),
        TokenKind::QuotedName => {
            let quote = raw.chars().next()?;
            let inner = raw.get(1..raw.len() - 1)?;
            Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
        }
        _ => None,
    }
}

/// `database`.`name` in backticks.
pub fn quote_qualified(database: &str, name: &str) -> String {
    format!("{}.{}", quote_name(database), quote_name(name))
}

/// The name in backticks.
pub fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The text as a string literal that reads the same under every sql_mode that has backslash escapes
/// on, and under NO_BACKSLASH_ESCAPES if `no_backslash_escapes`.
pub fn quote_string(value: &str, no_backslash_escapes: bool) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('\'');
    for c in value.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' if !no_backslash_escapes => out.push_str("\\\\"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        assert_eq!(quote_name("a`b"), "`a``b`");
        assert_eq!(quote_string("it's \\", false), "'it''s \\\\'");
        assert_eq!(quote_string("\\", true), "'\\'");
    }
}
