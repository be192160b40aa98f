//! Asking the proxies: all of them, or the one with a number.

use crate::call::{Ask, PeerAnswer, PeerCall};
use crate::config::PeersConfig;
use crate::identity::Identity;
use crate::outgoing::{Errand, Outgoing};
use crate::port::OwnPort;
use crate::roster::Roster;
use crate::server::{self, Reply, Request};
use crate::silent::{CallRefused, Silent};
use meta_client::{BoxFuture, MetaError, ProxyView, Registered};
use serde_json::value::to_raw_value;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Reads the list of registered proxies.
pub type Listing =
    Arc<dyn Fn() -> BoxFuture<Result<Vec<ProxyView>, MetaError>> + Send + Sync + 'static>;

/// What a proxy answers to others, and to itself.
pub trait Answering: Send + Sync + 'static {
    /// Answers a call of a registered proxy. The future is dropped when nobody waits for it any more.
    fn answer(&self, call: PeerCall) -> BoxFuture<PeerAnswer>;
}

/// This proxy.
#[derive(Clone)]
pub struct Me {
    /// Its name.
    pub name: String,
    /// Where clients reach it.
    pub address: String,
    /// Its version.
    pub version: String,
    registered: Arc<dyn Fn() -> Registered + Send + Sync>,
}

impl Me {
    /// A proxy that is registered as `registered` says.
    pub fn new(
        name: impl Into<String>,
        address: impl Into<String>,
        registered: impl Fn() -> Registered + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            address: address.into(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            registered: Arc::new(registered),
        }
    }

    /// Its registration now.
    pub fn registered(&self) -> Registered {
        (self.registered)()
    }
}

/// What one proxy said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard<T> {
    /// The proxy, as the metadata service knows it.
    pub proxy: ProxyView,
    /// Its answer, or why there is none.
    pub answer: Result<T, Silent>,
}

/// What the proxies said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<T> {
    /// One entry for each registered proxy that was asked; if this one was, it is the first.
    pub heard: Vec<Heard<T>>,
    /// Why proxies may be missing: the service could not be asked which there are.
    pub stale: Option<String>,
}

pub(crate) struct Inner {
    pub(crate) config: PeersConfig,
    pub(crate) identity: Identity,
    pub(crate) me: Me,
    pub(crate) roster: Roster,
    listener: Mutex<Option<TcpListener>>,
    pub(crate) answering: OnceLock<Arc<dyn Answering>>,
    pub(crate) answering_room: Semaphore,
    outgoing: Outgoing,
    asking_room: Semaphore,
    /// Connections belong to one runtime, whatever thread asks.
    home: Handle,
}

/// The proxies of the cluster.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

impl Peers {
    /// The proxies that `listing` names. Must run on the runtime that stays. Others are answered once
    /// [`Peers::answer_with`] says how.
    pub fn new(config: PeersConfig, port: OwnPort, me: Me, listing: Listing) -> Self {
        let OwnPort { identity, listener } = port;
        // A proxy that is asked may have to read the list itself, within the time of the call.
        let reading = config.call_timeout() / 2;
        let inner = Inner {
            roster: Roster::new(listing, reading),
            listener: Mutex::new(listener),
            answering: OnceLock::new(),
            answering_room: Semaphore::new(config.calls_max),
            outgoing: Outgoing::new(identity.clone(), config.answer_bytes_max),
            asking_room: Semaphore::new(config.calls_max),
            home: Handle::current(),
            config,
            identity,
            me,
        };
        Self(Arc::new(inner))
    }

    /// A proxy without others: its metadata node is inside of it.
    pub fn alone(me: Me) -> Result<Self, String> {
        let nobody: Listing = Arc::new(|| Box::pin(async { Ok(Vec::new()) }));
        let port = OwnPort {
            identity: Identity::generate()?,
            listener: None,
        };
        Ok(Self::new(PeersConfig::default(), port, me, nobody))
    }

    /// Answers from now on, itself and others. A second call changes nothing.
    pub fn answer_with(&self, answering: Arc<dyn Answering>) {
        if self.0.answering.set(answering).is_err() {
            return;
        }
        let mut listener = self.0.listener.lock();
        let listener = listener.as_mut().ok().and_then(|l| l.take());
        if let Some(listener) = listener {
            self.0.home.spawn(server::serve(self.0.clone(), listener));
        }
    }

    pub(crate) fn config(&self) -> &PeersConfig {
        &self.0.config
    }

    /// This proxy.
    pub fn me(&self) -> &Me {
        &self.0.me
    }

    /// Asks every registered proxy, this one too. Ends within `peers.call_timeout_ms` and half of it, and
    /// what the call waits for on purpose; with more proxies than `peers.calls_max`, within a multiple.
    pub async fn ask_all<A: Ask>(&self, ask: A) -> Asked<A::Answer> {
        let inner = self.0.clone();
        let asked = self.at_home(async move { inner.ask_all(&ask).await });
        asked.await.unwrap_or_else(|| self.shutting_down())
    }

    /// Asks the proxy whose sessions' ids begin with `number`; nobody is heard if none is registered.
    pub async fn ask_number<A: Ask>(&self, number: u16, ask: A) -> Asked<A::Answer> {
        let inner = self.0.clone();
        let asked = self.at_home(async move { inner.ask_number(number, ask).await });
        asked.await.unwrap_or_else(|| self.shutting_down())
    }

    fn shutting_down<T>(&self) -> Asked<T> {
        Asked {
            heard: Vec::new(),
            stale: Some(format!("proxy {} is shutting down", self.0.me.name)),
        }
    }

    /// Runs on the home runtime; ends there when the caller goes away.
    async fn at_home<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let mut set = JoinSet::new();
        set.spawn_on(task, &self.0.home);
        set.join_next().await?.ok()
    }
}

impl Inner {
    async fn ask_all<A: Ask>(self: &Arc<Self>, ask: &A) -> Asked<A::Answer> {
        let listed = self.roster.now().await;
        self.outgoing
            .tidy(|i| listed.proxies.iter().any(|p| p.incarnation == i));
        let own = self.own_view();
        let is_own = |p: &&ProxyView| p.incarnation == own.incarnation;
        let others = listed.proxies.iter().filter(|p| !is_own(p)).cloned();
        let mut calls = JoinSet::new();
        for (place, proxy) in std::iter::once(own.clone()).chain(others).enumerate() {
            let (inner, ask) = (self.clone(), ask.clone());
            calls.spawn(async move { (place, inner.ask_one(proxy, ask).await) });
        }
        let mut heard: Vec<(usize, Heard<A::Answer>)> = Vec::new();
        while let Some(done) = calls.join_next().await {
            heard.extend(done.ok());
        }
        heard.sort_unstable_by_key(|(place, _)| *place);
        Asked {
            heard: heard.into_iter().map(|(_, h)| h).collect(),
            stale: listed.stale,
        }
    }

    async fn ask_number<A: Ask>(&self, number: u16, ask: A) -> Asked<A::Answer> {
        let listed = self.roster.now().await;
        let found = listed.proxies.iter().find(|p| p.number == number).cloned();
        let heard = match found {
            Some(proxy) => vec![self.ask_one(proxy, ask).await],
            None => Vec::new(),
        };
        Asked {
            heard,
            stale: listed.stale,
        }
    }

    /// This proxy as an entry of the list, which it may not be in yet.
    fn own_view(&self) -> ProxyView {
        let registered = self.me.registered();
        ProxyView {
            incarnation: registered.incarnation,
            name: self.me.name.clone(),
            address: self.me.address.clone(),
            version: self.me.version.clone(),
            since_ms: 0,
            epoch: None,
            silent_ms: None,
            draining: false,
            peer: None,
            number: registered.number,
        }
    }

    async fn ask_one<A: Ask>(&self, proxy: ProxyView, ask: A) -> Heard<A::Answer> {
        let answer = match proxy.incarnation == self.me.registered().incarnation {
            true => self.ask_here(ask).await,
            false => self.ask_there(&proxy, ask).await,
        };
        Heard { proxy, answer }
    }

    async fn ask_here<A: Ask>(&self, ask: A) -> Result<A::Answer, Silent> {
        let answering = self.answering.get().ok_or(CallRefused::Starting)?;
        let limit = self.config.call_timeout() + ask.wait();
        let answer = tokio::time::timeout(limit, answering.answer(ask.into())).await;
        fitting::<A>(answer.map_err(|_| self.late(limit))?)
    }

    async fn ask_there<A: Ask>(&self, proxy: &ProxyView, ask: A) -> Result<A::Answer, Silent> {
        let no_port = || Silent::NoPort(proxy.version.clone());
        let port = proxy.peer.as_ref().ok_or_else(no_port)?;
        let limit = self.config.call_timeout() + ask.wait();
        let garbled = |e: serde_json::Error| Silent::Garbled(e.to_string());
        let request = Request {
            from: self.me.registered().incarnation,
            to: proxy.incarnation,
            answer_bytes_max: self.config.answer_bytes_max,
            call: to_raw_value::<PeerCall>(&ask.into()).map_err(garbled)?,
        };
        let request = serde_json::to_vec(&request).map_err(garbled)?;
        let errand = Errand {
            to: proxy.incarnation,
            port,
            request: &request,
            repeatable: A::REPEATABLE,
        };
        // Never closed; the time runs once there is room.
        let _permit = self.asking_room.acquire().await;
        let answer = tokio::time::timeout(limit, self.outgoing.run(&errand)).await;
        let answer = answer.map_err(|_| self.late(limit))??;
        match serde_json::from_slice::<Reply<PeerAnswer>>(&answer).map_err(garbled)? {
            Reply::Answer(answer) => fitting::<A>(answer),
            Reply::Refused(why) => Err(why.into()),
        }
    }

    fn late(&self, limit: Duration) -> Silent {
        Silent::Late(limit.as_millis() as u64)
    }
}

fn fitting<A: Ask>(answer: PeerAnswer) -> Result<A::Answer, Silent> {
    let other = || Silent::Garbled("it is one to another call".to_string());
    A::answer(answer).ok_or_else(other)
}

#[cfg(test)]
mod tests;
