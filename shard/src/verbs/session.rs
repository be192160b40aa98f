//! Settings and current database.

use crate::conn::{Effect, Section, ServerConn};
use crate::error::ShardError;
use crate::settings::Settings;
use sql::ident::quote_name;
use std::rc::Rc;

impl ServerConn {
    /// Plans what brings settings, database and clock to what a session wants, in place of what was planned
    /// for another request; the beginning of a transaction stays planned. A current database cannot be
    /// taken away again, so a session without one must be given a connection without one.
    pub fn plan_session(&mut self, settings: &Rc<Settings>, database: Option<&Rc<str>>) {
        self.unplan(Section::Session);
        self.unplan(Section::Request);
        self.plan_running_clock();
        if !Rc::ptr_eq(&self.settings, settings) {
            match self.settings.change_to(settings) {
                Some(set) => {
                    let effect = Effect::Settings(settings.clone());
                    self.plan(Section::Session, &set, effect);
                }
                None => self.settings = settings.clone(),
            }
        }
        if let Some(db) = database
            && self.database.as_ref() != Some(db)
        {
            let sql = format!("USE {}", quote_name(db));
            self.plan(Section::Session, &sql, Effect::Database(db.clone()));
        }
    }

    /// Brings settings and database to what a session wants.
    pub async fn use_session(
        &mut self,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
    ) -> Result<(), ShardError> {
        self.plan_session(settings, database);
        self.confirm().await
    }
}
