//! Waiting that ends with the client and with KILL: for what no shard does (an answer of other proxies, a
//! change of the catalog), and for statements that a server runs for the session.

use crate::metrics::count;
use crate::registry::{Kill, SessionInfo};
use crate::session::client_io::ClientIo;
use crate::session::{Session, Stop};
use crate::worker::Worker;
use errors::SessionError;
use shard::Login;
use shard::net::Peek;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Between two KILLs of a statement that does not end.
const KILL_AGAIN: Duration = Duration::from_millis(500);

impl Session {
    /// Waits; ends with KILL and with the client's leaving. What was waited for is dropped then.
    pub(crate) async fn unless_ended<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        unless_ended(&self.worker, &self.io, &self.client.info, work).await
    }
}

/// Waits for a session of which only these parts are at hand.
pub(crate) async fn unless_ended<T>(
    worker: &Worker,
    io: &ClientIo,
    info: &SessionInfo,
    work: impl Future<Output = T>,
) -> Result<T, Stop> {
    let mut work = pin!(work);
    let done = poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => poll_ended(cx, io, info, true).map(|()| None),
    });
    if let Some(done) = done.await {
        return Ok(done);
    }
    count(&worker.shared.metrics.statements_cancelled);
    match info.kill_state() {
        Kill::Query => Err(SessionError::Interrupted.into()),
        _ => Err(Stop::Gone),
    }
}

/// Ready once somebody wants the session or its statement ended, or (`leaving`) its client is gone.
fn poll_ended(cx: &mut Context<'_>, io: &ClientIo, info: &SessionInfo, leaving: bool) -> Poll<()> {
    while leaving && io.stream.poll_news(cx).is_ready() {
        match io.stream.peek() {
            Some(Peek::Closed) => return Poll::Ready(()),
            // The next command, sent early.
            Some(Peek::Bytes) => break,
            None => {}
        }
    }
    info.register(cx.waker());
    match info.kill_state() {
        Kill::No => Poll::Pending,
        _ => Poll::Ready(()),
    }
}

/// How a statement that a server runs for a session comes to its end: its answer is always waited for,
/// because what it did must be known, but the server is told to end it.
pub(crate) struct Ending {
    login: Login,
    thread_id: u32,
    leaving: bool,
}

impl Ending {
    /// With the client, and with KILL.
    pub(crate) fn with_client(login: Login, thread_id: u32) -> Self {
        Self {
            login,
            thread_id,
            leaving: true,
        }
    }

    /// With KILL only: half of it is done elsewhere, and a client that is gone cannot finish it.
    pub(crate) fn with_kill(login: Login, thread_id: u32) -> Self {
        Self {
            leaving: false,
            ..Self::with_client(login, thread_id)
        }
    }

    /// Waits for the answer.
    pub(crate) async fn waits<T>(
        self,
        io: &ClientIo,
        info: &SessionInfo,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        let done = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => poll_ended(cx, io, info, self.leaving).map(|()| None),
        });
        if let Some(done) = done.await {
            return done;
        }
        loop {
            // Again and again: the first may come before the statement has begun.
            let kill = async {
                if let Err(error) = shard::kill_query(&self.login, self.thread_id).await {
                    tracing::debug!(%error, "KILL QUERY did not reach the shard");
                }
                tokio::time::sleep(KILL_AGAIN).await;
            };
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = kill => {}
            }
        }
    }
}
