//! The port on which other proxies reach this one: where it listens, and what it is registered as.

use crate::config::PeersConfig;
use crate::identity::Identity;
use catalog::PeerPort;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use tokio::net::TcpListener;

/// A proxy's own side of the channel.
pub struct OwnPort {
    /// Its key.
    pub identity: Identity,
    /// Where others connect to.
    pub listener: Option<TcpListener>,
}

impl OwnPort {
    /// Listens, with a new key, and says how to register it. `clients` is where clients connect to;
    /// `service` is a node of the metadata service, host and port.
    pub async fn open(
        config: &PeersConfig,
        clients: SocketAddr,
        service: &str,
    ) -> Result<(Self, PeerPort), String> {
        let identity = Identity::generate()?;
        let at = config.listen.unwrap_or((clients.ip(), 0).into());
        let failed = |e| format!("cannot listen on {at} (peers.listen): {e}");
        let listener = TcpListener::bind(at).await.map_err(failed)?;
        let address = match &config.advertise {
            Some(address) => address.clone(),
            None => {
                let bound = listener.local_addr().map_err(failed)?;
                reachable(bound, service).to_string()
            }
        };
        let key = identity.fingerprint().to_string();
        let listener = Some(listener);
        Ok((Self { identity, listener }, PeerPort { address, key }))
    }
}

/// An address under which others can reach a listener: that of the interface toward the metadata service
/// in place of 0.0.0.0, which means another machine to everybody.
pub fn reachable(listens: SocketAddr, service: &str) -> SocketAddr {
    if !listens.ip().is_unspecified() {
        return listens;
    }
    let any: IpAddr = match listens.ip() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a datagram socket sends nothing.
    let own = UdpSocket::bind((any, 0)).and_then(|s| {
        s.connect(service)?;
        s.local_addr()
    });
    own.map_or(listens, |own| (own.ip(), listens.port()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_means_every_interface_becomes_one() {
        let all: SocketAddr = "0.0.0.0:3306".parse().unwrap();
        let one: SocketAddr = "127.0.0.1:3306".parse().unwrap();
        assert_eq!(reachable(all, "127.0.0.1:7001"), one);
        let own: SocketAddr = "192.0.2.7:3306".parse().unwrap();
        assert_eq!(reachable(own, "127.0.0.1:7001"), own);
        assert_eq!(reachable(all, "nowhere.invalid:7001"), all);
    }
}
