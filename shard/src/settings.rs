//! Session settings as a value: what a connection has, what a session wants, and the SET between.

use std::collections::BTreeMap;
use std::rc::Rc;

/// Settings of a session that differ from those of a fresh connection. Keys are lower-case variable
/// names, or `@name` for user variables; values are SQL text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, String>,
}

/// What a fresh connection of ours has, where DEFAULT would mean something else.
fn fresh_value(name: &str) -> &'static str {
    match name {
        "character_set_client" | "character_set_results" | "character_set_connection" => "utf8mb4",
        "collation_connection" => "utf8mb4_general_ci",
        n if n.starts_with('@') => "NULL",
        _ => "DEFAULT",
    }
}

/// Settings that must be made in this order; all others come behind, by name.
const FIRST: [&str; 4] = [
    "character_set_client",
    "character_set_results",
    "character_set_connection",
    "collation_connection",
];

impl Settings {
    /// The text of a setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Number of settings.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True if nothing differs from a fresh connection.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Sets a variable to a text; a fresh connection's value takes the entry away.
    pub fn set(&mut self, name: &str, value: &str) {
        // Setting the character set resets the collation, and the other way round.
        match name {
            "character_set_connection" => {
                self.values.remove("collation_connection");
            }
            "collation_connection" => {
                self.values.remove("character_set_connection");
            }
            _ => {}
        }
        if value.eq_ignore_ascii_case(fresh_value(name)) && !name.starts_with('@') {
            self.values.remove(name);
        } else {
            self.values.insert(name.to_string(), value.to_string());
        }
    }

    /// User variables only.
    pub fn user_variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .filter(|(k, _)| k.starts_with('@'))
            .map(|(k, v)| (&k[..], &v[..]))
    }

    /// The same without user variables, which a statement without any need not have.
    pub fn without_user_variables(&self) -> Settings {
        let values = self.values.iter().filter(|(k, _)| !k.starts_with('@'));
        Settings {
            values: values.map(|(k, v)| (k.clone(), v.clone())).collect(),
        }
    }

    /// Bytes of names and values; sessions are bounded by it.
    pub fn bytes(&self) -> usize {
        self.values.iter().map(|(k, v)| k.len() + v.len()).sum()
    }

    /// The statement that turns a connection with `self` into one with `wanted`, if they differ.
    pub fn change_to(&self, wanted: &Settings) -> Option<String> {
        let mut changes: Vec<(&str, &str)> = Vec::new();
        for name in self.values.keys() {
            if !wanted.values.contains_key(name) {
                changes.push((name, fresh_value(name)));
            }
        }
        for (name, value) in &wanted.values {
            if self.values.get(name) != Some(value) {
                changes.push((name, value));
            }
        }
        if changes.is_empty() {
            return None;
        }
        // One of the two connection collation entries replaces the other: the fresh value of a
        // removed one must not undo the new one.
        let sets = |n: &str| wanted.values.contains_key(n);
        changes.retain(|(n, _)| match *n {
            "character_set_connection" => sets(n) || !sets("collation_connection"),
            "collation_connection" => sets(n) || !sets("character_set_connection"),
            _ => true,
        });
        let rank = |n: &str| FIRST.iter().position(|f| *f == n).unwrap_or(FIRST.len());
        changes.sort_by(|a, b| rank(a.0).cmp(&rank(b.0)).then(a.0.cmp(b.0)));
        let list: Vec<_> = changes.iter().map(|(n, v)| assignment(n, v)).collect();
        Some(format!("SET {}", list.join(", ")))
    }
}

fn assignment(name: &str, value: &str) -> String {
    match name.strip_prefix('@') {
        Some(user) => format!("@`{}` = {value}", user.replace('`', "``")),
        None => format!("{name} = {value}"),
    }
}

/// Keeps one value for equal settings on a thread, so that comparing is comparing pointers.
#[derive(Debug, Default)]
pub struct Interner {
    all: Vec<std::rc::Weak<Settings>>,
}

impl Interner {
    /// The shared value equal to `settings`.
    pub fn intern(&mut self, settings: Settings) -> Rc<Settings> {
        self.all.retain(|w| w.strong_count() > 0);
        for w in &self.all {
            if let Some(s) = w.upgrade().filter(|s| **s == settings) {
                return s;
            }
        }
        let s = Rc::new(settings);
        self.all.push(Rc::downgrade(&s));
        s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: &[(&str, &str)]) -> Settings {
        let mut s = Settings::default();
        list.iter().for_each(|(k, v)| s.set(k, v));
        s
    }

    #[test]
    fn only_the_difference_is_sent() {
        let a = of(&[("sql_mode", "''"), ("time_zone", "'+00:00'"), ("@x", "5")]);
        let b = of(&[("sql_mode", "''"), ("autocommit", "0")]);
        assert_eq!(
            a.change_to(&b).unwrap(),
            "SET @`x` = NULL, autocommit = 0, time_zone = DEFAULT"
        );
        assert_eq!(a.change_to(&a), None);
    }

    #[test]
    fn character_sets_come_first_and_do_not_undo_each_other() {
        let a = of(&[("character_set_connection", "latin1")]);
        let b = of(&[
            ("collation_connection", "utf8mb4_bin"),
            ("character_set_client", "latin1"),
        ]);
        assert_eq!(
            a.change_to(&b).unwrap(),
            "SET character_set_client = latin1, collation_connection = utf8mb4_bin"
        );
        let back = b.change_to(&Settings::default()).unwrap();
        assert_eq!(
            back,
            "SET character_set_client = utf8mb4, collation_connection = utf8mb4_general_ci"
        );
    }

    #[test]
    fn equal_settings_are_one_value() {
        let mut i = Interner::default();
        let a = i.intern(of(&[("autocommit", "0")]));
        let b = i.intern(of(&[("autocommit", "0")]));
        assert!(Rc::ptr_eq(&a, &b));
        assert!(of(&[("character_set_client", "utf8mb4")]).is_empty());
    }
}
