//! Shards and the server processes that they are made of.

use crate::model::ShardId;
use serde::{Deserialize, Serialize};

/// Number of an instance, unique in the catalog; it stays when the address changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstanceId(pub u32);

/// What an instance is to its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It takes the writes; each shard has exactly one.
    Primary,
    /// It follows the primary.
    Replica,
}

/// One server process of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its number.
    pub id: InstanceId,
    /// Name or address of its machine.
    pub host: String,
    /// Where it listens there.
    pub port: u16,
    /// What it is to its shard.
    pub role: Role,
    /// The part of the world that it shares its failures with; empty if nobody said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
}

/// A replica set that holds part of the data: a primary, and its replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredShard")]
pub struct Shard {
    /// Its number.
    pub id: ShardId,
    /// Its name, for people and rules.
    pub name: String,
    /// True if new databases and single tables go elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// The primary first; [`Shard::new`] and reading make sure of it.
    instances: Vec<Instance>,
}

impl Shard {
    /// One with a primary alone.
    pub fn new(id: ShardId, name: &str, primary: InstanceId, (host, port): (&str, u16)) -> Shard {
        let primary = Instance {
            id: primary,
            host: host.to_string(),
            port,
            role: Role::Primary,
            zone: String::new(),
        };
        Shard {
            id,
            name: name.to_string(),
            disabled: false,
            instances: vec![primary],
        }
    }

    /// The instance that takes the writes.
    pub fn primary(&self) -> &Instance {
        &self.instances[0]
    }

    /// Every instance, the primary first.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The primary is at another address from now on.
    pub fn move_primary(&mut self, host: &str, port: u16) {
        let primary = &mut self.instances[0];
        (primary.host, primary.port) = (host.to_string(), port);
    }
}

impl Instance {
    /// Host and port.
    pub fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

/// A shard as this and earlier versions wrote it. Versions before instances knew the primary's address.
#[derive(Deserialize)]
struct StoredShard {
    id: ShardId,
    name: String,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    instances: Vec<Instance>,
    host: Option<String>,
    port: Option<u16>,
}

impl TryFrom<StoredShard> for Shard {
    type Error = String;

    fn try_from(s: StoredShard) -> Result<Shard, String> {
        if let (Some(host), Some(port)) = (&s.host, s.port) {
            // Every node that reads it, or has taken part since, gives the same number.
            let mut shard = Shard::new(s.id, &s.name, InstanceId(s.id.0), (host, port));
            shard.disabled = s.disabled;
            return Ok(shard);
        }
        let mut instances = s.instances;
        // Stable: replicas keep their order.
        instances.sort_by_key(|i| i.role != Role::Primary);
        match instances.iter().filter(|i| i.role == Role::Primary).count() {
            1 => Ok(Shard {
                id: s.id,
                name: s.name,
                disabled: s.disabled,
                instances,
            }),
            n => Err(format!("shard {} has {n} primaries instead of one", s.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Shard, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    #[test]
    fn a_shard_of_an_earlier_version_has_a_primary() {
        let old = r#"{"id":3,"name":"s3","host":"a.example","port":3306,"disabled":true}"#;
        let s = read(old).unwrap();
        assert_eq!(
            (s.primary().id, s.primary().address()),
            (InstanceId(3), ("a.example", 3306))
        );
        assert_eq!(
            (s.primary().role, s.disabled, s.instances().len()),
            (Role::Primary, true, 1)
        );
        let written = serde_json::to_string(&s).unwrap();
        assert_eq!(read(&written).unwrap(), s);
    }

    #[test]
    fn there_is_exactly_one_primary_and_it_comes_first() {
        let instance = |id: u32, role: &str| {
            format!(r#"{{"id":{id},"host":"h{id}","port":1,"role":"{role}","zone":"z"}}"#)
        };
        let shard = |list: &[String]| {
            let list = list.join(",");
            read(&format!(r#"{{"id":1,"name":"s1","instances":[{list}]}}"#))
        };
        let s = shard(&[instance(7, "replica"), instance(5, "primary")]).unwrap();
        assert_eq!(s.primary().host, "h5");
        assert_eq!(s.instances()[1].zone, "z");
        for bad in [
            vec![],
            vec![instance(1, "replica")],
            vec![instance(1, "primary"), instance(2, "primary")],
        ] {
            assert!(shard(&bad).unwrap_err().contains("instead of one"));
        }
    }
}
