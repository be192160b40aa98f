//! The pipelines of a worker: some for each session profile and instance that has fast reads.
//!
//! Their number is bounded by the connections that a pool gives to pipelines. Where a profile finds none
//! left, the profile that has not been used for longest gives way, unless statements are on their way there.

use super::Worker;
use catalog::{InstanceId, ShardId};
use router::ReadNeeds;
use shard::{ConnClass, Pipeline, Profile, Settings, ShardPool};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A profile's pipelines are closed after this time without a request, if connections idle longer.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Pause before the next try where a pipeline could not have a connection; statements run on leases.
const RETRY: Duration = Duration::from_secs(1);

/// The pipelines of one session profile to one shard.
struct Profiled {
    profile: Profile,
    pipes: Vec<Rc<Pipeline>>,
    /// When the last one was opened.
    opened: Option<Instant>,
}

impl Profiled {
    fn last_use(&self) -> Option<Instant> {
        self.pipes.iter().map(|p| p.last_use()).max()
    }

    fn is_quiet(&self) -> bool {
        self.pipes.iter().all(|p| p.depth() == 0)
    }

    fn close(&self) {
        self.pipes.iter().for_each(|p| p.close());
    }
}

/// All pipelines of a worker.
#[derive(Default)]
pub(super) struct Pipelines {
    by_instance: RefCell<HashMap<InstanceId, Vec<Profiled>>>,
}

impl Pipelines {
    /// No new requests for an instance; those that are on their way end.
    pub(super) fn drop_instance(&self, instance: InstanceId) {
        let gone = self.by_instance.borrow_mut().remove(&instance);
        gone.into_iter().flatten().for_each(|p| p.close());
    }

    /// Closes what nobody has used for long.
    pub(super) fn close_idle(&self, idle: Duration) {
        let idle = idle.min(IDLE_MAX);
        for all in self.by_instance.borrow_mut().values_mut() {
            all.retain_mut(|p| {
                p.pipes.retain(|p| !p.is_closed());
                let used = p.last_use().is_some_and(|t| t.elapsed() < idle);
                if !used {
                    p.close();
                }
                used
            });
        }
    }
}

/// What a read needs of its pipeline.
struct Wanted<'a> {
    class: ConnClass,
    settings: Rc<Settings>,
    database: Option<&'a Rc<str>>,
    /// A pipeline with another database does too.
    any_database: bool,
}

impl Wanted<'_> {
    fn is_served_by(&self, p: &Profile) -> bool {
        let same = p.class == self.class && Rc::ptr_eq(&p.settings, &self.settings);
        same && (self.any_database || p.database.as_ref() == self.database)
    }
}

impl Worker {
    /// The pipeline for a read by sessions like this one. If there should be another one, it is opened;
    /// requests may be given to it at once. `None` if there is room for no more.
    pub(crate) fn pipeline(
        &self,
        shard: ShardId,
        class: ConnClass,
        settings: &Rc<Settings>,
        database: Option<&Rc<str>>,
        needs: ReadNeeds,
    ) -> Option<Rc<Pipeline>> {
        if self.shared.pool.pipelines_per_profile == 0 {
            return None;
        }
        let wanted = match needs.all_settings {
            true => Wanted {
                class,
                settings: settings.clone(),
                database,
                any_database: false,
            },
            false => Wanted {
                // Rows found instead of rows changed: of writes alone.
                class: ConnClass {
                    found_rows: false,
                    ..class
                },
                settings: self.interner.borrow_mut().for_plain_reads(settings),
                database,
                any_database: !needs.database,
            },
        };
        let instance = self.primary_of(shard)?;
        if let Some(pipe) = self.open_one(instance, &wanted) {
            return Some(pipe);
        }
        // Getting the pool may close pipelines of an old one, so nothing is borrowed here.
        let pool = self.pool(shard).ok()?;
        let mut by_instance = self.pipelines.by_instance.borrow_mut();
        self.open_pipeline(by_instance.entry(instance).or_default(), &pool, &wanted)
    }

    /// A pipeline that is there, unless its profile should have another one.
    fn open_one(&self, instance: InstanceId, wanted: &Wanted<'_>) -> Option<Rc<Pipeline>> {
        let mut by_instance = self.pipelines.by_instance.borrow_mut();
        let all = by_instance.get_mut(&instance)?;
        let entry = all.iter_mut().find(|p| wanted.is_served_by(&p.profile))?;
        self.least_busy(entry)
    }

    /// The open pipeline with the fewest requests, once there are as many as a profile may have.
    fn least_busy(&self, p: &mut Profiled) -> Option<Rc<Pipeline>> {
        p.pipes.retain(|p| !p.is_closed());
        if p.pipes.len() < self.shared.pool.pipelines_per_profile {
            return None;
        }
        p.pipes.iter().min_by_key(|p| p.depth()).cloned()
    }

    /// Opens one more pipeline, if the pool has room or another profile gives way.
    fn open_pipeline(
        &self,
        all: &mut Vec<Profiled>,
        pool: &Rc<ShardPool>,
        wanted: &Wanted<'_>,
    ) -> Option<Rc<Pipeline>> {
        let max = pool.limits().pipelines_max;
        let known = all.iter().position(|p| wanted.is_served_by(&p.profile));
        let open = |p: &Profiled| p.pipes.iter().filter(|p| !p.is_closed()).count();
        if all.iter().map(open).sum::<usize>() >= max {
            let existing = known.and_then(|at| all[at].pipes.first().cloned());
            // A second pipeline of a profile displaces nobody.
            return existing.or_else(|| {
                give_way(all)?;
                self.open_pipeline(all, pool, wanted)
            });
        }
        let at = match known {
            Some(at) => at,
            None => {
                let profile = Profile {
                    class: wanted.class,
                    settings: wanted.settings.clone(),
                    database: wanted.database.cloned(),
                };
                all.push(Profiled {
                    profile,
                    pipes: Vec::new(),
                    opened: None,
                });
                all.len() - 1
            }
        };
        let entry = &mut all[at];
        if entry.pipes.is_empty() && entry.opened.is_some_and(|t| t.elapsed() < RETRY) {
            // The last one had no connection, or stalled: no second at once.
            return None;
        }
        entry.opened = Some(Instant::now());
        let stall = Duration::from_millis(self.shared.pool.pipeline_stall_ms);
        let pipe = Pipeline::open(pool.clone(), entry.profile.clone(), stall);
        entry.pipes.push(pipe);
        entry.pipes.iter().min_by_key(|p| p.depth()).cloned()
    }
}

/// The profile that was not used for longest gives its connections up, if one is quiet.
fn give_way(all: &mut Vec<Profiled>) -> Option<()> {
    let quiet = all.iter().enumerate().filter(|(_, p)| p.is_quiet());
    let (at, _) = quiet.min_by_key(|(_, p)| p.last_use())?;
    all.swap_remove(at).close();
    Some(())
}
