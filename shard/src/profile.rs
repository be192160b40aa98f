//! What sessions must have in common to use one connection after each other without a change, or one
//! pipeline at once.

use crate::conn::{ConnClass, ServerConn};
use crate::settings::Settings;
use std::rc::Rc;

/// A session profile. Settings are interned, so comparing is comparing pointers.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What was agreed on at login.
    pub class: ConnClass,
    /// The settings.
    pub settings: Rc<Settings>,
    /// The current database.
    pub database: Option<Rc<str>>,
}

impl Profile {
    /// True if a session with one is served by a connection of the other as it is.
    pub fn equals(&self, other: &Profile) -> bool {
        self.has_settings_of(other) && self.database == other.database
    }

    /// True if they differ in the database at most.
    pub fn has_settings_of(&self, other: &Profile) -> bool {
        self.class == other.class && Rc::ptr_eq(&self.settings, &other.settings)
    }

    /// True if `conn` can be brought to this profile. A current database cannot be taken away again.
    pub(crate) fn can_have(&self, conn: &ServerConn) -> bool {
        conn.class == self.class && (self.database.is_some() || conn.database.is_none())
    }

    /// True if `conn` is as this profile wants it.
    pub(crate) fn is_of(&self, conn: &ServerConn) -> bool {
        conn.class == self.class && conn.is_ready_for(&self.settings, self.database.as_ref())
    }
}
