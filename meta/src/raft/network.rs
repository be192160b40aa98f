//! Messages between nodes: JSON over HTTP, snapshots as bytes behind their header.

use super::{Raft, TypeConfig};
use meta_client::BoxFuture;
use meta_client::http::{Http, HttpError};
use openraft::BasicNode;
use openraft::error::{
    InstallSnapshotError, NetworkError, RPCError, RaftError, RemoteError, Unreachable,
};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Paths of the messages.
pub const APPEND: &str = "/raft/append";
/// See [`APPEND`].
pub const VOTE: &str = "/raft/vote";
/// See [`APPEND`].
pub const SNAPSHOT: &str = "/raft/snapshot";

/// What carries a message to another node and its answer back. Over HTTP, or simulated by a test.
pub trait Transport: Send + Sync {
    /// Sends a body to a path of a node, for at most this long.
    fn send(
        &self,
        to: &str,
        path: &'static str,
        body: Vec<u8>,
        time: Duration,
    ) -> BoxFuture<Result<Vec<u8>, HttpError>>;
}

impl Transport for Http {
    fn send(
        &self,
        to: &str,
        path: &'static str,
        body: Vec<u8>,
        time: Duration,
    ) -> BoxFuture<Result<Vec<u8>, HttpError>> {
        let (http, to) = (self.clone(), to.to_string());
        Box::pin(async move {
            let answer: Box<serde_json::value::RawValue> =
                http.post_bytes(&to, path, body, time).await?;
            Ok(answer.get().as_bytes().to_vec())
        })
    }
}

type Failed<E> = RPCError<u64, BasicNode, E>;

/// Makes a connection to each node.
#[derive(Clone)]
pub struct Network {
    /// `None` for an embedded node, which is alone.
    pub transport: Option<Arc<dyn Transport>>,
}

/// The way to one node.
pub struct Peer {
    transport: Option<Arc<dyn Transport>>,
    id: u64,
    node: BasicNode,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Peer;

    async fn new_client(&mut self, id: u64, node: &BasicNode) -> Peer {
        Peer {
            transport: self.transport.clone(),
            id,
            node: node.clone(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an embedded node has no peers")]
struct Alone;

impl Peer {
    async fn call<R, E>(
        &self,
        path: &'static str,
        body: Vec<u8>,
        option: RPCOption,
    ) -> Result<R, Failed<RaftError<u64, E>>>
    where
        R: DeserializeOwned,
        E: Error + DeserializeOwned,
    {
        let Some(transport) = &self.transport else {
            return Err(Unreachable::new(&Alone).into());
        };
        let sent = transport.send(&self.node.addr, path, body, option.hard_ttl());
        match sent.await {
            Ok(bytes) => match serde_json::from_slice::<Result<R, RaftError<u64, E>>>(&bytes) {
                Ok(Ok(r)) => Ok(r),
                Ok(Err(e)) => Err(RemoteError::new(self.id, e).into()),
                Err(e) => Err(NetworkError::new(&e).into()),
            },
            // Unreachable makes Raft wait a moment before it tries this node again.
            Err(e @ HttpError::NotSent { .. }) => Err(Unreachable::new(&e).into()),
            Err(e) => Err(NetworkError::new(&e).into()),
        }
    }
}

#[allow(clippy::result_large_err)] // openraft's type
fn json<T: Serialize, E: Error>(value: &T) -> Result<Vec<u8>, Failed<E>> {
    serde_json::to_vec(value).map_err(|e| NetworkError::new(&e).into())
}

impl RaftNetwork<TypeConfig> for Peer {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, Failed<RaftError<u64>>> {
        self.call(APPEND, json(&rpc)?, option).await
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, Failed<RaftError<u64>>> {
        self.call(VOTE, json(&rpc)?, option).await
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, Failed<RaftError<u64, InstallSnapshotError>>> {
        self.call(SNAPSHOT, encode_chunk(rpc)?, option).await
    }
}

/// Length of the JSON header, the header, and the chunk itself as it is.
#[allow(clippy::result_large_err)] // openraft's type
fn encode_chunk<E: Error>(
    mut rpc: InstallSnapshotRequest<TypeConfig>,
) -> Result<Vec<u8>, Failed<E>> {
    let data = std::mem::take(&mut rpc.data);
    let head = json(&rpc)?;
    let mut out = Vec::with_capacity(4 + head.len() + data.len());
    out.extend_from_slice(&(head.len() as u32).to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(&data);
    Ok(out)
}

fn decode_chunk(body: &[u8]) -> Option<InstallSnapshotRequest<TypeConfig>> {
    let (len, rest) = body.split_first_chunk::<4>()?;
    let (head, data) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    let mut rpc: InstallSnapshotRequest<TypeConfig> = serde_json::from_slice(head).ok()?;
    rpc.data = data.to_vec();
    Some(rpc)
}

/// Carries out a message from another node; `None` if it cannot be read. The answer is JSON.
pub async fn receive(raft: &Raft, path: &str, body: &[u8]) -> Option<serde_json::Result<Vec<u8>>> {
    Some(match path {
        APPEND => {
            let rpc = serde_json::from_slice(body).ok()?;
            serde_json::to_vec(&raft.append_entries(rpc).await)
        }
        VOTE => {
            let rpc = serde_json::from_slice(body).ok()?;
            serde_json::to_vec(&raft.vote(rpc).await)
        }
        SNAPSHOT => serde_json::to_vec(&raft.install_snapshot(decode_chunk(body)?).await),
        _ => return None,
    })
}
