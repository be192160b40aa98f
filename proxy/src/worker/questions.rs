//! Questions to a worker from other threads, which may not look at anything of it themselves.

use super::Worker;
use catalog::TableName;
use peers::call::epochs::{StatementBehind, WorkerBehind};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait for a worker.
const WAITING_MAX: usize = 64;

/// Asks who is behind an epoch here.
pub(crate) struct Question {
    /// The epoch.
    pub epoch: u64,
    /// Tables that statements are asked about.
    pub tables: Arc<[TableName]>,
    /// A session that does not count.
    pub except: Option<u32>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Answer>,
}

/// Who is behind.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The worker itself.
    pub worker: Option<WorkerBehind>,
    /// Its statements.
    pub statements: Vec<StatementBehind>,
}

/// The ends of a worker's channel.
pub(crate) fn channel() -> (mpsc::Sender<Question>, mpsc::Receiver<Question>) {
    mpsc::channel(WAITING_MAX)
}

impl Worker {
    /// Answers questions for as long as the runtime lives.
    pub(crate) fn answer(self: Rc<Self>, mut questions: mpsc::Receiver<Question>) {
        tokio::task::spawn_local(async move {
            while let Some(q) = questions.recv().await {
                let answer = self.behind(&q);
                // Who asked may have gone.
                let _ = q.reply.send(answer);
            }
        });
    }

    fn behind(&self, q: &Question) -> Answer {
        let (worker, epoch) = (self.index, self.epoch());
        let now = self.shared.registry.now_ms();
        let concerns = |m: &router::Mentions| q.tables.iter().any(|t| m.may_mean(t));
        Answer {
            worker: (epoch < q.epoch).then_some(WorkerBehind { worker, epoch }),
            statements: self.in_use.before(q.epoch, now, q.except, concerns),
        }
    }
}
