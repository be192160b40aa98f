//! A node of the metadata service: Raft, its disk, its state machine, and what is asked of it.

mod members;

use crate::disk::{Disk, DiskError, RedbDisk};
use crate::leases::Leases;
use crate::legacy;
use crate::raft::log_store::LogStore;
use crate::raft::machine::{Machine, News};
use crate::raft::network::{Network, Transport};
use crate::raft::{self, Raft};
use catalog::earlier::SHAPE;
use catalog::{Answer, Catalog, Change, Fence, Proposal, State};
use meta_client::http::{Http, HttpError};
use meta_client::protocol::{NewsReply, Renew, RenewReply};
use meta_client::request::{accepted, proposal};
use meta_client::{
    BoxFuture, ClusterView, MemberChange, MemberRole, MemberView, MetaError, MetaService, ProxyView,
};
use openraft::BasicNode;
use openraft::error::{ClientWriteError, ForwardToLeader, RaftError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a change may take until it is given up as unknown.
const SUBMIT_TIME: Duration = Duration::from_secs(8);
/// How long one try of it may take.
const TRY_TIME: Duration = Duration::from_secs(2);
/// Pause between tries while there is no leader.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// How long a new node may take to get everything.
const MEMBER_TIME: Duration = Duration::from_secs(60);
/// How often a leader looks for proxies that went silent.
const LEASE_CHECK: Duration = Duration::from_secs(1);
/// A leader that no majority answered for so long may have been replaced.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// The file of a node's log and state.
const FILE: &str = "meta.redb";

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeStartError {
    /// Its disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Its folder.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// A folder of the first version.
    #[error(transparent)]
    Legacy(#[from] legacy::Damaged),
    /// Raft.
    #[error("raft: {0}")]
    Raft(String),
    /// The service.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

fn raft_error(e: impl std::fmt::Display) -> NodeStartError {
    NodeStartError::Raft(e.to_string())
}

struct Inner {
    id: u64,
    raft: Raft,
    machine: Machine,
    http: Option<Http>,
    leases: Mutex<Leases>,
    /// When a leader was last heard of.
    heard: Mutex<Instant>,
    stopping: watch::Sender<bool>,
}

/// A node, running.
#[derive(Clone)]
pub struct MetaNode(Arc<Inner>);

impl MetaNode {
    /// Starts a node over its folder. It does nothing yet unless it was a member before.
    pub async fn start(id: u64, dir: &Path, http: Option<Http>) -> Result<Self, NodeStartError> {
        std::fs::create_dir_all(dir).map_err(|e| NodeStartError::Folder(dir.to_path_buf(), e))?;
        let disk: Arc<dyn Disk> = Arc::new(RedbDisk::open(&dir.join(FILE))?);
        Self::start_on(id, disk, http).await
    }

    /// Starts a node on any disk.
    pub async fn start_on(
        id: u64,
        disk: Arc<dyn Disk>,
        http: Option<Http>,
    ) -> Result<Self, NodeStartError> {
        let transport = http.clone().map(|h| Arc::new(h) as Arc<dyn Transport>);
        Self::start_over(id, disk, transport, http).await
    }

    /// Starts a node on any disk, with any way to the others; without `http` it passes no request on.
    pub async fn start_over(
        id: u64,
        disk: Arc<dyn Disk>,
        transport: Option<Arc<dyn Transport>>,
        http: Option<Http>,
    ) -> Result<Self, NodeStartError> {
        let machine = Machine::open(disk.clone())?;
        let config = Arc::new(raft::config().map_err(raft_error)?);
        let network = Network { transport };
        let log = LogStore(disk);
        log.lead_no_more(id).await?;
        let raft = Raft::new(id, config, network, log, machine.clone()).await;
        let node = Self(Arc::new(Inner {
            id,
            raft: raft.map_err(raft_error)?,
            machine,
            http,
            leases: Mutex::default(),
            heard: Mutex::new(Instant::now()),
            stopping: watch::Sender::new(false),
        }));
        tokio::spawn(node.clone().watch_leases());
        Ok(node)
    }

    /// The only node of a service inside this process.
    pub async fn embedded(dir: &Path) -> Result<Self, NodeStartError> {
        let node = Self::start(1, dir, None).await?;
        node.found("embedded").await?;
        // Alone, it need not wait for others to be silent.
        node.0.raft.trigger().elect().await.map_err(raft_error)?;
        let leads = |m: &openraft::RaftMetrics<u64, BasicNode>| m.current_leader == Some(1);
        let wait = node.0.raft.wait(Some(SUBMIT_TIME));
        wait.metrics(leads, "it leads itself")
            .await
            .map_err(raft_error)?;
        // What the log holds is committed again by an entry of the new term.
        node.0
            .raft
            .ensure_linearizable()
            .await
            .map_err(raft_error)?;
        node.import(dir).await?;
        Ok(node)
    }

    /// Imports a folder of the first version, once.
    pub async fn import(&self, dir: &Path) -> Result<(), NodeStartError> {
        if self.0.machine.with_state(|s| s.changes > 0) {
            return Ok(());
        }
        if let Some(state) = legacy::read(dir)? {
            let epoch = state.catalog.epoch;
            let import = Change::Import(Box::new(state));
            self.submit("upgrade", import, None).await?;
            tracing::info!(epoch, "imported the catalog of an earlier version");
        }
        Ok(())
    }

    /// Makes this node the first of a new service, unless it belongs to one already.
    pub async fn found(&self, address: &str) -> Result<(), NodeStartError> {
        if self.0.raft.is_initialized().await.map_err(raft_error)? {
            return Ok(());
        }
        let members = BTreeMap::from([(self.0.id, BasicNode::new(address))]);
        self.0.raft.initialize(members).await.map_err(raft_error)
    }

    /// True if this node belongs to a service.
    pub async fn is_member(&self) -> Result<bool, NodeStartError> {
        let known = self.0.raft.is_initialized().await.map_err(raft_error)?;
        Ok(known)
    }

    /// Its Raft, for messages of other nodes.
    pub fn raft(&self) -> &Raft {
        &self.0.raft
    }

    /// Returns once the node is told to end.
    pub async fn stopping(&self) {
        let mut stopping = self.0.stopping.subscribe();
        let _ = stopping.wait_for(|s| *s).await;
    }

    /// Returns once Raft has given up, which it does when its disk fails; a restart may help.
    pub async fn failed(&self) -> String {
        let mut metrics = self.0.raft.metrics();
        loop {
            if let Err(why) = &metrics.borrow_and_update().running_state {
                return why.to_string();
            }
            if metrics.changed().await.is_err() {
                return "it has ended".to_string();
            }
        }
    }

    /// Ends it: requests that wait are answered, then Raft stops.
    pub async fn stop(&self) {
        self.0.stopping.send_replace(true);
        let _ = self.0.raft.shutdown().await;
    }

    fn other(&self, f: &ForwardToLeader<u64, BasicNode>) -> Option<String> {
        let node = f
            .leader_node
            .as_ref()
            .filter(|_| f.leader_id != Some(self.0.id));
        node.map(|n| n.addr.clone())
    }

    /// Where the leader is; `None` if this node leads. Waits a while for an election.
    async fn leader(&self) -> Result<Option<String>, MetaError> {
        let until = Instant::now() + SUBMIT_TIME;
        loop {
            match tokio::time::timeout(TRY_TIME, self.0.raft.ensure_linearizable()).await {
                Ok(Ok(_)) => return Ok(None),
                Ok(Err(RaftError::APIError(
                    openraft::error::CheckIsLeaderError::ForwardToLeader(f),
                ))) => {
                    if let Some(address) = self.other(&f) {
                        return Ok(Some(address));
                    }
                }
                Ok(Err(RaftError::Fatal(e))) => return Err(MetaError::Unavailable(e.to_string())),
                Ok(Err(_)) | Err(_) => {}
            }
            if Instant::now() > until {
                let why = "there is no leader: a majority of its nodes does not answer";
                return Err(MetaError::Unavailable(why.to_string()));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    fn http(&self) -> Result<&Http, MetaError> {
        let none = || MetaError::Unavailable("an embedded node has no peers".to_string());
        self.0.http.as_ref().ok_or_else(none)
    }

    /// Carries a proposal out, here or by the leader. The same proposal may be tried again and again.
    pub async fn carry_out(&self, p: Proposal, forward: bool) -> Result<Answer, MetaError> {
        let until = Instant::now() + SUBMIT_TIME;
        let mut maybe_done = false;
        let mut why = "there is no leader: a majority of its nodes does not answer".to_string();
        loop {
            let mut to = None;
            match tokio::time::timeout(TRY_TIME, self.0.raft.client_write(p.clone())).await {
                Ok(Ok(written)) => return Ok(written.data),
                Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(f)))) => {
                    to = self.other(&f);
                }
                Ok(Err(e)) => return Err(MetaError::Unavailable(e.to_string())),
                Err(_) => {
                    (maybe_done, why) = (true, "a majority of its nodes does not answer".into());
                }
            }
            if let Some(address) = to {
                if !forward {
                    return Err(MetaError::Unavailable("another node leads".to_string()));
                }
                let sent = self
                    .http()?
                    .post(&address, "/v1/submit?forwarded=1", &p, TRY_TIME);
                match sent.await {
                    Ok(answer) => return Ok(answer),
                    Err(HttpError::Refused(MetaError::Unavailable(e))) => why = e,
                    Err(HttpError::Refused(e @ MetaError::Unauthorized)) => return Err(e),
                    Err(e @ HttpError::NotSent { .. }) => why = e.to_string(),
                    Err(e) => (maybe_done, why) = (true, e.to_string()),
                }
            }
            if Instant::now() > until {
                return Err(match maybe_done {
                    true => MetaError::Unknown(why),
                    false => MetaError::Unavailable(why),
                });
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// A leader has sent something.
    pub fn hears(&self) {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// True if this node hears of changes: it follows a leader, or leads a majority.
    fn is_current(&self) -> bool {
        let m = self.0.raft.metrics().borrow().clone();
        match m.current_leader {
            None => false,
            // A node that was removed is told nothing more, not even that.
            Some(id) if id != self.0.id => {
                let heard = *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.elapsed() < SILENCE_MAX
            }
            // A leader that was cut off goes on calling itself one.
            Some(_) => {
                let alone = m.membership_config.voter_ids().count() == 1;
                let silence = m.millis_since_quorum_ack;
                alone || silence.is_some_and(|ms| u128::from(ms) < SILENCE_MAX.as_millis())
            }
        }
    }

    /// Where the leader is as far as this node knows; `None` if this node leads a majority.
    fn leader_by_hearsay(&self) -> Result<Option<String>, MetaError> {
        let lost = || MetaError::Unavailable("this node has lost the others".to_string());
        if !self.is_current() {
            return Err(lost());
        }
        let view = self.view();
        let leader = view.members.iter().find(|m| Some(m.id) == view.leader);
        let leader = leader.ok_or_else(lost)?;
        Ok((leader.id != self.0.id).then(|| leader.address.clone()))
    }

    /// Waits for news behind an epoch.
    pub async fn news(&self, epoch: u64, wait: Duration) -> Result<NewsReply, MetaError> {
        let until = Instant::now() + wait;
        let mut watch = self.0.machine.watch();
        loop {
            if !self.is_current() {
                let why = "this node has lost the others".to_string();
                return Err(MetaError::Unavailable(why));
            }
            let known = watch.borrow_and_update().epoch;
            if known != epoch || Instant::now() >= until {
                return Ok(self.news_now(epoch));
            }
            let slice = until
                .saturating_duration_since(Instant::now())
                .min(SILENCE_MAX);
            tokio::select! {
                _ = tokio::time::timeout(slice, watch.changed()) => {}
                () = self.stopping() => {
                    return Err(MetaError::Unavailable("this node is shutting down".to_string()));
                }
            }
        }
    }

    fn news_now(&self, epoch: u64) -> NewsReply {
        match self.0.machine.news_since(epoch) {
            None => NewsReply::default(),
            Some(News::Changes(changes)) => NewsReply {
                changes,
                catalog: None,
            },
            Some(News::Whole(c)) => NewsReply {
                changes: Vec::new(),
                catalog: Some((*c).clone()),
            },
        }
    }

    /// A proxy renews its lease; only the leader knows leases.
    pub async fn renew(&self, r: Renew, forward: bool) -> Result<RenewReply, MetaError> {
        // A lease needs no agreement: the fence does, and that is a proposal.
        match self.leader_by_hearsay()? {
            Some(address) if forward => {
                let sent = self
                    .http()?
                    .post(&address, "/v1/renew?forwarded=1", &r, TRY_TIME);
                Ok(sent.await?)
            }
            Some(_) => Err(MetaError::Unavailable("another node leads".to_string())),
            None => {
                let known = self.0.machine.with_state(|s| {
                    let found = s.incarnations.get(&r.incarnation);
                    found.map(|i| (lease_ms(s), i.draining))
                });
                let Some((lease_ms, draining)) = known else {
                    return Ok(RenewReply::Fenced);
                };
                self.leases().renew(r.incarnation, r.epoch, Instant::now());
                Ok(RenewReply::Leased { lease_ms, draining })
            }
        }
    }

    fn leases(&self) -> std::sync::MutexGuard<'_, Leases> {
        self.0.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn watch_leases(self) {
        let mut tick = tokio::time::interval(LEASE_CHECK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut metrics = self.0.raft.metrics();
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                changed = metrics.changed() => match changed {
                    Ok(()) => {}
                    Err(_) => return,
                },
            }
            if metrics.borrow_and_update().current_leader != Some(self.0.id) {
                self.leases().forget();
                continue;
            }
            let (registered, silence) = self.0.machine.with_state(|s| {
                let ms = s.setting("fence_after_ms").and_then(|v| v.parse().ok());
                (
                    s.incarnations.clone(),
                    Duration::from_millis(ms.unwrap_or(30_000)),
                )
            });
            let overdue = self.leases().overdue(&registered, Instant::now(), silence);
            for incarnation in overdue {
                let why = format!("silent for more than {} ms", silence.as_millis());
                let fence = Change::Fence(Fence::new(incarnation, why));
                if let Err(error) = self.submit("meta", fence, None).await {
                    tracing::warn!(incarnation, %error, "cannot fence a silent proxy");
                }
            }
        }
    }

    /// The nodes as this one knows them.
    pub fn view(&self) -> ClusterView {
        let m = self.0.raft.metrics().borrow().clone();
        let voters: BTreeSet<u64> = m.membership_config.voter_ids().collect();
        let replication = m.replication.unwrap_or_default();
        let member = |(id, node): (&u64, &BasicNode)| MemberView {
            id: *id,
            address: node.addr.clone(),
            role: match voters.contains(id) {
                _ if m.current_leader == Some(*id) => MemberRole::Leader,
                true => MemberRole::Follower,
                false => MemberRole::Learner,
            },
            log_index: match replication.get(id) {
                Some(matched) => matched.map(|l| l.index),
                None if *id == self.0.id => m.last_log_index,
                None => None,
            },
        };
        ClusterView {
            node: self.0.id,
            leader: m.current_leader,
            term: m.current_term,
            applied_index: m.last_applied.map(|l| l.index),
            epoch: self.0.machine.with_state(|s| s.catalog.epoch),
            members: m.membership_config.nodes().map(member).collect(),
        }
    }

    /// The state as of now or later.
    pub async fn read(&self, forward: bool) -> Result<State, MetaError> {
        match self.leader().await? {
            None => Ok(self.0.machine.state()),
            Some(address) if forward => {
                let path = format!("/v1/state?forwarded=1&shape={SHAPE}");
                Ok(self.http()?.get(&address, &path, TRY_TIME).await?)
            }
            Some(_) => Err(MetaError::Unavailable("another node leads".to_string())),
        }
    }

    /// The registered proxies, as the leader knows them.
    pub async fn proxy_list(&self, forward: bool) -> Result<Vec<ProxyView>, MetaError> {
        match self.leader().await? {
            None => {
                let leases = self.leases();
                let view = |s: &State| leases.view(&s.incarnations, Instant::now());
                Ok(self.0.machine.with_state(view))
            }
            Some(address) if forward => {
                let path = "/v1/proxies?forwarded=1";
                Ok(self.http()?.get(&address, path, TRY_TIME).await?)
            }
            Some(_) => Err(MetaError::Unavailable("another node leads".to_string())),
        }
    }
}

fn lease_ms(s: &State) -> u64 {
    s.setting("lease_ms")
        .and_then(|v| v.parse().ok())
        .unwrap_or(3_000)
}

impl MetaService for MetaNode {
    fn watch(&self) -> watch::Receiver<Arc<Catalog>> {
        self.0.machine.watch()
    }

    fn submit(
        &self,
        who: &str,
        change: Change,
        expected_epoch: Option<u64>,
    ) -> BoxFuture<Result<Answer, MetaError>> {
        let (node, p) = (self.clone(), proposal(who, change, expected_epoch));
        Box::pin(async move { accepted(node.carry_out(p?, true).await?) })
    }

    fn state(&self) -> BoxFuture<Result<State, MetaError>> {
        let node = self.clone();
        Box::pin(async move { node.read(true).await })
    }

    fn cluster(&self) -> BoxFuture<Result<ClusterView, MetaError>> {
        let node = self.clone();
        Box::pin(async move { Ok(node.view()) })
    }

    fn change_members(&self, change: MemberChange) -> BoxFuture<Result<ClusterView, MetaError>> {
        let node = self.clone();
        Box::pin(async move { node.members(change, true).await })
    }

    fn proxies(&self) -> BoxFuture<Result<Vec<ProxyView>, MetaError>> {
        let node = self.clone();
        Box::pin(async move { node.proxy_list(true).await })
    }
}
