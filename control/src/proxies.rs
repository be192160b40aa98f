//! What a DBA may ask of every proxy, over the channel between them.

use admin_types::counters::{CounterList, ProxyCounters};
use admin_types::session::{ClientSession, SessionList, SilentProxy};
use peers::call::{Counters, CountersAsked, SessionView, SessionsAsked};
use peers::{Asked, Heard, Peers, Whose};

/// All proxies.
#[derive(Clone)]
pub struct Proxies(pub Peers);

impl Proxies {
    /// The sessions of all clients.
    pub async fn sessions(&self) -> SessionList {
        let visible_to = Whose::Anybodys;
        let asked = self.0.ask_all(SessionsAsked { visible_to }).await;
        let silent = silent(&asked);
        let of = |h: Heard<Vec<SessionView>>| {
            let sessions = h.answer.unwrap_or_default().into_iter();
            sessions.map(move |s| session(&h.proxy.name, s))
        };
        SessionList {
            sessions: asked.heard.into_iter().flat_map(of).collect(),
            silent,
            stale: asked.stale,
        }
    }

    /// The counters of each proxy.
    pub async fn counters(&self) -> CounterList {
        let asked = self.0.ask_all(CountersAsked {}).await;
        let silent = silent(&asked);
        let of = |h: Heard<Counters>| {
            let counters = h.answer.ok()?;
            Some(ProxyCounters {
                proxy: h.proxy.name,
                incarnation: h.proxy.incarnation,
                uptime_s: counters.uptime_s,
                sessions: counters.sessions,
                epoch: counters.epoch,
                counts: counters.counts,
            })
        };
        CounterList {
            proxies: asked.heard.into_iter().filter_map(of).collect(),
            silent,
            stale: asked.stale,
        }
    }
}

/// The proxies that gave no answer.
fn silent<T>(asked: &Asked<T>) -> Vec<SilentProxy> {
    let silent = |h: &Heard<T>| {
        Some(SilentProxy {
            proxy: h.proxy.name.clone(),
            address: h.proxy.address.clone(),
            why: h.answer.as_ref().err()?.to_string(),
        })
    };
    asked.heard.iter().filter_map(silent).collect()
}

fn session(proxy: &str, s: SessionView) -> ClientSession {
    ClientSession {
        proxy: proxy.to_string(),
        id: s.id,
        user: s.user,
        host: s.host,
        database: s.database,
        command: s.command,
        seconds: s.seconds,
        statement: s.statement,
        in_transaction: s.in_transaction,
        pins: s.pins,
    }
}
