//! Users of the cluster: verifiers of their passwords, and rights by database.

use crate::command::Rejected;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// In place of a database's name: every database.
pub const EVERYWHERE: &str = "*";

/// Longest user name, in characters (MariaDB's limit).
const NAME_CHARS_MAX: usize = 80;
/// Most verifiers of one password: one for each authentication plugin.
const VERIFIERS_MAX: usize = 2;
/// Longest verifier, in bytes.
const VERIFIER_BYTES_MAX: usize = 256;

/// What a password is checked against, never the password: `*HEX` for mysql_native_password and
/// `$5$rounds=...$salt$hash` for caching_sha2_password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Verifiers(pub Vec<String>);

impl std::fmt::Debug for Verifiers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(verifiers)")
    }
}

impl Verifiers {
    /// Why they cannot be.
    pub fn check(&self) -> Result<(), String> {
        let native = |v: &str| {
            let hex = v.strip_prefix('*').unwrap_or_default();
            hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit())
        };
        let crypt = |v: &str| v.starts_with("$5$") && v.len() <= VERIFIER_BYTES_MAX && v.is_ascii();
        let fine = self.0.iter().all(|v| native(v) || crypt(v));
        if fine && (1..=VERIFIERS_MAX).contains(&self.0.len()) {
            return Ok(());
        }
        Err("a password comes as what `shardwright hash-password` prints for it".to_string())
    }
}

/// Why a user cannot have this name.
pub fn check_name(name: &str) -> Result<(), String> {
    let count = name.chars().count();
    if (1..=NAME_CHARS_MAX).contains(&count) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(format!(
        "a user's name has 1 to {NAME_CHARS_MAX} characters, none of them a control character"
    ))
}

/// One thing that a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// SELECT and looking at structure.
    Read,
    /// INSERT, UPDATE, DELETE, CALL, locks.
    Write,
    /// CREATE, ALTER, DROP and the like of tables, indexes, views and routines.
    Ddl,
    /// All of these, and the database itself; on every database: the server's own matters too.
    Admin,
}

impl Right {
    /// All of them.
    pub const ALL: [Right; 4] = [Right::Read, Right::Write, Right::Ddl, Right::Admin];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Right::Read => "read",
            Right::Write => "write",
            Right::Ddl => "ddl",
            Right::Admin => "admin",
        }
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// A set of rights; `read,write` as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rights(u8);

impl Rights {
    /// The set with these.
    pub fn of(list: &[Right]) -> Self {
        Self(list.iter().fold(0, |bits, r| bits | r.bit()))
    }

    /// True if a right is in it, by itself or because `admin` is.
    pub fn allow(self, right: Right) -> bool {
        self.0 & (right.bit() | Right::Admin.bit()) != 0
    }

    /// The rights of both.
    pub fn with(self, other: Rights) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that the other has not.
    pub fn without(self, other: Rights) -> Self {
        Self(self.0 & !other.0)
    }

    /// The same set with every right in it that it implies: `admin` implies all.
    pub fn spelled_out(self) -> Self {
        match self.allow(Right::Admin) {
            true => Self::of(&Right::ALL),
            false => self,
        }
    }

    /// True if there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Display for Rights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = Right::ALL.iter().filter(|r| self.0 & r.bit() != 0);
        let names: Vec<_> = names.map(|r| r.name()).collect();
        f.write_str(&names.join(","))
    }
}

impl std::str::FromStr for Rights {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut out = Rights::default();
        for word in text.split(',').map(str::trim) {
            let right = Right::ALL.iter().find(|r| r.name() == word);
            let right = right.ok_or_else(|| {
                format!("{word:?} is no right; there are read, write, ddl and admin")
            })?;
            out.0 |= right.bit();
        }
        Ok(out)
    }
}

impl TryFrom<String> for Rights {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rights> for String {
    fn from(rights: Rights) -> String {
        rights.to_string()
    }
}

/// A user of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What its password is checked against.
    pub password: Verifiers,
    /// Rights by database; those under `*` hold for every database.
    #[serde(default)]
    pub grants: BTreeMap<String, Rights>,
}

impl User {
    /// One without rights.
    pub fn new(password: Verifiers) -> Self {
        let grants = BTreeMap::new();
        Self { password, grants }
    }

    /// More rights on a database.
    pub fn grant(&mut self, database: &str, rights: Rights) {
        let own = self.grants.entry(database.to_string()).or_default();
        own.0 |= rights.0;
    }

    /// Fewer rights on a database. What was granted on all cannot be taken from one.
    pub fn revoke(&mut self, database: &str, rights: Rights) -> Result<(), Rejected> {
        let own = self
            .grants
            .get_mut(database)
            .filter(|own| own.0 & rights.0 != 0);
        let Some(own) = own else {
            return Err(Rejected::Missing(format!(
                "a grant of {rights} on {database}"
            )));
        };
        own.0 &= !rights.0;
        if own.is_empty() {
            self.grants.remove(database);
        }
        Ok(())
    }

    /// True if the user may do this in a database.
    pub fn may(&self, right: Right, database: &str) -> bool {
        let on = |name: &str| self.grants.get(name).is_some_and(|r| r.allow(right));
        on(database) || on(EVERYWHERE)
    }

    /// True if the user has any right in a database.
    pub fn may_enter(&self, database: &str) -> bool {
        Right::ALL.iter().any(|r| self.may(*r, database))
    }

    /// True if the user may do everything, the server's own matters included.
    pub fn is_admin(&self) -> bool {
        let all = self.grants.get(EVERYWHERE);
        all.is_some_and(|r| r.allow(Right::Admin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> User {
        User::new(Verifiers(vec![format!("*{}", "0".repeat(40))]))
    }

    #[test]
    fn rights_add_up_and_go() {
        let mut u = user();
        assert!(!u.may_enter("shop"));
        u.grant("shop", Rights::of(&[Right::Read]));
        u.grant("shop", "write,ddl".parse().unwrap());
        assert!(u.may(Right::Ddl, "shop") && !u.may(Right::Admin, "shop"));
        assert!(!u.may_enter("other"));
        u.revoke("shop", "read,ddl".parse().unwrap()).unwrap();
        assert_eq!(u.grants["shop"].to_string(), "write");
        assert!(u.revoke("shop", Rights::of(&[Right::Read])).is_err());
        u.revoke("shop", Rights::of(&[Right::Write])).unwrap();
        assert!(u.grants.is_empty());
    }

    #[test]
    fn admin_is_everything_where_it_is_granted() {
        let mut u = user();
        u.grant("shop", Rights::of(&[Right::Admin]));
        assert!(u.may(Right::Write, "shop") && !u.is_admin());
        u.grant(EVERYWHERE, Rights::of(&[Right::Admin]));
        assert!(u.is_admin() && u.may(Right::Ddl, "other"));
    }

    #[test]
    fn what_is_no_password_is_refused() {
        assert!(user().password.check().is_ok());
        for bad in [vec![], vec!["secret"], vec!["*12"], vec!["$6$x"]] {
            let list = bad.into_iter().map(String::from).collect();
            assert!(Verifiers(list).check().is_err());
        }
        assert!("read, write".parse::<Rights>().is_ok());
        assert!("drop".parse::<Rights>().is_err() && "".parse::<Rights>().is_err());
        let shown = format!("{:?}", user());
        assert!(!shown.contains("000"), "{shown}");
    }
}
