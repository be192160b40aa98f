//! Who may log in, and how their passwords are checked.
//!
//! Kept are verifiers, never passwords: `*HEX` (SHA1 of SHA1, for mysql_native_password) and
//! `$5$rounds=...$salt$hash` (SHA-256 crypt, for caching_sha2_password). The fast path of the latter
//! needs SHA256(SHA256(password)), which is kept in memory after the first full login.

use crate::config::UserConfig;
use catalog::{Catalog, Verifiers};
use sha_crypt::{PasswordVerifier, ShaCrypt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use wire::auth::{native_check, sha2_check, sha2_verifier};
use wire::handshake::{CACHING_SHA2, NATIVE};

/// A user.
#[derive(Debug, Default)]
pub struct LoginUser {
    /// The name.
    pub name: String,
    native: Option<[u8; 20]>,
    crypt: Option<String>,
    fast: Mutex<Option<[u8; 32]>>,
    no_password: bool,
    /// What it was made of, for users of the cluster.
    of_cluster: Option<Verifiers>,
}

/// A verifier that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("user {0}: a password must be what `shardwright hash-password` prints")]
pub struct BadVerifier(String);

/// What a scramble proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Accepted,
    /// It is wrong.
    Rejected,
    /// Only the password itself can tell (full authentication).
    NeedsPassword,
}

impl LoginUser {
    /// One of the cluster's.
    fn of_cluster(name: &str, user: &catalog::User) -> Result<LoginUser, BadVerifier> {
        let config = UserConfig {
            name: name.to_string(),
            password: user.password.0.clone(),
        };
        let mut made = LoginUser::new(&config)?;
        made.of_cluster = Some(user.password.clone());
        Ok(made)
    }

    /// True if its rights are in the catalog; false if the configuration names it and it may do
    /// everything.
    pub fn is_of_cluster(&self) -> bool {
        self.of_cluster.is_some()
    }

    /// From the configuration.
    pub fn new(config: &UserConfig) -> Result<LoginUser, BadVerifier> {
        let mut user = LoginUser {
            name: config.name.clone(),
            ..Default::default()
        };
        user.no_password = config.password.is_empty();
        for v in &config.password {
            if let Some(hex) = v.strip_prefix('*') {
                let bytes = from_hex(hex).and_then(|b| <[u8; 20]>::try_from(b).ok());
                user.native = Some(bytes.ok_or_else(|| BadVerifier(config.name.clone()))?);
            } else if v.starts_with("$5$") {
                user.crypt = Some(v.clone());
            } else {
                return Err(BadVerifier(config.name.clone()));
            }
        }
        Ok(user)
    }

    /// The plugin that this user can log in with; `asked` is taken if it is possible. A user that does
    /// not exist (the default) takes either, so that nobody learns from the answer which users there are.
    pub fn plugin(&self, asked: &str) -> &'static str {
        let any = self.no_password || (self.native.is_none() && self.crypt.is_none());
        let native = self.native.is_some() || any;
        let sha2 = self.crypt.is_some() || any;
        match asked {
            NATIVE if native => NATIVE,
            CACHING_SHA2 if sha2 => CACHING_SHA2,
            _ if sha2 => CACHING_SHA2,
            _ => NATIVE,
        }
    }

    /// True if the user logs in without a password.
    pub fn without_password(&self) -> bool {
        self.no_password
    }

    /// Checks a scramble.
    pub fn check(&self, plugin: &str, nonce: &[u8], answer: &[u8]) -> Verdict {
        let verdict = |ok: bool| {
            if ok {
                Verdict::Accepted
            } else {
                Verdict::Rejected
            }
        };
        if self.no_password {
            return verdict(answer.is_empty());
        }
        if answer.is_empty() {
            return Verdict::Rejected;
        }
        if plugin == NATIVE {
            return verdict(self.native.is_some_and(|v| native_check(&v, nonce, answer)));
        }
        let fast = *self.fast.lock().unwrap_or_else(PoisonError::into_inner);
        match fast {
            Some(v) if sha2_check(&v, nonce, answer) => Verdict::Accepted,
            // A changed password is told by the full check alone.
            _ => Verdict::NeedsPassword,
        }
    }

    /// Checks the password itself; takes milliseconds of CPU, so it runs on a blocking thread.
    pub fn check_password(&self, password: &[u8]) -> bool {
        let Some(crypt) = &self.crypt else {
            return false;
        };
        if ShaCrypt::default()
            .verify_password(password, crypt.as_str())
            .is_err()
        {
            return false;
        }
        *self.fast.lock().unwrap_or_else(PoisonError::into_inner) = Some(sha2_verifier(password));
        true
    }
}

/// All users by name: those of the configuration, and those of the cluster that logged in here.
#[derive(Debug, Default)]
pub struct Users {
    of_file: HashMap<String, Arc<LoginUser>>,
    of_cluster: Mutex<HashMap<String, Arc<LoginUser>>>,
}

impl Users {
    /// From the configuration.
    pub fn new(list: &[UserConfig]) -> Result<Self, BadVerifier> {
        let mut out = HashMap::new();
        for config in list {
            out.insert(config.name.clone(), Arc::new(LoginUser::new(config)?));
        }
        Ok(Self {
            of_file: out,
            of_cluster: Mutex::default(),
        })
    }

    /// True if the configuration names the user.
    pub fn is_of_file(&self, name: &str) -> bool {
        self.of_file.contains_key(name)
    }

    /// A user by name. One of the configuration comes before one of the cluster.
    pub fn find(&self, name: &str, catalog: &Catalog) -> Option<Arc<LoginUser>> {
        if let Some(user) = self.of_file.get(name) {
            return Some(user.clone());
        }
        let mut seen = self
            .of_cluster
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(user) = catalog.users.get(name) else {
            seen.remove(name);
            return None;
        };
        match seen.get(name) {
            // What was learned from a full login holds as long as the password does.
            Some(known) if known.of_cluster.as_ref() == Some(&user.password) => Some(known.clone()),
            _ => {
                let made = Arc::new(LoginUser::of_cluster(name, user).ok()?);
                seen.insert(name.to_string(), made.clone());
                Some(made)
            }
        }
    }

    /// True if somebody may log in without a password.
    pub fn any_without_password(&self) -> bool {
        self.of_file.values().any(|u| u.no_password)
    }
}

fn from_hex(s: &str) -> Option<Vec<u8>> {
    if !s.is_ascii() || s.len() % 2 == 1 {
        return None;
    }
    (0..s.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&s[i..i + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::auth::{native_scramble, sha2_scramble};

    #[test]
    fn both_verifiers_of_one_password() {
        let password = wire::password::verifiers("secret").unwrap().to_vec();
        let u = LoginUser::new(&UserConfig {
            name: "a".into(),
            password,
        })
        .unwrap();
        let nonce = b"01234567890123456789";
        let good = native_scramble(b"secret", nonce);
        assert_eq!(u.check(NATIVE, nonce, &good), Verdict::Accepted);
        assert_eq!(u.check(NATIVE, nonce, b""), Verdict::Rejected);
        let good = sha2_scramble(b"secret", nonce);
        assert_eq!(u.check(CACHING_SHA2, nonce, &good), Verdict::NeedsPassword);
        assert!(!u.check_password(b"Secret") && u.check_password(b"secret"));
        assert_eq!(u.check(CACHING_SHA2, nonce, &good), Verdict::Accepted);
        assert!(
            LoginUser::new(&UserConfig {
                name: "a".into(),
                password: vec!["plain".into()]
            })
            .is_err()
        );
    }
}
