//! What travels between clients and nodes of the service, as JSON over HTTP.

use catalog::{Catalog, Command, PeerPort};
use serde::{Deserialize, Serialize};

/// Longest time that a node holds a request for news.
pub const NEWS_WAIT_MS_MAX: u64 = 30_000;

/// News behind an epoch. Without news in time, both fields are empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NewsReply {
    /// Changes in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Command>,
    /// The whole catalog, where changes alone would not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Catalog>,
}

/// A proxy says that it lives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Renew {
    /// Its incarnation.
    pub incarnation: u64,
    /// The epoch that every worker of it plans against.
    pub epoch: u64,
}

/// The answer to [`Renew`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenewReply {
    /// The lease holds for so long from when the request was sent.
    Leased {
        /// Milliseconds.
        lease_ms: u64,
        /// The proxy is to let go of its clients.
        #[serde(default)]
        draining: bool,
    },
    /// The incarnation is fenced: register anew.
    Fenced,
}

/// What a node of the service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// It orders the changes.
    Leader,
    /// It votes.
    Follower,
    /// It follows without a vote, until it is promoted.
    Learner,
}

impl std::fmt::Display for MemberRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            MemberRole::Leader => "leader",
            MemberRole::Follower => "follower",
            MemberRole::Learner => "learner",
        })
    }
}

/// A node of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Its number.
    pub id: u64,
    /// Host and port.
    pub address: String,
    /// What it is.
    pub role: MemberRole,
    /// Last log entry known to be there; unknown to followers.
    pub log_index: Option<u64>,
}

/// The service, as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterView {
    /// The node that answers.
    pub node: u64,
    /// The leader, if there is one.
    pub leader: Option<u64>,
    /// The election that made it.
    pub term: u64,
    /// Last applied log entry.
    pub applied_index: Option<u64>,
    /// Epoch of the catalog.
    pub epoch: u64,
    /// All nodes.
    pub members: Vec<MemberView>,
}

/// A change of the service's nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberChange {
    /// A node joins as a learner and is sent everything.
    Add {
        /// Its number.
        id: u64,
        /// Host and port.
        address: String,
    },
    /// A learner gets a vote.
    Promote {
        /// Its number.
        id: u64,
    },
    /// A node leaves.
    Remove {
        /// Its number.
        id: u64,
    },
}

/// A registered proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyView {
    /// Its incarnation.
    pub incarnation: u64,
    /// Its name.
    pub name: String,
    /// Where clients reach it.
    pub address: String,
    /// Its version.
    pub version: String,
    /// When it registered, in milliseconds since 1970.
    pub since_ms: u64,
    /// The epoch that it last acknowledged; unknown right after a change of leader.
    pub epoch: Option<u64>,
    /// How long ago it was heard of, in milliseconds.
    pub silent_ms: Option<u64>,
    /// True if it takes no new clients.
    pub draining: bool,
    /// Where other proxies reach it, if its version has a channel between proxies.
    #[serde(default)]
    pub peer: Option<PeerPort>,
    /// What its sessions' ids begin with; 0 if they are unique in the proxy alone.
    #[serde(default)]
    pub number: u16,
}
