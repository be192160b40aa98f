//! Under which names the port answers. A page of another site can point its own name at this machine and
//! read through somebody's browser what the port says without a token; the browser sends that name in Host.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// The name in Host, without a port.
fn name(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let host = host.unwrap_or_default();
    match host.strip_prefix('[') {
        // An IPv6 address has colons of its own.
        Some(rest) => rest.split_once(']').map_or("", |(address, _)| address),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

/// True for this machine's loopback by name or address.
pub(crate) fn is_local(headers: &HeaderMap) -> bool {
    ["127.0.0.1", "localhost", "::1"].contains(&name(headers))
}

/// Names that the port answers to beside loopback and addresses.
#[derive(Clone)]
pub(crate) struct Hosts(Arc<[String]>);

impl Hosts {
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self(names.into())
    }

    fn allow(&self, headers: &HeaderMap) -> bool {
        let name = name(headers);
        // Nobody can make a browser believe that an address of ours is a site of theirs.
        is_local(headers)
            || name.parse::<IpAddr>().is_ok()
            || self.0.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Refuses requests under other names.
pub(crate) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.allow(request.headers()) {
        return next.run(request).await;
    }
    let text = "this port does not answer under that name: ask by address, or put the name into \
                admin.hosts\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_loopback_and_named_hosts_are_answered() {
        let hosts = Hosts::new(vec!["proxy1.internal".to_string()]);
        let allows = |host: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(host) = host {
                headers.insert(header::HOST, host.parse().unwrap());
            }
            hosts.allow(&headers)
        };
        for good in [
            "localhost:8080",
            "127.0.0.1",
            "[::1]:8080",
            "10.1.2.3:8080",
            "[fd00::7]",
            "Proxy1.internal:8080",
        ] {
            assert!(allows(Some(good)), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "[::1.evil",
            "",
        ] {
            assert!(!allows(Some(bad)), "{bad}");
        }
        assert!(!allows(None));
    }
}
