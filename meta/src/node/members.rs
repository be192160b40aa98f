//! Who the nodes of the service are: a view of them, and nodes that join, get a vote, and leave.

use super::{MEMBER_TIME, MetaNode, TRY_TIME};
use meta_client::{ClusterView, MemberChange, MemberRole, MetaError};
use openraft::{BasicNode, ChangeMembers};
use std::collections::BTreeSet;

impl MetaNode {
    /// The nodes as the leader sees them, or this one if the leader does not answer.
    pub async fn cluster_view(&self, forward: bool) -> ClusterView {
        let own = self.view();
        let leader = own.leader.filter(|l| *l != self.0.id && forward);
        let at = leader.and_then(|l| own.members.iter().find(|m| m.id == l));
        let (Some(at), Some(http)) = (at, &self.0.http) else {
            return own;
        };
        let asked = http.get(&at.address, "/v1/cluster?forwarded=1", TRY_TIME);
        asked.await.unwrap_or(own)
    }

    async fn change_here(&self, change: &MemberChange) -> Result<(), MetaError> {
        let raft = &self.0.raft;
        let members = self.view().members;
        let find = |id: u64| members.iter().find(|m| m.id == id);
        // A leader that was removed goes on for a moment; openraft lets it change nothing more.
        let votes = find(self.0.id).is_some_and(|m| m.role != MemberRole::Learner);
        if !votes {
            let why = "this node has left the service; another one leads soon";
            return Err(MetaError::Unavailable(why.to_string()));
        }
        let missing =
            |id: u64| MetaError::Rejected(catalog::Rejected::Missing(format!("node {id}")));
        let invalid = |why: String| MetaError::Rejected(catalog::Rejected::Invalid(why));
        let call = async {
            match change {
                MemberChange::Add { id, address } => {
                    if let Some(m) = find(*id).filter(|m| m.address != *address) {
                        let why = format!("node {id} is {} already; remove it first", m.address);
                        return Err(invalid(why));
                    }
                    let node = BasicNode::new(address);
                    let added = raft.add_learner(*id, node, true).await;
                    added
                        .map(drop)
                        .map_err(|e| MetaError::Unavailable(e.to_string()))
                }
                MemberChange::Promote { id } => {
                    find(*id).ok_or_else(|| missing(*id))?;
                    let add = ChangeMembers::AddVoterIds(BTreeSet::from([*id]));
                    let done = raft.change_membership(add, false).await;
                    done.map(drop)
                        .map_err(|e| MetaError::Unavailable(e.to_string()))
                }
                MemberChange::Remove { id } => {
                    let member = find(*id).ok_or_else(|| missing(*id))?;
                    let voters = members
                        .iter()
                        .filter(|m| m.role != MemberRole::Learner)
                        .count();
                    if member.role != MemberRole::Learner && voters == 1 {
                        return Err(invalid(
                            "the last node with a vote cannot leave".to_string(),
                        ));
                    }
                    let ids = BTreeSet::from([*id]);
                    let remove = match member.role {
                        MemberRole::Learner => ChangeMembers::RemoveNodes(ids),
                        _ => ChangeMembers::RemoveVoters(ids),
                    };
                    let done = raft.change_membership(remove, false).await;
                    done.map(drop)
                        .map_err(|e| MetaError::Unavailable(e.to_string()))
                }
            }
        };
        let late = |_| MetaError::Unknown("the nodes did not agree in time".to_string());
        tokio::time::timeout(MEMBER_TIME, call)
            .await
            .map_err(late)?
    }

    /// Changes the nodes of the service, here or by the leader.
    pub async fn members(&self, c: MemberChange, forward: bool) -> Result<ClusterView, MetaError> {
        match self.leader().await? {
            None => {
                self.change_here(&c).await?;
                Ok(self.view())
            }
            Some(address) if forward => {
                let path = "/v1/members?forwarded=1";
                Ok(self.http()?.post(&address, path, &c, MEMBER_TIME).await?)
            }
            Some(_) => Err(MetaError::Unavailable("another node leads".to_string())),
        }
    }
}
