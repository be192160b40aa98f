//! Who is behind an epoch here: every worker is asked, again and again until nobody is or the time is over.

use crate::server::Shared;
use crate::worker::questions::Question;
use catalog::TableName;
use peers::call::epochs::{Behind, EpochAsked, WorkerBehind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Pause between two questions to the workers; it doubles up to the second.
const STEP: Duration = Duration::from_millis(1);
const STEP_MAX: Duration = Duration::from_millis(20);
/// How long a worker may take to answer before it counts as behind.
const WORKER_TIME: Duration = Duration::from_millis(200);

impl Shared {
    /// Waits for nobody to be behind, for as long as the question says.
    pub(super) async fn behind(&self, asked: EpochAsked) -> Behind {
        let until = Instant::now() + Duration::from_millis(asked.wait_ms);
        let own = self.peers.me().registered().incarnation;
        let except = asked.except.filter(|s| s.incarnation == own);
        let except = except.map(|s| s.id);
        let tables: Arc<[TableName]> = asked.tables.into();
        let mut step = STEP;
        loop {
            let behind = self.behind_now(asked.epoch, &tables, except).await;
            if behind.is_nobody() || Instant::now() >= until {
                return behind;
            }
            tokio::time::sleep(step).await;
            step = (step * 2).min(STEP_MAX);
        }
    }

    async fn behind_now(
        &self,
        epoch: u64,
        tables: &Arc<[TableName]>,
        except: Option<u32>,
    ) -> Behind {
        let asked: Vec<_> = self
            .questions
            .iter()
            .map(|worker| {
                let (reply, answer) = oneshot::channel();
                let tables = tables.clone();
                let sent = worker.try_send(Question {
                    epoch,
                    tables,
                    except,
                    reply,
                });
                sent.ok().map(|()| answer)
            })
            .collect();
        let until = Instant::now() + WORKER_TIME;
        let mut out = Behind::default();
        for (worker, answer) in asked.into_iter().enumerate() {
            let answer = match answer {
                Some(answer) => tokio::time::timeout_at(until, answer).await.ok(),
                None => None,
            };
            let Some(Ok(answer)) = answer else {
                let known = self.epochs.get(worker);
                let epoch = known.map_or(0, |e| e.load(Ordering::Acquire));
                out.workers.push(WorkerBehind { worker, epoch });
                continue;
            };
            out.workers.extend(answer.worker);
            out.statements.extend(answer.statements);
        }
        out.statements.sort_by_key(|s| std::cmp::Reverse(s.for_ms));
        out.statements.truncate(Behind::STATEMENTS_MAX);
        out
    }
}
