//! Statements that are sent as they are: from the plan and the values of one execution to an operator.

use crate::Refusal;
use crate::analyze::Analysis;
use crate::analyze::information_schema::SchemaNeed;
use crate::args::{Args, Source};
use crate::plan::gather::{Gather, GatherRoute};
use crate::plan::merge::{Merge, MergeRoute};
use crate::plan::never::Never;
use crate::traits::Traits;
use catalog::{Catalog, KeyValue, ShardId, TableName, Use};
use errors::{NameList, Obstacle, ReadError, WriteError};
use smallvec::SmallVec;
use std::sync::Arc;

/// What a statement does to its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads.
    Read,
    /// Reads and locks.
    LockingRead,
    /// Changes rows.
    Write,
    /// Shows structure or the state of a server.
    Describe,
}

/// A sharded table of a plan: how to find its shards for one execution.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// The table.
    pub table: Arc<catalog::Table>,
    /// Whole keys, if the conditions name them.
    pub points: Option<Vec<SmallVec<[Source; 2]>>>,
    /// Bounds of the first key column, if the conditions give them.
    pub bounds: Option<(Option<Source>, Option<Source>)>,
}

/// Where a statement goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// This shard.
    Fixed(ShardId),
    /// Any shard answers the same.
    Any,
    /// Every shard, with the same effect (writes to reference tables).
    Everywhere,
    /// These shards, each with its own answer (maintenance of a table).
    Each(Shards),
    /// The shard whose information_schema can answer.
    Schema(SchemaNeed),
    /// By the sharding keys of these tables; `home` is a shard that other tables need.
    Keyed {
        /// The sharded tables.
        tables: Vec<Keyed>,
        /// Where single tables of the statement live.
        home: Option<ShardId>,
        /// Why more than one shard cannot answer, if so.
        obstacle: Option<Obstacle>,
        /// Conditions that may let no row through.
        never: Option<Box<Nevers>>,
    },
    /// Never by shards of their own: copies of its tables' rows come together on one.
    Gathered,
}

/// Why the connection stays with the session after a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// LOCK TABLES.
    LockedTables,
    /// HANDLER ... OPEN.
    Handler,
    /// CREATE TEMPORARY TABLE.
    TemporaryTables,
}

/// A statement that is sent as it is.
#[derive(Debug, Clone)]
pub struct Forward {
    /// What it does.
    pub access: Access,
    /// Where it goes.
    pub target: Target,
    /// What it asks of the connection.
    pub traits: Traits,
    /// Tables it uses, for people.
    pub tables: SmallVec<[TableName; 2]>,
    /// Why the connection stays with the session, if it does.
    pub pin: Option<Pin>,
    /// How rows of several shards come together, if they must.
    pub together: Option<Box<Together>>,
}

/// How rows of several shards come together.
#[derive(Debug, Clone)]
pub struct Together {
    /// What is copied to one shard if nothing cheaper does; or why that does not help.
    pub gather: Result<Gather, Refusal>,
    /// How their answers are merged, if they can be.
    pub merge: Option<Merge>,
}

/// Conditions that let no row through if one of them holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nevers(Vec<Never>);

impl Nevers {
    /// Those of a statement; `None` if there are none.
    pub(super) fn of(a: &Analysis<'_>) -> Option<Box<Self>> {
        let all = Never::of(a);
        (!all.is_empty()).then(|| Box::new(Self(all)))
    }

    fn hold(&self, args: &Args<'_>) -> bool {
        self.0.iter().any(|n| n.holds(args))
    }
}

/// Shards, ascending.
pub type Shards = SmallVec<[ShardId; 8]>;

/// What runs: a plan with the values of one execution put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// One shard answers.
    One(ShardId),
    /// One shard answers, and it does not matter which.
    Any,
    /// Rows of several shards, one shard's after the other's.
    Scatter(Shards),
    /// Each shard changes its part of the rows; all succeed, or nothing stays.
    Write(Shards),
    /// Every shard does the same; the effects are counted once.
    Replicate(Shards),
    /// Several shards sort and group their rows, and the streams are merged.
    Merge(Box<MergeRoute>),
    /// Rows are copied to one shard, where the statement runs.
    Gather(Box<GatherRoute>),
}

/// What decides, besides the plan, how one execution runs.
#[derive(Debug, Clone, Copy)]
pub struct RouteContext<'a> {
    /// The catalog that the plan was made against.
    pub catalog: &'a Catalog,
    /// The values.
    pub args: Args<'a>,
    /// The session's part.
    pub session: SessionFacts,
}

/// What of a session's state can forbid a way to run a statement.
#[derive(Debug, Clone, Copy, Default)]
pub struct SessionFacts {
    /// sql_select_limit is set.
    pub select_limit: bool,
    /// LOCK TABLES holds.
    pub locked_tables: bool,
    /// It holds on some shards only: on the others nothing is locked, and no server would say so.
    pub locked_in_part: bool,
    /// The client wants a cursor.
    pub cursor: bool,
    /// It is an execution of a prepared statement.
    pub prepared: bool,
    /// A statement may give ids that no shard can tell to be unique.
    pub explicit_ids: bool,
}

impl Forward {
    /// Decides how to run it with these values.
    pub fn route(&self, cx: &RouteContext<'_>) -> Result<Operator, Refusal> {
        match &self.target {
            Target::Fixed(s) => Ok(Operator::One(*s)),
            Target::Any => Ok(Operator::Any),
            Target::Everywhere => {
                self.check_write(cx.session)?;
                let shards = cx.catalog.shards.keys().copied().collect();
                Ok(Operator::Replicate(shards))
            }
            Target::Each(shards) => Ok(match shards.as_slice() {
                [one] => Operator::One(*one),
                _ => Operator::Scatter(shards.clone()),
            }),
            Target::Schema(need) => need.shard(cx.catalog, &cx.args).map(Operator::One),
            Target::Keyed {
                tables,
                home,
                obstacle,
                never,
            } => {
                let mut shards = Shards::new();
                for t in tables {
                    t.shards(&cx.args, &mut shards);
                }
                shards.extend(*home);
                shards.sort_unstable();
                shards.dedup();
                match (shards.as_slice(), obstacle) {
                    // No partition holds such a key: any shard of the table finds nothing.
                    ([], _) => Ok(tables
                        .first()
                        .and_then(|t| t.table.sharding()?.shards().first().copied())
                        .map_or(Operator::Any, Operator::One)),
                    ([one], _) => Ok(Operator::One(*one)),
                    (several, _)
                        if home.is_none() && never.as_ref().is_some_and(|n| n.hold(&cx.args)) =>
                    {
                        let has_all = |s: &&ShardId| tables.iter().all(|t| t.is_on(**s));
                        let one = several.iter().find(has_all).copied();
                        one.map_or_else(
                            || self.together(cx, &shards, None),
                            |s| Ok(Operator::One(s)),
                        )
                    }
                    (_, None) if home.is_none() => self.on_several(shards, cx.session),
                    (_, obstacle) => match self.merged(cx, &shards) {
                        Some(route) => Ok(Operator::Merge(Box::new(route))),
                        None => self.together(cx, &shards, obstacle.clone()),
                    },
                }
            }
            Target::Gathered => self.together(cx, &[], None),
        }
    }

    fn merged(&self, cx: &RouteContext<'_>, shards: &[ShardId]) -> Option<MergeRoute> {
        self.together.as_ref()?.merge.as_ref()?.route(cx, shards)
    }

    /// How to run what turned out not to be merged after all: on copies, or why not.
    pub fn route_together(&self, cx: &RouteContext<'_>) -> Result<Operator, Refusal> {
        let obstacle = match &self.target {
            Target::Keyed { obstacle, .. } => obstacle.clone(),
            _ => None,
        };
        self.together(cx, &[], obstacle)
    }

    /// Rows of several shards are needed together.
    fn together(
        &self,
        cx: &RouteContext<'_>,
        shards: &[ShardId],
        obstacle: Option<Obstacle>,
    ) -> Result<Operator, Refusal> {
        match self.together.as_ref().map(|t| &t.gather) {
            Some(Ok(_)) if cx.session.cursor => Err(ReadError::Cursor.into()),
            // The rows are read over other connections, which would wait for the session's own locks.
            Some(Ok(_)) if cx.session.locked_tables => Err(WriteError::NotLocked.into()),
            Some(Ok(gather)) => Ok(Operator::Gather(Box::new(gather.route(cx)?))),
            Some(Err(refusal)) => Err(refusal.clone()),
            None => Err(self.needs_several(cx.catalog, shards, obstacle)),
        }
    }

    /// A shard that knows the statement's columns, whatever its values will be.
    pub fn shard_to_prepare_on(&self, cx: &RouteContext<'_>) -> Option<ShardId> {
        match (self.route(cx), &self.target) {
            (Ok(Operator::One(s)), _) => Some(s),
            (Ok(Operator::Scatter(list) | Operator::Write(list)), _) => list.first().copied(),
            (Ok(Operator::Gather(route)), _) => Some(route.scratch),
            (Ok(Operator::Merge(route)), _) => route.shards.first().copied(),
            (Ok(Operator::Any | Operator::Replicate(_)), _) => None,
            // Without values every key may be meant: any shard of the table knows its columns.
            (Err(_), Target::Keyed { tables, home, .. }) => home.or_else(|| {
                let s = tables.first()?.table.sharding()?;
                s.shards().first().copied()
            }),
            (Err(_), _) => None,
        }
    }

    fn on_several(&self, shards: Shards, session: SessionFacts) -> Result<Operator, Refusal> {
        let traits = self.traits;
        if traits.sets_last_insert_id {
            return Err(ReadError::LastInsertId.into());
        }
        if self.access == Access::Write {
            self.check_write(session)?;
            return Ok(Operator::Write(shards));
        }
        if traits.of_session() {
            return Err(ReadError::SessionFunction.into());
        }
        if session.select_limit {
            return Err(ReadError::SelectLimit.into());
        }
        if session.cursor {
            return Err(ReadError::Cursor.into());
        }
        Ok(Operator::Scatter(shards))
    }

    fn check_write(&self, session: SessionFacts) -> Result<(), Refusal> {
        if self.traits.of_session() {
            return Err(ReadError::SessionFunction.into());
        }
        check_write(self.traits, session)
    }

    fn needs_several(
        &self,
        catalog: &Catalog,
        shards: &[ShardId],
        obstacle: Option<Obstacle>,
    ) -> Refusal {
        let key = |t: &Keyed| {
            let key = &t.table.sharding()?.key;
            let columns: NameList = key.iter().map(|k| &k.name).collect();
            Some(format!("{}({columns})", t.table.name))
        };
        let keys = match &self.target {
            Target::Keyed { tables, .. } => tables.iter().filter_map(key).collect(),
            _ => NameList::default(),
        };
        ReadError::NeedsSeveral {
            shards: shards.iter().map(|s| catalog.shard_name(*s)).collect(),
            obstacle: obstacle.unwrap_or(Obstacle::SingleTable),
            keys,
        }
        .into()
    }
}

/// Refusals of every write on several shards.
pub(super) fn check_write(traits: Traits, session: SessionFacts) -> Result<(), Refusal> {
    if traits.writes_user_variables {
        return Err(WriteError::UserVariables.into());
    }
    if session.locked_in_part {
        // As a server says of any table that LOCK TABLES did not name.
        return Err(WriteError::NotLocked.into());
    }
    Ok(())
}

impl Keyed {
    /// A table of which nothing is known.
    pub(super) fn everywhere(table: Arc<catalog::Table>) -> Self {
        Self {
            table,
            points: None,
            bounds: None,
        }
    }

    fn is_on(&self, shard: ShardId) -> bool {
        let sharding = self.table.sharding();
        sharding.is_some_and(|s| s.shards().contains(&shard))
    }

    /// Adds the shards that may hold rows of this table for these values.
    pub(super) fn shards(&self, args: &Args<'_>, out: &mut SmallVec<[ShardId; 8]>) {
        let Some(sharding) = self.table.sharding() else {
            return;
        };
        if let Some(points) = &self.points
            && self.by_points(points, args, out).is_some()
        {
            return;
        }
        if let Some((low, high)) = self.bounds
            && let Some(kind) = sharding.group.compiled().key_type(0)
        {
            let value =
                |s: Option<Source>| s.and_then(|s| args.key_value(s, kind, Use::Compare).ok());
            let (low, high) = (value(low), value(high));
            if let (Some(low), Some(high)) = (&low, &high)
                && high < low
            {
                return;
            }
            if let Some(some) = sharding
                .group
                .compiled()
                .shards_between(low.as_ref(), high.as_ref())
            {
                out.extend(some);
                return;
            }
        }
        out.extend(sharding.shards().iter().copied());
    }

    /// `None` if a value cannot be placed exactly; then every shard may hold it.
    fn by_points(
        &self,
        points: &[SmallVec<[Source; 2]>],
        args: &Args<'_>,
        out: &mut SmallVec<[ShardId; 8]>,
    ) -> Option<()> {
        let sharding = self.table.sharding()?;
        let before = out.len();
        for point in points {
            let mut key: SmallVec<[KeyValue; 2]> = SmallVec::new();
            for (source, column) in point.iter().zip(&sharding.key) {
                match args.key_value(*source, &column.kind, Use::Compare) {
                    Ok(v) => key.push(v),
                    Err(_) => {
                        out.truncate(before);
                        return None;
                    }
                }
            }
            // A value that no partition takes is stored nowhere.
            if let Ok(s) = sharding.shard(&key)
                && !out.contains(&s)
            {
                out.push(s);
            }
        }
        Some(())
    }
}
