//! Strings as sharding keys: what a collation calls equal must land in one place.
//!
//! Source: MariaDB "Collations"; checked against a server by the tests of `tests/compare`.
//! A `_bin` collation compares code points, with trailing spaces ignored unless its name has `nopad`.
//! The case-insensitive collations listed here agree on printable ASCII: letters are equal whatever
//! their case, all else differs. Other characters (accents!) fold differently in each, so a value
//! with one is refused under those collations rather than placed wrongly.

use serde::{Deserialize, Serialize};

/// How the strings of a column compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRule {
    /// ASCII letters are equal whatever their case; other than ASCII is not routable.
    pub fold_ascii: bool,
    /// Trailing spaces do not count.
    pub pad_space: bool,
    /// Folded ASCII sorts as the collation sorts it, so ranges can be decided.
    pub ordered: bool,
}

impl TextRule {
    /// The rule of a collation, or `None` where it is not known exactly.
    pub fn of_collation(collation: &str) -> Option<TextRule> {
        let name = collation.to_ascii_lowercase();
        let pad_space = !name.contains("nopad") && !name.contains("0900");
        if name == "binary" {
            return Some(TextRule {
                fold_ascii: false,
                pad_space: false,
                ordered: true,
            });
        }
        if name.ends_with("_bin") {
            return Some(TextRule {
                fold_ascii: false,
                pad_space,
                ordered: true,
            });
        }
        let by_code = [
            "utf8mb4_general_ci",
            "utf8mb3_general_ci",
            "utf8_general_ci",
            "utf8mb4_general_nopad_ci",
            "utf8mb3_general_nopad_ci",
            "latin1_swedish_ci",
            "latin1_swedish_nopad_ci",
            "latin1_general_ci",
            "ascii_general_ci",
            "ascii_general_nopad_ci",
        ];
        if by_code.contains(&name.as_str()) {
            let ordered = name != "latin1_general_ci";
            return Some(TextRule {
                fold_ascii: true,
                pad_space,
                ordered,
            });
        }
        let by_weight = [
            "utf8mb4_unicode_ci",
            "utf8mb3_unicode_ci",
            "utf8_unicode_ci",
            "utf8mb4_unicode_520_ci",
            "utf8mb3_unicode_520_ci",
            "utf8mb4_0900_ai_ci",
            "uca1400_ai_ci",
            "utf8mb4_uca1400_ai_ci",
            "utf8mb3_uca1400_ai_ci",
        ];
        by_weight.contains(&name.as_str()).then_some(TextRule {
            fold_ascii: true,
            pad_space,
            ordered: false,
        })
    }

    /// The value with what the collation ignores taken away, or why it cannot be placed.
    pub fn canonical(self, value: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut out = value.to_vec();
        if self.fold_ascii {
            if !value.iter().all(|b| (0x20..0x7f).contains(b)) {
                return Err("it has characters other than printable ASCII, \
                            whose case folding depends on the collation");
            }
            out.make_ascii_uppercase();
        } else if self.pad_space && value.iter().any(|b| *b < 0x20) {
            return Err("it has control characters, which sort below padding spaces");
        }
        if self.pad_space {
            let len = out.iter().rposition(|b| *b != b' ').map_or(0, |i| i + 1);
            out.truncate(len);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_under_the_collation_is_equal_here() {
        let ci = TextRule::of_collation("utf8mb4_general_ci").unwrap();
        assert_eq!(ci.canonical(b"Abc  "), ci.canonical(b"aBC"));
        assert!(ci.canonical("é".as_bytes()).is_err());
        let bin = TextRule::of_collation("utf8mb4_bin").unwrap();
        assert_ne!(bin.canonical(b"a"), bin.canonical(b"A"));
        assert_eq!(
            bin.canonical("é ".as_bytes()),
            bin.canonical("é".as_bytes())
        );
        let nopad = TextRule::of_collation("utf8mb4_nopad_bin").unwrap();
        assert_ne!(nopad.canonical(b"a "), nopad.canonical(b"a"));
        assert_eq!(TextRule::of_collation("utf8mb4_german2_ci"), None);
    }
}
