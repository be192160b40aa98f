//! The channel between proxies: an authenticated, bounded call to every proxy that is registered.
//!
//! Layer 1. A call is a value of [`PeerCall`]; who asks gets an answer of each proxy, or why there is none:
//! a proxy that does not answer is never left out in silence. Calls are frames of JSON over TLS 1.3 in
//! which both sides show a certificate that they made at their start and that the metadata service has
//! registered (docs/decisions/0007-channel-between-proxies.md). This package knows nothing of sessions:
//! the proxy answers through [`Answering`].

mod barrier;
pub mod call;
pub mod config;
mod frame;
mod identity;
mod outgoing;
mod peers;
pub mod port;
mod roster;
mod server;
mod silent;
mod trust;

pub use barrier::{NotReached, Patience, Wanted};
pub use call::{Ask, PeerAnswer, PeerCall, Whose};
pub use config::PeersConfig;
pub use identity::Identity;
pub use peers::{Answering, Asked, Heard, Listing, Me, Peers};
pub use port::OwnPort;
pub use silent::{CallRefused, Silent};
