//! `[[shards]]` of the configuration: a shard's address and the account that this process has there.

use serde::Deserialize;
use shard::{Login, Timeouts};
use std::path::{Path, PathBuf};

/// `[[shards]]`: a shard and the proxy's account on it.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardConfig {
    /// Its name, for rules and messages.
    pub name: String,
    /// Host of the primary.
    pub host: String,
    /// Its port.
    #[serde(default = "mysql_port")]
    pub port: u16,
    /// The proxy's account, for always; or let it make its own with `manager_user`.
    #[serde(default)]
    pub user: String,
    /// Its password; or use `password_file`.
    #[serde(default)]
    pub password: String,
    /// File that holds the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// An account that may make others: each start of the proxy then has its own, with few rights, and
    /// structure is changed by this one.
    #[serde(default)]
    pub manager_user: String,
    /// Its password; or use `manager_password_file`.
    #[serde(default)]
    pub manager_password: String,
    /// File that holds its password.
    #[serde(default)]
    pub manager_password_file: Option<PathBuf>,
    /// PEM file with the certificate authority; makes TLS required.
    #[serde(default)]
    pub tls_ca: Option<PathBuf>,
}

impl std::fmt::Debug for ShardConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} = {}{}@{}:{}",
            self.name, self.user, self.manager_user, self.host, self.port
        )
    }
}

fn mysql_port() -> u16 {
    3306
}

fn read_password(text: &str, file: Option<&Path>) -> Result<String, String> {
    let Some(path) = file else {
        return Ok(text.to_string());
    };
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}

impl ShardConfig {
    /// How to reach the shard with the account that may do most there: the manager's, or the only one.
    pub fn strongest(&self, timeouts: Timeouts) -> Result<Login, String> {
        let (user, password) = match self.manager_user.is_empty() {
            true => (
                &self.user,
                read_password(&self.password, self.password_file.as_deref())?,
            ),
            false => {
                let file = self.manager_password_file.as_deref();
                let password = read_password(&self.manager_password, file)?;
                (&self.manager_user, password)
            }
        };
        let tls = self.tls_ca.as_deref().map(tls::trusting).transpose()?;
        Ok(Login {
            shard: self.name.as_str().into(),
            host: self.host.as_str().into(),
            port: self.port,
            user: user.as_str().into(),
            password: password.into(),
            account: Default::default(),
            accounts: None,
            tls,
            timeouts,
        })
    }
}
