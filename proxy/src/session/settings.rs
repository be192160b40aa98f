//! The session's settings, and what follows from them for reading its statements.

use crate::worker::Worker;
use errors::SettingError;
use shard::Settings;
use sql::LexMode;
use std::rc::Rc;
use std::time::Duration;

/// Settings of a session. Equal ones are one value on a worker, so that comparing is comparing pointers.
#[derive(Debug)]
pub(crate) struct SessionSettings {
    /// All of them.
    pub all: Rc<Settings>,
    /// The same without user variables, which a statement without any need not have.
    pub plain: Rc<Settings>,
    /// How its statements are read.
    pub mode: LexMode,
    /// NO_AUTO_VALUE_ON_ZERO.
    pub zero_is_value: bool,
    /// Strings are UTF-8.
    pub utf8: bool,
    /// autocommit=1.
    pub autocommit: bool,
    /// wait_timeout, if the session has set it.
    pub wait_timeout: Option<Duration>,
}

impl SessionSettings {
    /// Those of a session that has set nothing.
    pub(crate) fn fresh(worker: &Worker) -> Self {
        let (mode, zero_is_value) = worker.default_mode();
        Self {
            all: worker.fresh.clone(),
            plain: worker.fresh.clone(),
            mode,
            zero_is_value,
            utf8: true,
            autocommit: true,
            wait_timeout: None,
        }
    }

    /// Takes new settings and what follows from them.
    pub(crate) fn put(&mut self, worker: &Worker, settings: Settings) {
        self.utf8 = settings.client_charset().starts_with("utf8");
        if let Some(mode) = settings.get("sql_mode") {
            self.mode = LexMode::from_sql_mode(mode.trim_matches('\''));
            self.zero_is_value = mode.to_ascii_uppercase().contains("NO_AUTO_VALUE_ON_ZERO");
        } else {
            (self.mode, self.zero_is_value) = worker.default_mode();
        }
        self.autocommit = settings.get("autocommit").is_none_or(is_on);
        let timeout = settings
            .get("wait_timeout")
            .map(|t| t.trim_matches('\'').parse());
        self.wait_timeout = timeout.and_then(Result::ok).map(Duration::from_secs);
        let plain = settings.without_user_variables();
        self.all = worker.intern(settings);
        self.plain = worker.intern(plain);
    }

    /// The collation of the handshake sets all character sets.
    pub(crate) fn set_collation(&mut self, worker: &Worker, number: u16) {
        let Some(collation) = wire::charset::collation(number) else {
            return;
        };
        let flavor = worker.flavor.get();
        let means_default = match collation.charset.starts_with("utf8") {
            // What else utf8mb4 means by itself depends on the server.
            true => number >= 255 || flavor.utf8mb4_is_general_ci(),
            false => true,
        };
        let name = match collation.is_default && means_default {
            true => None,
            false => Some(collation.name),
        };
        let mut s = (*self.all).clone();
        s.set_names(collation.charset, name);
        self.put(worker, s);
    }

    /// The settings that a statement's connection needs: user variables only where it reads them.
    pub(crate) fn wanted(&self, user_variables: bool) -> &Rc<Settings> {
        match user_variables {
            true => &self.all,
            false => &self.plain,
        }
    }
}

/// True for the texts that turn a switch on.
pub(crate) fn is_on(value: &str) -> bool {
    let v = value.trim_matches(['\'', '"']);
    !(v == "0" || v.eq_ignore_ascii_case("off") || v.eq_ignore_ascii_case("false"))
}

/// Refuses a login with a collation under which statements could not be read, as SET NAMES is refused.
pub(crate) fn check_collation(number: u16) -> Result<(), SettingError> {
    let Some(collation) = wire::charset::collation(number) else {
        return Ok(());
    };
    let name = collation.charset.to_string();
    match () {
        () if !wire::charset::is_for_clients(&name) => Err(SettingError::NotForClients { name }),
        () if !wire::charset::is_ascii_safe(&name) => Err(SettingError::CharacterSet { name }),
        () => Ok(()),
    }
}
