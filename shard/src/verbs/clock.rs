//! The server's clock as statements see it: several shards of one statement are given the same time.

use crate::conn::{Effect, Section, ServerConn};

impl ServerConn {
    /// Plans that NOW() is this time, in seconds since 1970, until a session wants the connection anew.
    pub fn plan_clock(&mut self, time: &str) {
        let sql = format!("SET timestamp = {time}");
        self.plan(Section::Request, &sql, Effect::Clock(true));
    }

    /// Plans that time goes on as the connection's settings have it.
    pub(crate) fn plan_running_clock(&mut self) {
        if self.clock_is_set() {
            let time = self.settings.get("timestamp").unwrap_or("DEFAULT");
            let sql = format!("SET timestamp = {time}");
            self.plan(Section::Session, &sql, Effect::Clock(false));
        }
    }
}
