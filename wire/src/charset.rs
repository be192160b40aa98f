//! Collation numbers of the handshake, and which character sets a statement can be read in.
//!
//! The tokenizer reads bytes: it is right for character sets in which every byte below 0x80 is that
//! ASCII character. In gbk, big5, sjis, cp932 and gb18030 a backslash or quote byte can be the second
//! half of a character, so these are refused for statements.

/// Number, name, character set, and whether it is the character set's default, a line each: from
/// information_schema.COLLATIONS of MariaDB 10.11. MySQL has the same numbers below 256.
const COLLATIONS: &str = include_str!("charset/collations.txt");

/// A collation that a client can ask for in its login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collation {
    /// Its name.
    pub name: &'static str,
    /// Its character set.
    pub charset: &'static str,
    /// The character set means it where none is named.
    pub is_default: bool,
}

/// The collation of a number; `None` if no server knows it.
pub fn collation(number: u16) -> Option<Collation> {
    // MySQL's own collations of utf8mb4, which differ by language; MariaDB has other names for them.
    if (255..=323).contains(&number) {
        return Some(Collation {
            name: "utf8mb4_0900_ai_ci",
            charset: "utf8mb4",
            is_default: true,
        });
    }
    COLLATIONS.lines().find_map(|line| {
        let mut words = line.split(' ');
        let found = words.next()?.parse() == Ok(number);
        let (name, charset) = (words.next()?, words.next()?);
        found.then_some(Collation {
            name,
            charset,
            is_default: words.next().is_some(),
        })
    })
}

/// The character set of a collation.
pub fn charset_of(number: u16) -> Option<&'static str> {
    collation(number).map(|c| c.charset)
}

/// True where the tokenizer may read statements in this character set (lower-case name).
pub fn is_ascii_safe(charset: &str) -> bool {
    !matches!(
        charset,
        "big5" | "gbk" | "sjis" | "cp932" | "gb18030" | "swe7"
    ) && is_for_clients(charset)
}

/// True where a server takes statements in this character set (lower-case name).
pub fn is_for_clients(charset: &str) -> bool {
    !matches!(charset, "ucs2" | "utf16" | "utf16le" | "utf32")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collations_have_their_own_names() {
        for (number, name, charset, is_default) in [
            (8, "latin1_swedish_ci", "latin1", true),
            (33, "utf8mb3_general_ci", "utf8mb3", true),
            (45, "utf8mb4_general_ci", "utf8mb4", true),
            (58, "cp1257_bin", "cp1257", false),
            (63, "binary", "binary", true),
            (28, "gbk_chinese_ci", "gbk", true),
        ] {
            let expected = Collation {
                name,
                charset,
                is_default,
            };
            assert_eq!(collation(number), Some(expected));
        }
        assert_eq!(collation(0), None);
        assert_eq!(collation(255).map(|c| c.charset), Some("utf8mb4"));
        assert_eq!(COLLATIONS.lines().count(), 219);
    }

    #[test]
    fn some_character_sets_cannot_be_read() {
        assert!(is_ascii_safe("utf8mb4") && is_ascii_safe("euckr"));
        assert!(!is_ascii_safe("gbk") && is_for_clients("gbk"));
        assert!(!is_ascii_safe("ucs2") && !is_for_clients("ucs2"));
    }
}
