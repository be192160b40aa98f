//! Session settings as a value: what a connection has, what a session wants, and the SET between.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

mod plain_reads;

/// Settings of a session that differ from those of a fresh connection. Keys are lower-case variable
/// names, or `@name` for user variables; values are SQL text.
#[derive(Debug, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
    /// What a plain read can notice of these, once somebody asked; `None` if that is all of them.
    plain_reads: OnceCell<Option<Rc<Settings>>>,
}

impl Clone for Settings {
    /// A clone is about to be changed, so it begins without what was computed.
    fn clone(&self) -> Self {
        Self {
            values: self.values.clone(),
            plain_reads: OnceCell::new(),
        }
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Eq for Settings {}

/// SET NAMES sets these; `names` itself is kept under this key, as the text behind the word.
const NAMES: &str = "names";

/// Variables that SET NAMES overwrites, in the order in which they must be set behind it.
const CHARACTER_SETS: [&str; 4] = [
    "character_set_client",
    "character_set_results",
    "character_set_connection",
    "collation_connection",
];

/// Variables that a client sets for itself: toward shards they are the proxy's.
const OF_CLIENT: &str = "session_track_";

/// What a fresh connection of ours has.
const FRESH_NAMES: &str = "utf8mb4";

fn is_character_set(name: &str) -> bool {
    name == NAMES || CHARACTER_SETS.contains(&name)
}

impl Settings {
    /// The text of a setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The names of all of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Number of settings.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True if nothing differs from a fresh connection.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// SET NAMES: the text behind the word, which overwrites all character sets.
    pub fn set_names(&mut self, charset: &str, collation: Option<&str>) {
        CHARACTER_SETS
            .iter()
            .for_each(|c| drop(self.values.remove(*c)));
        match collation {
            None if charset == FRESH_NAMES => drop(self.values.remove(NAMES)),
            None => drop(self.values.insert(NAMES.to_string(), charset.to_string())),
            Some(c) => {
                let text = format!("{charset} COLLATE {c}");
                self.values.insert(NAMES.to_string(), text);
            }
        }
    }

    /// The character set that statements are in.
    pub fn client_charset(&self) -> &str {
        let names = || self.get(NAMES).and_then(|n| n.split(' ').next());
        let text = self
            .get("character_set_client")
            .or_else(names)
            .unwrap_or(FRESH_NAMES);
        text.trim_matches('\'')
    }

    /// Sets a variable to a text; DEFAULT takes the entry away, except for character sets.
    pub fn set(&mut self, name: &str, value: &str) {
        // Setting the character set resets the collation, and the other way round.
        match name {
            "character_set_connection" => drop(self.values.remove("collation_connection")),
            "collation_connection" => drop(self.values.remove("character_set_connection")),
            _ => {}
        }
        let plain = !name.starts_with('@') && !is_character_set(name);
        if plain && value.eq_ignore_ascii_case("DEFAULT") {
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

    /// The same without user variables, which a statement without any need not have, and without what no
    /// connection is told.
    pub fn without_user_variables(&self) -> Settings {
        let plain = |k: &str| !k.starts_with('@') && !k.starts_with(OF_CLIENT);
        let values = self.values.iter().filter(|(k, _)| plain(k));
        Settings {
            values: values.map(|(k, v)| (k.clone(), v.clone())).collect(),
            plain_reads: OnceCell::new(),
        }
    }

    /// Bytes of names and values; sessions are bounded by it.
    pub fn bytes(&self) -> usize {
        self.values.iter().map(|(k, v)| k.len() + v.len()).sum()
    }

    /// The statement that turns a connection with `self` into one with `wanted`, if they differ.
    pub fn change_to(&self, wanted: &Settings) -> Option<String> {
        let mut changes: Vec<String> = Vec::new();
        let differs = |n: &str| self.values.get(n) != wanted.values.get(n);
        if differs(NAMES) || CHARACTER_SETS.iter().any(|c| differs(c)) {
            let names = wanted.get(NAMES).unwrap_or(FRESH_NAMES);
            changes.push(format!("NAMES {names}"));
            let set = |c: &&str| wanted.get(c).map(|v| format!("{c} = {v}"));
            changes.extend(CHARACTER_SETS.iter().filter_map(set));
        }
        let told = |n: &str| !is_character_set(n) && !n.starts_with(OF_CLIENT);
        for name in self.values.keys().filter(|n| told(n)) {
            if !wanted.values.contains_key(name) {
                if name.starts_with('@') {
                    // NULL alone would keep the type that the variable has.
                    changes.push(assignment(name, "x''"));
                    changes.push(assignment(name, "NULL"));
                } else {
                    changes.push(assignment(name, "DEFAULT"));
                }
            }
        }
        for (name, value) in wanted.values.iter().filter(|(n, _)| told(n)) {
            if self.values.get(name) != Some(value) {
                changes.push(assignment(name, value));
            }
        }
        (!changes.is_empty()).then(|| format!("SET {}", changes.join(", ")))
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
        let change = "SET @`x` = x'', @`x` = NULL, time_zone = DEFAULT, autocommit = 0";
        assert_eq!(a.change_to(&b).unwrap(), change);
        assert_eq!(a.change_to(&a), None);
    }

    #[test]
    fn names_come_first_and_single_character_sets_behind_them() {
        let mut a = Settings::default();
        a.set_names("latin1", None);
        a.set("character_set_results", "NULL");
        let mut b = Settings::default();
        b.set_names("utf8mb4", Some("utf8mb4_bin"));
        assert_eq!(
            a.change_to(&b).unwrap(),
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin"
        );
        assert_eq!(
            b.change_to(&a).unwrap(),
            "SET NAMES latin1, character_set_results = NULL"
        );
        assert_eq!(
            a.change_to(&Settings::default()).unwrap(),
            "SET NAMES utf8mb4"
        );
        assert_eq!(a.client_charset(), "latin1");
    }

    #[test]
    fn equal_settings_are_one_value() {
        let mut i = Interner::default();
        let a = i.intern(of(&[("autocommit", "0")]));
        let b = i.intern(of(&[("autocommit", "0")]));
        assert!(Rc::ptr_eq(&a, &b));
        assert!(of(&[("time_zone", "DEFAULT")]).is_empty());
    }
}
