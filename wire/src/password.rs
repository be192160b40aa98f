//! What is kept of a password: verifiers, from which nobody gets it back.

use crate::auth::native_verifier;
use sha_crypt::{Algorithm, PasswordHasher, ShaCrypt};

/// The system gave no random salt.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct CannotHash(String);

/// `*HEX` (SHA1 of SHA1, for mysql_native_password) and `$5$rounds=...$salt$hash` (SHA-256 crypt, for
/// caching_sha2_password), with a salt made now. Takes milliseconds of CPU.
pub fn verifiers(password: &str) -> Result<[String; 2], CannotHash> {
    let native = native_verifier(password.as_bytes());
    let native: String = native.iter().map(|b| format!("{b:02X}")).collect();
    let crypt = ShaCrypt::from(Algorithm::Sha256Crypt)
        .hash_password(password.as_bytes())
        .map_err(|e| CannotHash(e.to_string()))?;
    Ok([format!("*{native}"), crypt.to_string()])
}

#[cfg(test)]
mod tests {
    use super::verifiers;

    #[test]
    fn each_hash_has_its_own_salt() {
        let [native, crypt] = verifiers("secret").unwrap();
        let [same, other] = verifiers("secret").unwrap();
        // SELECT PASSWORD('secret') on a server.
        assert_eq!(native, "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7");
        assert_eq!(native, same);
        assert!(crypt.starts_with("$5$") && other.starts_with("$5$"));
        assert_ne!(crypt, other);
    }
}
