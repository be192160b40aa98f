//! Which settings a plain read can notice. Sessions that differ only in the others share a pipeline.

use super::{Interner, Settings};
use std::rc::Rc;

/// Settings that change nothing of a plain read: a SELECT in autocommit mode from base tables, without a
/// lock, a variable, or a call of something that may change rows. Whatever is not listed matters.
const UNNOTICED: [&str; 16] = [
    // A statement outside of a transaction is one of its own either way.
    "autocommit",
    "tx_read_only",
    "transaction_read_only",
    // Of changes of rows.
    "auto_increment_increment",
    "auto_increment_offset",
    "foreign_key_checks",
    "unique_checks",
    "sql_safe_updates",
    "sql_warnings",
    "bulk_insert_buffer_size",
    "low_priority_updates",
    // Row locks, which such a read never waits for (lock_wait_timeout it does, behind DDL).
    "innodb_lock_wait_timeout",
    // Of the connection with the client, which is the proxy's.
    "wait_timeout",
    "interactive_timeout",
    "net_read_timeout",
    "net_write_timeout",
];

impl Settings {
    /// What of these a plain read can notice; user variables are not among it.
    fn noticed_by_plain_reads(&self) -> Settings {
        let noticed = |k: &str| !k.starts_with('@') && !UNNOTICED.contains(&k);
        let values = self.values.iter().filter(|(k, _)| noticed(k));
        Settings {
            values: values.map(|(k, v)| (k.clone(), v.clone())).collect(),
            plain_reads: Default::default(),
        }
    }
}

impl Interner {
    /// What a plain read can notice of `settings`, which are interned; computed once.
    pub fn for_plain_reads(&mut self, settings: &Rc<Settings>) -> Rc<Settings> {
        if let Some(known) = settings.plain_reads.get() {
            return known.as_ref().unwrap_or(settings).clone();
        }
        let noticed = settings.noticed_by_plain_reads();
        // Not of itself, which would never be freed.
        let of_others = (noticed != **settings).then(|| self.intern(noticed));
        let kept = settings.plain_reads.get_or_init(|| of_others);
        kept.as_ref().unwrap_or(settings).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_keeps_sessions_apart() {
        let mut interner = Interner::default();
        let mut of = |list: &[(&str, &str)]| {
            let mut s = Settings::default();
            list.iter().for_each(|(k, v)| s.set(k, v));
            let s = interner.intern(s);
            interner.for_plain_reads(&s)
        };
        let fresh = of(&[]);
        for list in [
            &[("foreign_key_checks", "0"), ("net_write_timeout", "600")][..],
            &[("@x", "1"), ("wait_timeout", "28800")],
            &[("innodb_lock_wait_timeout", "2"), ("sql_safe_updates", "1")],
        ] {
            assert!(Rc::ptr_eq(&fresh, &of(list)), "{list:?}");
        }
        for list in [
            &[("sql_mode", "''")][..],
            &[("time_zone", "'+01:00'")],
            &[("lock_wait_timeout", "2")],
            &[("tx_isolation", "'READ-UNCOMMITTED'")],
            &[("names", "latin1")],
            &[("some_new_variable", "1")],
        ] {
            assert!(!Rc::ptr_eq(&fresh, &of(list)), "{list:?}");
        }
        let one = of(&[("time_zone", "'+01:00'"), ("unique_checks", "0")]);
        assert!(Rc::ptr_eq(&one, &of(&[("time_zone", "'+01:00'")])));
    }
}
