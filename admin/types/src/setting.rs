//! Settings of the cluster, as `GET /v1/settings` answers them.

use serde::{Deserialize, Serialize};

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingView {
    /// Its name.
    pub name: String,
    /// Its value now.
    pub value: String,
    /// Its value unless somebody sets another.
    pub default: String,
    /// What it may be.
    pub range: String,
    /// What it does.
    pub help: String,
}
