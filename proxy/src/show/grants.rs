//! SHOW GRANTS: from the users of the catalog.

use crate::session::{Session, Stop};
use catalog::{Catalog, Right, Rights};
use errors::RightsError;
use sql::ident::quote_name;
use wire::resultset::ResultSet;

/// Grants of the session's user, or of another one for those who may do everything.
pub(crate) fn rows(s: &Session, catalog: &Catalog, of: Option<&str>) -> Result<ResultSet, Stop> {
    let own = s.client.user.name.as_str();
    let name = of.unwrap_or(own);
    let asker = s.client.of_cluster(catalog)?;
    if name != own && asker.is_some_and(|u| !u.is_admin()) {
        let (user, other) = (own.to_string(), name.to_string());
        return Err(RightsError::GrantsOfOthers { user, other }.into());
    }
    let title = format!("Grants for {name}@%");
    let mut set = ResultSet::with_text_columns(&[title.as_str()]);
    let account = format!("{}@`%`", quote_name(name));
    let of_file = name == own && !s.client.user.is_of_cluster();
    if of_file || s.worker.shared.users.is_of_file(name) {
        set.row([format!("GRANT ALL PRIVILEGES ON *.* TO {account}")]);
        return Ok(set);
    }
    let Some(user) = catalog.users.get(name) else {
        let user = name.to_string();
        return Err(RightsError::NoSuchGrant { user }.into());
    };
    set.row([format!("GRANT USAGE ON *.* TO {account}")]);
    for (database, rights) in &user.grants {
        let on = match database.as_str() {
            catalog::user::EVERYWHERE => "*".to_string(),
            name => quote_name(name),
        };
        set.row([format!(
            "GRANT {} ON {on}.* TO {account}",
            privileges(*rights)
        )]);
    }
    Ok(set)
}

/// The server's names for rights, which tools read.
fn privileges(rights: Rights) -> String {
    if rights.allow(Right::Admin) {
        return "ALL PRIVILEGES".to_string();
    }
    let names = [
        (Right::Read, "SELECT, SHOW VIEW"),
        (
            Right::Write,
            "INSERT, UPDATE, DELETE, EXECUTE, LOCK TABLES, CREATE TEMPORARY TABLES",
        ),
        (
            Right::Ddl,
            "CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, TRIGGER, EVENT, CREATE ROUTINE, \
             ALTER ROUTINE",
        ),
    ];
    let allowed = names.iter().filter(|(r, _)| rights.allow(*r));
    allowed.map(|(_, n)| *n).collect::<Vec<_>>().join(", ")
}
