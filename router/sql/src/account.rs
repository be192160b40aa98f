//! CREATE, ALTER and DROP USER, GRANT, REVOKE and SET PASSWORD, as far as the catalog's users can follow
//! them. What they cannot follow is said by name; no message repeats a password.

use crate::cursor::Cursor;
use crate::lexer::{Op, TokenKind};

mod privileges;
pub use privileges::Granted;

/// A user as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedUser {
    /// The name; `None` for CURRENT_USER.
    pub name: Option<String>,
    /// The host, if one stands there.
    pub host: Option<String>,
}

/// What a password is given as.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Itself.
    Password(String),
    /// What a server keeps of it for mysql_native_password.
    Hash(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// A statement about users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountStatement {
    /// CREATE USER.
    Create {
        /// Users with their passwords.
        users: Vec<(NamedUser, Secret)>,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// ALTER USER and SET PASSWORD.
    Password {
        /// Users with their new passwords.
        users: Vec<(NamedUser, Secret)>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// DROP USER.
    Drop {
        /// The users.
        users: Vec<NamedUser>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// GRANT, or REVOKE.
    Rights {
        /// REVOKE.
        revoke: bool,
        /// What.
        granted: Granted,
        /// The database; `*` stands for all, `None` for the current one.
        database: Option<String>,
        /// The users.
        users: Vec<NamedUser>,
    },
    /// REVOKE ALL PRIVILEGES, GRANT OPTION FROM users.
    RevokeAll(Vec<NamedUser>),
    /// One of these with something that the catalog's users do not have.
    Unsupported(&'static str),
}

impl AccountStatement {
    /// Users that it names.
    pub fn users(&self) -> Vec<&NamedUser> {
        match self {
            Self::Create { users, .. } | Self::Password { users, .. } => {
                users.iter().map(|(user, _)| user).collect()
            }
            Self::Drop { users, .. } | Self::Rights { users, .. } | Self::RevokeAll(users) => {
                users.iter().collect()
            }
            Self::Unsupported(_) => Vec::new(),
        }
    }
}

/// Stops reading: what is not supported.
type Read<T> = Result<T, &'static str>;

const SYNTAX: &str = "this syntax";
const ROLES: &str = "roles";
const OPTIONS: &str = "options of users other than IDENTIFIED BY";

/// Reads a statement about users; `None` for any other.
pub fn parse(c: Cursor<'_>) -> Option<AccountStatement> {
    let mut at = c;
    let read = match at.eat_one(&[
        "CREATE", "ALTER", "DROP", "RENAME", "GRANT", "REVOKE", "SET",
    ])? {
        "SET" if at.eat("PASSWORD") => set_password(&mut at),
        "SET" if at.is_word("ROLE") || at.is_word("DEFAULT") => Err(ROLES),
        "SET" => return None,
        "GRANT" => rights(&mut at, false),
        "REVOKE" => rights(&mut at, true),
        verb => {
            let or_replace = at.eat_all(&["OR", "REPLACE"]);
            match at.eat_one(&["USER", "ROLE"])? {
                "ROLE" => Err(ROLES),
                _ if or_replace => Err("OR REPLACE for users"),
                _ => users(&mut at, verb),
            }
        }
    };
    Some(read.unwrap_or_else(AccountStatement::Unsupported))
}

fn ended<T>(c: &mut Cursor<'_>, value: T, otherwise: &'static str) -> Read<T> {
    c.eat_op(Op::Semicolon);
    if c.at_end() {
        Ok(value)
    } else {
        Err(otherwise)
    }
}

fn users(c: &mut Cursor<'_>, verb: &str) -> Read<AccountStatement> {
    match verb {
        "CREATE" => {
            let if_not_exists = c.eat_all(&["IF", "NOT", "EXISTS"]);
            let users = with_secrets(c)?;
            let read = AccountStatement::Create {
                users,
                if_not_exists,
            };
            ended(c, read, OPTIONS)
        }
        "ALTER" => {
            let if_exists = c.eat_all(&["IF", "EXISTS"]);
            let users = with_secrets(c)?;
            ended(c, AccountStatement::Password { users, if_exists }, OPTIONS)
        }
        "DROP" => {
            let if_exists = c.eat_all(&["IF", "EXISTS"]);
            let users = list(c)?;
            ended(c, AccountStatement::Drop { users, if_exists }, SYNTAX)
        }
        _ => Err("RENAME USER"),
    }
}

/// `user [, user] ...`
fn list(c: &mut Cursor<'_>) -> Read<Vec<NamedUser>> {
    let mut out = vec![named(c)?];
    while c.eat_op(Op::Comma) {
        out.push(named(c)?);
    }
    Ok(out)
}

fn named(c: &mut Cursor<'_>) -> Read<NamedUser> {
    let own = c.is_word("CURRENT_USER");
    let name = c.name_or_string().ok_or(SYNTAX)?;
    if own {
        if c.is_op(Op::LParen) {
            c.skip_group().ok_or(SYNTAX)?;
        }
        return Ok(NamedUser {
            name: None,
            host: None,
        });
    }
    let host = c.peek().filter(|t| t.kind == TokenKind::UserVar);
    let host = host.map(|t| {
        c.next();
        let raw = String::from_utf8_lossy(c.bytes(t)).into_owned();
        let host = raw.trim_start_matches('@').trim();
        host.trim_matches(['\'', '"', '`']).to_string()
    });
    Ok(NamedUser {
        name: Some(name),
        host,
    })
}

/// `user IDENTIFIED ... [, ...]` and what may follow without saying anything.
fn with_secrets(c: &mut Cursor<'_>) -> Read<Vec<(NamedUser, Secret)>> {
    let mut out = Vec::new();
    loop {
        let user = named(c)?;
        if !c.eat("IDENTIFIED") {
            return Err("users without IDENTIFIED BY 'password'");
        }
        out.push((user, secret(c)?));
        if !c.eat_op(Op::Comma) {
            break;
        }
    }
    while c.eat_all(&["REQUIRE", "NONE"])
        || c.eat_all(&["ACCOUNT", "UNLOCK"])
        || c.eat_all(&["PASSWORD", "EXPIRE", "NEVER"])
        || c.eat_all(&["PASSWORD", "EXPIRE", "DEFAULT"])
    {}
    Ok(out)
}

/// What stands behind IDENTIFIED.
fn secret(c: &mut Cursor<'_>) -> Read<Secret> {
    if c.eat("BY") {
        let hashed = c.eat("PASSWORD");
        let text = c.string().ok_or("passwords that are no plain strings")?;
        return Ok(if hashed {
            Secret::Hash(text)
        } else {
            Secret::Password(text)
        });
    }
    c.eat_one(&["WITH", "VIA"]).ok_or(SYNTAX)?;
    let plugin = c.name_or_string().ok_or(SYNTAX)?;
    let plugins = ["mysql_native_password", "caching_sha2_password"];
    if !plugins.iter().any(|p| plugin.eq_ignore_ascii_case(p)) {
        return Err("plugins other than mysql_native_password and caching_sha2_password");
    }
    if c.eat("BY") {
        return c.string().map(Secret::Password).ok_or(SYNTAX);
    }
    c.eat_one(&["USING", "AS"])
        .ok_or("users without a password")?;
    value(c)
}

/// `PASSWORD('text')` or a hash.
fn value(c: &mut Cursor<'_>) -> Read<Secret> {
    if c.eat("PASSWORD") {
        let open = c.eat_op(Op::LParen);
        let text = c.string().filter(|_| open).ok_or(SYNTAX)?;
        let closed = c.eat_op(Op::RParen);
        return Some(Secret::Password(text))
            .filter(|_| closed)
            .ok_or(SYNTAX);
    }
    c.string().map(Secret::Hash).ok_or(SYNTAX)
}

/// `SET PASSWORD [FOR user] = 'text' | PASSWORD('text')`. MariaDB takes a plain string for a hash, MySQL for
/// the password; a hash is known by its form.
fn set_password(c: &mut Cursor<'_>) -> Read<AccountStatement> {
    let user = match c.eat("FOR") {
        true => named(c)?,
        false => NamedUser {
            name: None,
            host: None,
        },
    };
    if !c.eat_op(Op::Eq) {
        return Err(SYNTAX);
    }
    let secret = match value(c)? {
        Secret::Hash(text) if !is_hash(&text) => Secret::Password(text),
        other => other,
    };
    let read = AccountStatement::Password {
        users: vec![(user, secret)],
        if_exists: false,
    };
    ended(c, read, SYNTAX)
}

fn is_hash(text: &str) -> bool {
    let hex = text.strip_prefix('*').unwrap_or_default();
    hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What follows GRANT or REVOKE.
fn rights(c: &mut Cursor<'_>, revoke: bool) -> Read<AccountStatement> {
    let granted = privileges::read(c)?;
    if revoke && granted == Granted::All && c.eat_op(Op::Comma) {
        if !(c.eat_all(&["GRANT", "OPTION"]) && c.eat("FROM")) {
            return Err(SYNTAX);
        }
        let users = list(c)?;
        return ended(c, AccountStatement::RevokeAll(users), SYNTAX);
    }
    if !c.eat("ON") {
        return Err(ROLES);
    }
    let database = scope(c)?;
    if !c.eat(if revoke { "FROM" } else { "TO" }) {
        return Err(SYNTAX);
    }
    let users = list(c)?;
    if c.is_word("IDENTIFIED") {
        return Err(
            "GRANT that makes users or changes passwords: CREATE USER and ALTER USER do that",
        );
    }
    let passed_on = !revoke && c.eat_all(&["WITH", "GRANT", "OPTION"]);
    // Whoever may do everything may grant it.
    if passed_on && !(granted == Granted::All && database.as_deref() == Some("*")) {
        return Err("WITH GRANT OPTION other than with ALL PRIVILEGES ON *.*");
    }
    let read = AccountStatement::Rights {
        revoke,
        granted,
        database,
        users,
    };
    ended(c, read, SYNTAX)
}

/// `*.*`, `database.*` or `*`.
fn scope(c: &mut Cursor<'_>) -> Read<Option<String>> {
    const GRAIN: &str = "rights on tables, columns and routines: rights are by database";
    if c.is_word("FUNCTION") || c.is_word("PROCEDURE") || c.is_word("PACKAGE") {
        return Err(GRAIN);
    }
    c.eat("TABLE");
    if c.eat_op(Op::Star) {
        if !c.eat_op(Op::Dot) {
            return Ok(None);
        }
        return match c.eat_op(Op::Star) {
            true => Ok(Some("*".to_string())),
            false => Err(SYNTAX),
        };
    }
    let database = c.name().ok_or(SYNTAX)?;
    match c.eat_op(Op::Dot) && c.eat_op(Op::Star) {
        // GRANT reads patterns; names of the catalog are no patterns.
        true => Ok(Some(database.replace("\\_", "_").replace("\\%", "%"))),
        false => Err(GRAIN),
    }
}

#[cfg(test)]
mod tests;
