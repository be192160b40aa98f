//! Collation numbers of the handshake, and which character sets a statement can be read in.
//!
//! The tokenizer reads bytes: it is right for character sets in which every byte below 0x80 is that
//! ASCII character. In gbk, big5, sjis, cp932 and gb18030 a backslash or quote byte can be the second
//! half of a character, so these are refused for statements.

/// The character set of a collation number, for the numbers that drivers send in handshakes.
pub fn charset_of(collation: u16) -> Option<&'static str> {
    Some(match collation {
        1 | 84 => "big5",
        3 | 69 => "dec8",
        4 | 80 => "cp850",
        6 | 72 => "hp8",
        7 | 74 => "koi8r",
        5 | 8 | 15 | 31 | 47 | 48 | 49 | 94 => "latin1",
        2 | 9 | 21 | 27 | 77 => "latin2",
        10 | 82 => "swe7",
        11 | 65 => "ascii",
        12 | 91 => "ujis",
        13 | 88 => "sjis",
        16 | 71 => "hebrew",
        18 | 89 => "tis620",
        19 | 85 => "euckr",
        22 | 75 => "koi8u",
        24 | 86 => "gb2312",
        25 | 70 => "greek",
        26 | 34 | 44 | 66 | 99 => "cp1250",
        28 | 87 => "gbk",
        30 | 78 => "latin5",
        32 | 64 => "armscii8",
        33 | 83 | 192..=215 | 223 => "utf8mb3",
        36 | 68 => "cp866",
        40 | 81 => "cp852",
        41 | 42 | 20 | 79 => "latin7",
        14 | 23 | 50 | 51 | 52 => "cp1251",
        45 | 46 | 224..=247 | 255..=323 => "utf8mb4",
        57 | 67 => "cp1256",
        58 | 59 | 29 => "cp1257",
        63 => "binary",
        95 | 96 => "cp932",
        248..=250 => "gb18030",
        _ => return None,
    })
}

/// The name of a collation that is not its character set's default, for the numbers that drivers send.
pub fn collation_name(collation: u16) -> Option<&'static str> {
    Some(match collation {
        46 => "utf8mb4_bin",
        47 => "latin1_bin",
        48 => "latin1_general_ci",
        83 => "utf8mb3_bin",
        192 => "utf8mb3_unicode_ci",
        224 => "utf8mb4_unicode_ci",
        246 => "utf8mb4_unicode_520_ci",
        _ => return None,
    })
}

/// True where the tokenizer may read statements in this character set (lower-case name).
pub fn is_ascii_safe(charset: &str) -> bool {
    !matches!(
        charset,
        "big5"
            | "gbk"
            | "sjis"
            | "cp932"
            | "gb18030"
            | "ucs2"
            | "utf16"
            | "utf16le"
            | "utf32"
            | "swe7"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_default_collations_are_known() {
        for (id, name) in [
            (8, "latin1"),
            (33, "utf8mb3"),
            (45, "utf8mb4"),
            (255, "utf8mb4"),
            (63, "binary"),
        ] {
            assert_eq!(charset_of(id), Some(name));
        }
        assert!(!is_ascii_safe("gbk") && is_ascii_safe("utf8mb4"));
    }
}
