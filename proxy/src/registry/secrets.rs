//! What others may not read in a session's statement: passwords.

/// Words behind which one stands.
const BEFORE_SECRETS: [&str; 2] = ["identified", "password"];

/// A statement as lists of sessions show it. It ends at the first word behind which a password may stand,
/// since one inside of another text (EXECUTE IMMEDIATE) cannot be told from what follows it.
pub(super) fn without_secrets(statement: &[u8]) -> String {
    let text = String::from_utf8_lossy(statement).into_owned();
    let lower = text.to_ascii_lowercase();
    let found = BEFORE_SECRETS.iter().filter_map(|word| {
        let at = lower.find(word)?;
        Some(at + word.len())
    });
    match found.min() {
        Some(end) if end < text.len() => format!("{} <secret>", &text[..end]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_behind_a_word_for_passwords() {
        for (sql, shown) in [
            (
                "CREATE USER a Identified BY 'x'",
                "CREATE USER a Identified <secret>",
            ),
            ("SET PASSWORD = 'x'", "SET PASSWORD <secret>"),
            (
                "EXECUTE IMMEDIATE 'ALTER USER é IDENTIFIED BY ''x'''",
                "EXECUTE IMMEDIATE 'ALTER USER é IDENTIFIED <secret>",
            ),
            ("SELECT 1", "SELECT 1"),
        ] {
            assert_eq!(without_secrets(sql.as_bytes()), shown);
        }
    }
}
