//! Scrambles and their verification for the two password plugins, and RSA for full authentication.
//!
//! Source: MySQL "Native Authentication", "Caching_sha2_password information". Comparisons take the
//! same time wherever the difference is.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut ctx = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    parts.iter().for_each(|p| ctx.update(p));
    let mut out = [0; 20];
    out.copy_from_slice(ctx.finish().as_ref());
    out
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut ctx = Context::new(&SHA256);
    parts.iter().for_each(|p| ctx.update(p));
    let mut out = [0; 32];
    out.copy_from_slice(ctx.finish().as_ref());
    out
}

fn xor<const N: usize>(a: &[u8; N], b: &[u8]) -> Option<[u8; N]> {
    if b.len() != N {
        return None;
    }
    let mut out = *a;
    out.iter_mut().zip(b).for_each(|(x, y)| *x ^= y);
    Some(out)
}

/// What mysql_native_password stores: SHA1(SHA1(password)).
pub fn native_verifier(password: &[u8]) -> [u8; 20] {
    sha1(&[&sha1(&[password])])
}

/// The client's answer for mysql_native_password; empty for an empty password.
pub fn native_scramble(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let stage1 = sha1(&[password]);
    let mask = sha1(&[nonce, &sha1(&[&stage1])]);
    xor(&stage1, &mask).map(|s| s.to_vec()).unwrap_or_default()
}

/// True if `answer` was made with the password behind `verifier`.
pub fn native_check(verifier: &[u8; 20], nonce: &[u8], answer: &[u8]) -> bool {
    let mask = sha1(&[nonce, verifier]);
    let Some(stage1) = xor(&mask, answer) else {
        return false;
    };
    verify_slices_are_equal(&sha1(&[&stage1]), verifier).is_ok()
}

/// What the fast path of caching_sha2_password keeps: SHA256(SHA256(password)).
pub fn sha2_verifier(password: &[u8]) -> [u8; 32] {
    sha256(&[&sha256(&[password])])
}

/// The client's answer for caching_sha2_password; empty for an empty password.
pub fn sha2_scramble(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let stage1 = sha256(&[password]);
    let mask = sha256(&[&sha256(&[&stage1]), nonce]);
    xor(&stage1, &mask).map(|s| s.to_vec()).unwrap_or_default()
}

/// True if `answer` was made with the password behind `verifier`.
pub fn sha2_check(verifier: &[u8; 32], nonce: &[u8], answer: &[u8]) -> bool {
    let mask = sha256(&[verifier, nonce]);
    let Some(stage1) = xor(&mask, answer) else {
        return false;
    };
    verify_slices_are_equal(&sha256(&[&stage1]), verifier).is_ok()
}

/// The password and its zero byte, masked with the nonce, as it is encrypted with RSA.
fn mask(text: &[u8], nonce: &[u8]) -> Vec<u8> {
    text.iter()
        .zip(nonce.iter().cycle())
        .map(|(a, b)| a ^ b)
        .collect()
}

/// Something in RSA failed; details would help only an attacker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("RSA password exchange failed")]
pub struct RsaFailed;

/// The server's key pair of caching_sha2_password without TLS; made anew at each start.
pub struct RsaKey {
    key: OaepPrivateDecryptingKey,
    public_der: Vec<u8>,
}

impl RsaKey {
    /// A new 2048-bit pair (takes tens of milliseconds).
    pub fn generate() -> Result<Self, RsaFailed> {
        use aws_lc_rs::encoding::AsDer;
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| RsaFailed)?;
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> =
            key.public_key().as_der().map_err(|_| RsaFailed)?;
        let public_der = der.as_ref().to_vec();
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| RsaFailed)?;
        Ok(Self { key, public_der })
    }

    /// The public half, DER (SubjectPublicKeyInfo).
    pub fn public_der(&self) -> &[u8] {
        &self.public_der
    }

    /// The password in a client's answer.
    pub fn decrypt_password(&self, cipher: &[u8], nonce: &[u8]) -> Result<Vec<u8>, RsaFailed> {
        let mut out = vec![0; self.key.min_output_size()];
        let plain = self
            .key
            .decrypt(&OAEP_SHA1_MGF1SHA1, cipher, &mut out, None)
            .map_err(|_| RsaFailed)?;
        let mut text = mask(plain, nonce);
        if text.pop() != Some(0) {
            return Err(RsaFailed);
        }
        Ok(text)
    }
}

/// The client's side: `password` encrypted for the server's public key (DER).
pub fn rsa_encrypt_password(
    der: &[u8],
    password: &[u8],
    nonce: &[u8],
) -> Result<Vec<u8>, RsaFailed> {
    let key = PublicEncryptingKey::from_der(der).map_err(|_| RsaFailed)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| RsaFailed)?;
    let mut text = password.to_vec();
    text.push(0);
    let mut out = vec![0; key.ciphertext_size()];
    let cipher = key
        .encrypt(&OAEP_SHA1_MGF1SHA1, &mask(&text, nonce), &mut out, None)
        .map_err(|_| RsaFailed)?;
    Ok(cipher.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    const NONCE: &[u8; 20] = b"01234567890123456789";

    #[test]
    fn both_plugins_accept_the_password_and_nothing_else() {
        let good = native_scramble(b"secret", NONCE);
        assert!(native_check(&native_verifier(b"secret"), NONCE, &good));
        assert!(!native_check(&native_verifier(b"Secret"), NONCE, &good));
        assert!(!native_check(
            &native_verifier(b"secret"),
            b"x1234567890123456789",
            &good
        ));
        assert!(!native_check(&native_verifier(b"secret"), NONCE, b""));
        let good = sha2_scramble(b"secret", NONCE);
        assert!(sha2_check(&sha2_verifier(b"secret"), NONCE, &good));
        assert!(!sha2_check(&sha2_verifier(b"other"), NONCE, &good));
        assert!(!sha2_check(&sha2_verifier(b"secret"), NONCE, &good[1..]));
    }

    #[test]
    fn native_verifier_is_what_password_prints() {
        // SELECT PASSWORD('secret') on MariaDB.
        let hex: String = native_verifier(b"secret")
            .iter()
            .map(|b| format!("{b:02X}"))
            .collect();
        assert_eq!(hex, "14E65567ABDB5135D0CFD9A70B3032C179A49EE7");
    }

    #[test]
    fn rsa_carries_the_password() {
        let key = RsaKey::generate().unwrap();
        let c = rsa_encrypt_password(key.public_der(), b"p\xc3\xa4ss", NONCE).unwrap();
        assert_eq!(key.decrypt_password(&c, NONCE).unwrap(), b"p\xc3\xa4ss");
        assert!(key.decrypt_password(&c[1..], NONCE).is_err());
    }
}
