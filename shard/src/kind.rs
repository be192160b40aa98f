//! All shards of a cluster are of one kind of server: what a statement means is decided before its shards
//! are.

use sql::Flavor;
use std::sync::{Arc, OnceLock};

/// The kind that the first server had which answered; shared by all shards of a process.
#[derive(Debug, Clone, Default)]
pub struct ServerKind(Arc<OnceLock<bool>>);

impl ServerKind {
    /// Says why a server of another kind cannot be used; the first one decides.
    pub(crate) fn admit(&self, server: Flavor) -> Result<(), String> {
        self.0.get_or_init(|| server.mariadb);
        self.differs(server).map_or(Ok(()), Err)
    }

    /// Why a server is not of this kind, if it is not.
    pub fn differs(&self, server: Flavor) -> Option<String> {
        let name = |mariadb: bool| if mariadb { "MariaDB" } else { "MySQL" };
        let mariadb = *self.0.get()?;
        (mariadb != server.mariadb).then(|| {
            format!(
                "it is a {} server, and the other shards are {}: a statement would not mean the same on all",
                name(server.mariadb),
                name(mariadb)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_server_decides() {
        let (kind, other) = (ServerKind::default(), Flavor::from_version("8.0.36"));
        kind.admit(Flavor::default()).unwrap();
        let why = kind.clone().admit(other).unwrap_err();
        assert!(why.starts_with("it is a MySQL server"), "{why}");
        kind.admit(Flavor::from_version("11.4.2-MariaDB")).unwrap();
    }
}
