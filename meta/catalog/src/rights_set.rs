//! What a user may do, in one form for all who may do the same: they share the accounts on the shards.

use crate::user::{EVERYWHERE, Right, Rights, User};
use std::collections::BTreeMap;

/// Rights on databases. Two users who may do the same have equal sets, however that was granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RightsSet {
    everywhere: Rights,
    databases: BTreeMap<String, Rights>,
}

impl RightsSet {
    /// All rights on every database: users of the configuration file have them.
    pub fn everything() -> Self {
        Self {
            everywhere: Rights::of(&Right::ALL),
            databases: BTreeMap::new(),
        }
    }

    /// What a user may do.
    pub fn of(user: &User) -> Self {
        let on = |name: &str| {
            user.grants
                .get(name)
                .copied()
                .unwrap_or_default()
                .spelled_out()
        };
        let everywhere = on(EVERYWHERE);
        let named = user.grants.keys().filter(|name| *name != EVERYWHERE);
        let databases = named
            .map(|name| (name.clone(), on(name).without(everywhere)))
            .filter(|(_, rights)| !rights.is_empty())
            .collect();
        Self {
            everywhere,
            databases,
        }
    }

    /// What is granted on every database.
    pub fn everywhere(&self) -> Rights {
        self.everywhere
    }

    /// What may be done in a database.
    pub fn on(&self, database: &str) -> Rights {
        let named = self.databases.get(database).copied();
        named.unwrap_or_default().with(self.everywhere)
    }

    /// True if structure may be changed anywhere.
    pub fn changes_structure(&self) -> bool {
        let mut all = std::iter::once(&self.everywhere).chain(self.databases.values());
        all.any(|rights| rights.allow(Right::Ddl))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Verifiers;

    fn set(grants: &[(&str, &str)]) -> RightsSet {
        let mut user = User::new(Verifiers(Vec::new()));
        for (database, rights) in grants {
            user.grant(database, rights.parse().unwrap());
        }
        RightsSet::of(&user)
    }

    #[test]
    fn who_may_do_the_same_has_the_same_set() {
        let read = set(&[("*", "read")]);
        assert_eq!(set(&[("*", "read"), ("shop", "read")]), read);
        assert_ne!(set(&[("*", "read"), ("shop", "write")]), read);
        assert_eq!(
            set(&[("*", "admin"), ("shop", "read")]),
            RightsSet::everything()
        );
        assert_eq!(
            set(&[("a", "admin")]),
            set(&[("a", "read,write,ddl,admin")])
        );
        assert_eq!(set(&[]), RightsSet::default());
    }

    #[test]
    fn rights_everywhere_count_in_each_database() {
        let s = set(&[("*", "read"), ("shop", "write")]);
        assert!(s.on("shop").allow(Right::Read) && s.on("shop").allow(Right::Write));
        assert!(!s.on("bank").allow(Right::Write) && !s.changes_structure());
        assert!(set(&[("a", "admin")]).changes_structure());
    }
}
