//! What a session knows of its client: who it is, its settings, its database, its prepared statements, and
//! what its last statements left.

use crate::auth::users::LoginUser;
use crate::registry::SessionInfo;
use crate::session::Stop;
use crate::session::outcome::Last;
use crate::session::settings::SessionSettings;
use crate::session::statements::Statements;
use crate::worker::Worker;
use catalog::Catalog;
use errors::ClientError;
use router::args::ParamRef;
use router::{Args, PlanContext};
use shard::ConnClass;
use std::rc::Rc;
use std::sync::Arc;

/// The client's side of a session's state.
pub(crate) struct ClientState {
    /// What others see of the session.
    pub info: Arc<SessionInfo>,
    /// Who it is.
    pub user: Arc<LoginUser>,
    /// What its server connections must have agreed on.
    pub class: ConnClass,
    /// The epoch by which the account in it was chosen.
    pub rights_of: Option<u64>,
    /// Its settings.
    pub settings: SessionSettings,
    /// Its current database.
    pub database: Option<Rc<str>>,
    /// Several statements in one COM_QUERY are allowed.
    pub multi_statements: bool,
    /// What its last statements left.
    pub last: Last,
    /// Prepared statements.
    pub statements: Statements,
    /// COMMIT RELEASE and the like: the session ends after the answer.
    pub release: bool,
}

impl ClientState {
    /// As after a login: nothing is set, nothing prepared.
    pub(crate) fn reset(&mut self, worker: &Worker) {
        self.settings = SessionSettings::fresh(worker);
        self.last = Last::default();
        self.statements.clear();
    }

    /// Makes a database current.
    pub(crate) fn use_database(&mut self, worker: &Worker, name: &str) -> Result<(), Stop> {
        let catalog = worker.catalog();
        self.authorize_entry(&catalog, name)?;
        if !catalog.databases.contains_key(name) && !router::scope::is_system_schema(name) {
            return Err(ClientError::unknown_database(name).into());
        }
        self.database = Some(worker.database_name(name));
        self.info.set_identity(&self.user.name, Some(name));
        Ok(())
    }

    /// What the session's statements are planned against.
    pub(crate) fn plan_context<'c>(
        &'c self,
        worker: &Worker,
        catalog: &'c Catalog,
    ) -> PlanContext<'c> {
        PlanContext {
            catalog,
            database: self.database.as_deref(),
            mode: self.settings.mode,
            flavor: worker.flavor.get(),
        }
    }

    /// The values of one execution, as routing reads them.
    pub(crate) fn args<'c>(
        &self,
        text: &'c [u8],
        tokens: &'c [sql::Token],
        params: &'c [ParamRef<'c>],
    ) -> Args<'c> {
        Args {
            text,
            tokens,
            mode: self.settings.mode,
            utf8: self.settings.utf8,
            params,
        }
    }
}
