//! Versions, as `GET /v1/version` answers them.

use serde::{Deserialize, Serialize};

/// Versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// Of the process that answers.
    pub version: String,
    /// The catalog's epoch there.
    pub epoch: u64,
}
