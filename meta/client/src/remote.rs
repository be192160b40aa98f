//! The service over the network, as a proxy uses it: a local snapshot that follows by a stream, a lease,
//! and changes that go to whichever node answers.

use crate::cache;
use crate::http::{Http, HttpError};
use crate::protocol::{NewsReply, Renew, RenewReply};
use crate::request::{accepted, proposal};
use crate::{BoxFuture, ClusterView, MemberChange, MetaError, MetaService, ProxyView};
use catalog::earlier::SHAPE;
use catalog::{Answer, Catalog, Change, Fence, PeerPort, Registration, State};
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// How long a call goes from node to node before it is given up.
const CALL_TIME: Duration = Duration::from_secs(12);
/// How long one node may take to read.
const READ_TIME: Duration = Duration::from_secs(10);
/// How long one node may take for a change; the same request then goes to the next node.
const TRY_TIME: Duration = Duration::from_millis(2_500);
/// How long a node is asked to wait for news. A node that froze is left after [`TRY_TIME`].
const NEWS_WAIT_MS: u64 = 1_000;
/// How long a change of the nodes may take.
const MEMBER_TIME: Duration = Duration::from_secs(70);
/// Pause after every node failed.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a start waits for the service before it takes the cached catalog.
const START_TIME: Duration = Duration::from_secs(3);
/// How often a proxy renews its lease.
const RENEW: Duration = Duration::from_secs(1);
/// How long one renewal may take.
const RENEW_TIME: Duration = Duration::from_millis(2_500);
/// How long a proxy that ends waits for the service to know.
const LEAVE_TIME: Duration = Duration::from_millis(1_000);
/// An epoch that no catalog has: the answer is the whole catalog.
const NO_EPOCH: u64 = u64::MAX;

/// Where the service is and who asks.
pub struct RemoteConfig {
    /// Host and port of each node.
    pub endpoints: Vec<String>,
    /// The cluster's token.
    pub token: String,
    /// TLS toward the nodes; without it they must be on loopback.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// File for the last catalog.
    pub cache: Option<PathBuf>,
    /// Name of this proxy.
    pub name: String,
    /// Where its clients reach it.
    pub address: String,
    /// Its version.
    pub version: String,
    /// Where other proxies reach it, if they do.
    pub peer: Option<PeerPort>,
}

/// What a registration gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Registered {
    /// The incarnation; 0 before the first registration and after a fence.
    pub incarnation: u64,
    /// What new sessions' ids begin with; 0 if they are unique in this proxy alone. It stays through a
    /// fence, because sessions do.
    pub number: u16,
    /// The catalog's epoch at the registration: changes up to it were not held up for this proxy.
    pub epoch: u64,
}

struct Inner {
    config: RemoteConfig,
    http: Http,
    /// The node that answered last.
    preferred: AtomicUsize,
    catalog: watch::Sender<Arc<Catalog>>,
    /// Requests run here, whatever thread asks: connections belong to one runtime.
    home: tokio::runtime::Handle,
    registered: Mutex<Registered>,
    lease_until: Mutex<Option<Instant>>,
    /// The epoch that the whole proxy plans against.
    reached: AtomicU64,
    draining: AtomicBool,
    /// The catalog is that of the last run: no node has answered yet.
    cached: AtomicBool,
    /// The process ends: it is not to register anew.
    leaving: AtomicBool,
    renew_now: Notify,
}

/// A client of the service.
#[derive(Clone)]
pub struct RemoteMeta(Arc<Inner>);

impl RemoteMeta {
    /// Gets the catalog from any node, or from the cache with a warning, and goes on following it.
    pub async fn start(config: RemoteConfig) -> Result<Self, MetaError> {
        let http = Http::new(&config.token, config.tls.clone()).map_err(MetaError::Unavailable)?;
        let remote = Self(Arc::new(Inner {
            http,
            preferred: AtomicUsize::new(0),
            catalog: watch::Sender::new(Arc::default()),
            home: tokio::runtime::Handle::current(),
            registered: Mutex::default(),
            lease_until: Mutex::new(None),
            reached: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            cached: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            renew_now: Notify::new(),
            config,
        }));
        remote.first_catalog().await?;
        tokio::spawn(remote.clone().follow());
        tokio::spawn(remote.clone().hold_lease());
        Ok(remote)
    }

    async fn first_catalog(&self) -> Result<(), MetaError> {
        let path = format!("/v1/news?epoch={NO_EPOCH}&wait_ms=0&shape={SHAPE}");
        let got: Result<NewsReply, _> = self.get(&path, START_TIME).await;
        let cached = self.0.config.cache.as_deref().map(cache::read);
        match (got.map(|n| n.catalog), cached) {
            (Ok(Some(c)), Some(Ok(newer))) if newer.epoch > c.epoch => self.take(newer),
            (Ok(Some(c)), _) => self.take(c),
            (Err(MetaError::Unauthorized), _) => return Err(MetaError::Unauthorized),
            (Err(error), Some(Ok(c))) => {
                tracing::warn!(
                    epoch = c.epoch, %error,
                    "THE METADATA SERVICE CANNOT BE REACHED: starting with the catalog of the last run. \
                     Statements are served; changes of structure wait"
                );
                self.0.catalog.send_replace(Arc::new(c));
                self.0.cached.store(true, Ordering::Release);
            }
            (Err(e), Some(Err(why))) => {
                let path = self
                    .0
                    .config
                    .cache
                    .as_deref()
                    .unwrap_or("".as_ref())
                    .display();
                return Err(MetaError::Unavailable(format!("{e}; and {path}: {why}")));
            }
            (Err(e), None) => return Err(e),
            (Ok(None), _) => {
                return Err(MetaError::Unavailable("a node sent no catalog".to_string()));
            }
        }
        Ok(())
    }

    /// The epoch that every worker of this proxy plans against.
    pub fn reached(&self, epoch: u64) {
        if self.0.reached.swap(epoch, Ordering::AcqRel) != epoch {
            // Somebody may be waiting for it.
            self.0.renew_now.notify_one();
        }
    }

    /// True if this proxy is to let go of its clients.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// This proxy's incarnation; 0 before it is registered.
    pub fn incarnation(&self) -> u64 {
        self.registered().incarnation
    }

    /// What the last registration gave.
    pub fn registered(&self) -> Registered {
        *self.registration()
    }

    fn registration(&self) -> MutexGuard<'_, Registered> {
        let registered = self.0.registered.lock();
        registered.unwrap_or_else(PoisonError::into_inner)
    }

    /// True while the service knows that this proxy lives.
    pub fn holds_lease(&self) -> bool {
        let until = self
            .0
            .lease_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|t| Instant::now() < t)
    }

    fn take(&self, catalog: Catalog) {
        if let Some(path) = &self.0.config.cache
            && let Err(error) = cache::write(path, &catalog)
        {
            tracing::warn!(path = %path.display(), %error, "cannot keep the catalog for a restart");
        }
        self.0.catalog.send_replace(Arc::new(catalog));
        self.0.cached.store(false, Ordering::Release);
    }

    /// True while the catalog is that of the last run, because no node has answered.
    pub fn is_cached(&self) -> bool {
        self.0.cached.load(Ordering::Acquire)
    }

    /// The process ends: nobody waits for this incarnation any more.
    pub async fn leave(&self) {
        self.0.leaving.store(true, Ordering::Release);
        let Registered { incarnation, .. } = self.registered();
        if incarnation == 0 {
            return;
        }
        let ended = Change::Fence(Fence {
            incarnation,
            why: "the proxy was stopped".to_string(),
            has_ended: true,
        });
        let sent = self.send(&self.0.config.name, ended, None);
        match tokio::time::timeout(LEAVE_TIME, sent).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the service does not know that this proxy ends")
            }
            Err(_) => tracing::warn!("the service does not answer that this proxy ends"),
        }
    }

    /// Asks one node after the other until one answers; safe for what may come twice.
    async fn call<R, F, Fut>(&self, time: Duration, ask: F) -> Result<R, MetaError>
    where
        F: Fn(String) -> Fut,
        Fut: Future<Output = Result<R, HttpError>>,
    {
        let until = Instant::now() + time;
        let endpoints = &self.0.config.endpoints;
        let mut failed: Option<MetaError> = None;
        loop {
            for _ in endpoints {
                let at = self.0.preferred.load(Ordering::Relaxed) % endpoints.len();
                match ask(endpoints[at].clone()).await {
                    Ok(answer) => return Ok(answer),
                    Err(HttpError::Refused(
                        e @ (MetaError::Rejected(_) | MetaError::Unauthorized),
                    )) => {
                        return Err(e);
                    }
                    Err(e) => {
                        // That something may have happened stays true, whatever the next node says.
                        let unknown = matches!(failed, Some(MetaError::Unknown(_)));
                        let e = MetaError::from(e);
                        if !unknown || matches!(e, MetaError::Unknown(_)) {
                            failed = Some(e);
                        }
                        self.0.preferred.store(at + 1, Ordering::Relaxed);
                    }
                }
                if Instant::now() > until {
                    break;
                }
            }
            if Instant::now() + PAUSE > until {
                let none = || MetaError::Unavailable("no endpoint is configured".to_string());
                return Err(failed.unwrap_or_else(none));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn get<R: DeserializeOwned>(&self, path: &str, time: Duration) -> Result<R, MetaError> {
        let http = &self.0.http;
        self.call(time, |at| async move {
            http.get(&at, path, READ_TIME.min(time)).await
        })
        .await
    }

    async fn send(
        &self,
        who: &str,
        change: Change,
        epoch: Option<u64>,
    ) -> Result<Answer, MetaError> {
        let p = proposal(who, change, epoch)?;
        let (http, p) = (&self.0.http, &p);
        let post = |at: String| async move { http.post(&at, "/v1/submit", p, TRY_TIME).await };
        accepted(self.call(CALL_TIME, post).await?)
    }

    async fn follow(self) {
        let mut epoch = self.0.catalog.borrow().epoch;
        loop {
            let path = format!("/v1/news?epoch={epoch}&wait_ms={NEWS_WAIT_MS}&shape={SHAPE}");
            let time = TRY_TIME;
            let at =
                self.0.preferred.load(Ordering::Relaxed) % self.0.config.endpoints.len().max(1);
            let Some(endpoint) = self.0.config.endpoints.get(at) else {
                return;
            };
            let news: Result<NewsReply, _> = self.0.http.get(endpoint, &path, time).await;
            match news {
                Ok(news) => epoch = self.follow_up(news),
                Err(error) => {
                    tracing::debug!(%error, "no news of the catalog");
                    self.0.preferred.store(at + 1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Takes news over; returns the epoch to ask with next.
    fn follow_up(&self, news: NewsReply) -> u64 {
        let now = self.0.catalog.borrow().clone();
        if let Some(whole) = news.catalog {
            // A node that lags behind the one asked before must not turn the time back.
            if whole.epoch > now.epoch {
                self.take(whole);
            }
        } else if !news.changes.is_empty() {
            let mut next = (*now).clone();
            for change in &news.changes {
                match next.apply(change) {
                    Ok(c) => next = c,
                    Err(error) => {
                        tracing::warn!(%error, "a change does not fit; asking for the whole catalog");
                        return NO_EPOCH;
                    }
                }
            }
            self.take(next);
        }
        self.0.catalog.borrow().epoch
    }

    async fn hold_lease(self) {
        let mut tick = tokio::time::interval(RENEW);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.0.renew_now.notified() => {}
            }
            if self.0.leaving.load(Ordering::Acquire) {
                return;
            }
            if self.incarnation() == 0 && !self.register().await {
                continue;
            }
            let r = Renew {
                incarnation: self.incarnation(),
                epoch: self.0.reached.load(Ordering::Acquire),
            };
            let (sent, http, r) = (Instant::now(), &self.0.http, &r);
            let post = |at: String| async move { http.post(&at, "/v1/renew", r, RENEW_TIME).await };
            match self.call(RENEW_TIME, post).await {
                Ok(RenewReply::Leased { lease_ms, draining }) => {
                    self.0.draining.store(draining, Ordering::Release);
                    let until = Some(sent + Duration::from_millis(lease_ms));
                    *self
                        .0
                        .lease_until
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner) = until;
                }
                Ok(RenewReply::Fenced) => {
                    tracing::warn!(r.incarnation, "this proxy was fenced; it registers anew");
                    self.registration().incarnation = 0;
                }
                Err(error) => tracing::debug!(%error, "the lease is not renewed"),
            }
        }
    }

    async fn register(&self) -> bool {
        let c = &self.0.config;
        let register = Change::Register(Registration {
            name: c.name.clone(),
            address: c.address.clone(),
            version: c.version.clone(),
            peer: c.peer.clone(),
            number: self.registered().number,
        });
        let new = match self.send(&c.name, register, None).await {
            Ok(Answer::Registered {
                incarnation,
                number,
                epoch,
            }) => Registered {
                incarnation,
                number,
                epoch,
            },
            // A node of a version without session numbers.
            Ok(Answer::Incarnation(incarnation)) => Registered {
                incarnation,
                ..Default::default()
            },
            Ok(_) => return false,
            Err(error) => {
                tracing::warn!(%error, "not registered with the metadata service yet");
                return false;
            }
        };
        let Registered {
            incarnation,
            number,
            ..
        } = new;
        tracing::info!(incarnation, number, "registered with the metadata service");
        *self.registration() = new;
        true
    }

    /// Runs a request where the connections live.
    fn at_home<T: Send + 'static>(&self, ask: impl AsyncAsk<T>) -> BoxFuture<Result<T, MetaError>> {
        let task = self.0.home.spawn(ask.ask(self.clone()));
        let ended = |e: tokio::task::JoinError| Err(MetaError::Unknown(e.to_string()));
        Box::pin(async move { task.await.unwrap_or_else(ended) })
    }
}

/// A request, ready to be sent from the home runtime.
trait AsyncAsk<T> {
    fn ask(self, remote: RemoteMeta) -> BoxFuture<Result<T, MetaError>>;
}

impl<T, F> AsyncAsk<T> for F
where
    F: FnOnce(RemoteMeta) -> BoxFuture<Result<T, MetaError>>,
{
    fn ask(self, remote: RemoteMeta) -> BoxFuture<Result<T, MetaError>> {
        self(remote)
    }
}

impl MetaService for RemoteMeta {
    fn watch(&self) -> watch::Receiver<Arc<Catalog>> {
        self.0.catalog.subscribe()
    }

    fn submit(
        &self,
        who: &str,
        change: Change,
        expected_epoch: Option<u64>,
    ) -> BoxFuture<Result<Answer, MetaError>> {
        let who = who.to_string();
        self.at_home(move |r: RemoteMeta| -> BoxFuture<_> {
            Box::pin(async move { r.send(&who, change, expected_epoch).await })
        })
    }

    fn state(&self) -> BoxFuture<Result<State, MetaError>> {
        self.at_home(|r: RemoteMeta| -> BoxFuture<_> {
            let path = format!("/v1/state?shape={SHAPE}");
            Box::pin(async move { r.get(&path, CALL_TIME).await })
        })
    }

    fn cluster(&self) -> BoxFuture<Result<ClusterView, MetaError>> {
        self.at_home(|r: RemoteMeta| -> BoxFuture<_> {
            Box::pin(async move { r.get("/v1/cluster", CALL_TIME).await })
        })
    }

    fn change_members(&self, change: MemberChange) -> BoxFuture<Result<ClusterView, MetaError>> {
        self.at_home(move |r: RemoteMeta| -> BoxFuture<_> {
            Box::pin(async move {
                let (http, c) = (&r.0.http, &change);
                let post =
                    |at: String| async move { http.post(&at, "/v1/members", c, MEMBER_TIME).await };
                r.call(MEMBER_TIME, post).await
            })
        })
    }

    fn proxies(&self) -> BoxFuture<Result<Vec<ProxyView>, MetaError>> {
        self.at_home(|r: RemoteMeta| -> BoxFuture<_> {
            Box::pin(async move { r.get("/v1/proxies", CALL_TIME).await })
        })
    }
}
