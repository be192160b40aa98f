//! What a user may do and see.

use crate::session::Stop;
use crate::session::client_state::ClientState;
use catalog::{Catalog, Right};
use errors::{ClientError, LoginError, RightsError};
use peers::Whose;
use router::{Privilege, RequiredPrivileges};

impl ClientState {
    /// The session's user as the catalog has it; `None` for users of the configuration file, who may do
    /// everything.
    pub(crate) fn of_cluster(&self, catalog: &Catalog) -> Result<Option<catalog::User>, Stop> {
        if !self.user.is_of_cluster() {
            return Ok(None);
        }
        match catalog.users.get(&self.user.name) {
            Some(user) => Ok(Some(user.clone())),
            None => Err(self.dropped()),
        }
    }

    fn dropped(&self) -> Stop {
        let user = self.user.name.clone();
        LoginError::UserDropped { user }.into()
    }

    /// Refuses what the user has no right to.
    pub(crate) fn authorize(
        &self,
        catalog: &Catalog,
        needed: &RequiredPrivileges,
    ) -> Result<(), Stop> {
        if !self.user.is_of_cluster() {
            return Ok(());
        }
        let name = &self.user.name;
        let user = catalog.users.get(name).ok_or_else(|| self.dropped())?;
        let Some(missing) = needed.missing(user) else {
            return Ok(());
        };
        Err(match missing {
            Privilege::Enter(database) | Privilege::In(Right::Admin, database) => {
                no_entry(name, database).into()
            }
            Privilege::In(right, database) => {
                let (user, database) = (name.clone(), database.to_string());
                let right = right.name();
                RightsError::NoRight {
                    right,
                    user,
                    database,
                }
                .into()
            }
            Privilege::Server(what) => {
                let what = what.to_string();
                RightsError::NotAdmin { what }.into()
            }
        })
    }

    /// Refuses a database in which the user has no right at all.
    pub(crate) fn authorize_entry(&self, catalog: &Catalog, database: &str) -> Result<(), Stop> {
        match self.of_cluster(catalog)? {
            Some(user) if !may_use(&user, database) => {
                Err(no_entry(&self.user.name, database).into())
            }
            _ => Ok(()),
        }
    }

    /// Whose sessions the user may see and end, at every proxy.
    pub(crate) fn may_end(&self, catalog: &Catalog) -> Result<Whose, Stop> {
        let user = self.of_cluster(catalog)?;
        Ok(match user.is_none_or(|u| u.is_admin()) {
            true => Whose::Anybodys,
            false => Whose::User(self.user.name.clone()),
        })
    }

    /// True if the user may see a database.
    pub(crate) fn sees(&self, catalog: &Catalog, database: &str) -> Result<bool, Stop> {
        let user = self.of_cluster(catalog)?;
        Ok(user.is_none_or(|u| may_use(&u, database)))
    }
}

/// True if a user may make a database current.
pub(crate) fn may_use(user: &catalog::User, database: &str) -> bool {
    if router::scope::is_system_schema(database) {
        return user.is_admin() || database.eq_ignore_ascii_case("information_schema");
    }
    user.may_enter(database)
}

/// The error of a database in which a user has no right at all.
pub(crate) fn no_entry(user: &str, database: &str) -> ClientError {
    let (user, database) = (user.to_string(), database.to_string());
    RightsError::NoRightOnDatabase { user, database }.into()
}
