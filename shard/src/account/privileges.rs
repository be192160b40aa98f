//! What a set of rights is on a server.

use super::AccountId;
use catalog::{Right, Rights};

/// The process's own account: it looks at the server, and at definitions that a server shows to nobody else,
/// and never at rows.
const OWN: [&str; 1] = ["SHOW VIEW"];
/// Whoever may read or change rows. MySQL and MariaDB want SELECT for the WHERE of an UPDATE too; reads over
/// several shards are put together in temporary tables.
const ROWS: [&str; 5] = [
    "SELECT",
    "EXECUTE",
    "LOCK TABLES",
    "CREATE TEMPORARY TABLES",
    "SHOW VIEW",
];
const CHANGES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];
/// Without them a server hides triggers, events and columns; what they define is nobody's else.
const SEES_STRUCTURE: [&str; 4] = ["SHOW VIEW", "REFERENCES", "TRIGGER", "EVENT"];
/// RENAME asks for INSERT, whatever the table is.
const STRUCTURE: [&str; 8] = [
    "CREATE",
    "ALTER",
    "DROP",
    "INDEX",
    "INSERT",
    "CREATE VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
];

/// Privileges of an account for rows in a database in which its users have these rights.
pub(super) fn of_rows(rights: Rights) -> Vec<&'static str> {
    in_database(AccountId::ROWS, rights)
}

/// Privileges of an account in a database in which its users have these rights.
pub(super) fn in_database(id: AccountId, rights: Rights) -> Vec<&'static str> {
    if id == AccountId::OWN {
        return OWN.to_vec();
    }
    let ddl = rights.allow(Right::Ddl);
    let lists: [(bool, &[&'static str]); 4] = [
        (
            rights.allow(Right::Read) || rights.allow(Right::Write),
            &ROWS,
        ),
        (rights.allow(Right::Write), &CHANGES),
        (ddl, &SEES_STRUCTURE),
        (ddl && id.is_structure(), &STRUCTURE),
    ];
    let mut out: Vec<&'static str> = Vec::new();
    for privilege in lists
        .iter()
        .filter(|(has, _)| *has)
        .flat_map(|(_, list)| *list)
    {
        if !out.contains(privilege) {
            out.push(privilege);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_the_rights_say() {
        let rows = AccountId::of_set(0);
        let of = |id, text: &str| in_database(id, text.parse().unwrap());
        assert!(!of(rows, "read").contains(&"INSERT"));
        assert!(of(rows, "write").contains(&"SELECT"));
        assert!(!of(rows, "ddl").contains(&"SELECT") && !of(rows, "admin").contains(&"DROP"));
        assert!(of(rows.structure(), "ddl").contains(&"DROP"));
        assert!(!of(rows.structure(), "read,write").contains(&"CREATE"));
        assert!(in_database(rows, Rights::default()).is_empty());
        let mut all = of(rows.structure(), "admin");
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "each once: {all:?}");
    }
}
