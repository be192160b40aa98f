//! Answers of several shards that are read at once, row by row.

use crate::session::Stop;
use catalog::ShardId;
use shard::{RowStream, ServerConn, StreamEnd};
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

/// How often a wait looks at the health of the instances.
const LOOK: Duration = Duration::from_millis(500);

/// Where the connections are that the answers come on.
pub(super) trait ServerConns {
    /// That to a shard.
    fn server_conn(&mut self, shard: ShardId) -> Result<&mut ServerConn, Stop>;
}

/// The answers.
#[derive(Default)]
pub(super) struct Streams {
    all: Vec<(ShardId, RowStream)>,
    /// Where the last row came from.
    last: usize,
}

impl Streams {
    /// One more.
    pub(super) fn add(&mut self, shard: ShardId, stream: RowStream) {
        self.all.push((shard, stream));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The shard and the answer of number `n`.
    pub(super) fn get(&self, n: usize) -> (ShardId, &RowStream) {
        let (shard, stream) = &self.all[n];
        (*shard, stream)
    }

    /// Warnings of those that have ended.
    pub(super) fn warnings(&self) -> u32 {
        let ends = self.all.iter().filter_map(|(_, s)| match s.end() {
            Some(StreamEnd::Rows(end)) => Some(u32::from(end.warnings)),
            _ => None,
        });
        ends.sum()
    }

    /// Reads on to the columns of number `n`.
    pub(super) async fn open(
        &mut self,
        n: usize,
        conns: &mut impl ServerConns,
    ) -> Result<(), Stop> {
        let (shard, stream) = &mut self.all[n];
        stream.open(conns.server_conn(*shard)?).await?;
        match stream.end() {
            Some(_) => self.check_end(n, conns),
            None => Ok(()),
        }
    }

    /// Reads an answer to its end; what comes is dropped.
    pub(super) async fn drain(
        &mut self,
        n: usize,
        conns: &mut impl ServerConns,
    ) -> Result<(), Stop> {
        let (shard, stream) = &mut self.all[n];
        let conn = conns.server_conn(*shard)?;
        while stream.next(conn).await? {}
        Ok(())
    }

    /// The next row of number `n`, if it has come.
    pub(super) async fn try_next_of(
        &mut self,
        n: usize,
        conns: &mut impl ServerConns,
    ) -> Result<Option<bool>, Stop> {
        let (shard, stream) = &mut self.all[n];
        let conn = conns.server_conn(*shard)?;
        match poll_fn(|cx| Poll::Ready(stream.poll_next(cx, conn))).await {
            Poll::Pending => Ok(None),
            Poll::Ready(Err(e)) => Err(e.into()),
            Poll::Ready(Ok(true)) => Ok(Some(true)),
            Poll::Ready(Ok(false)) => self.check_end(n, conns).map(|()| Some(false)),
        }
    }

    /// The next row of number `n`; false at its end. An answer that is an error is this one's.
    pub(super) async fn next_of(
        &mut self,
        n: usize,
        conns: &mut impl ServerConns,
    ) -> Result<bool, Stop> {
        let (shard, stream) = &mut self.all[n];
        let more = stream.next(conns.server_conn(*shard)?).await?;
        if !more {
            self.check_end(n, conns)?;
        }
        Ok(more)
    }

    /// Moves whichever has a row to it; `None` when all are over.
    pub(super) async fn next_of_any(
        &mut self,
        conns: &mut impl ServerConns,
    ) -> Result<Option<usize>, Stop> {
        // Nearly always there is something: no timer is made then.
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(self.poll_any(cx, conns))).await {
            return done;
        }
        loop {
            let next = poll_fn(|cx| self.poll_any(cx, conns));
            if let Ok(done) = tokio::time::timeout(LOOK, next).await {
                return done;
            }
            for (shard, _) in self.all.iter().filter(|(_, s)| s.end().is_none()) {
                if let Some(down) = conns.server_conn(*shard)?.down() {
                    return Err(down.into());
                }
            }
        }
    }

    fn poll_any(
        &mut self,
        cx: &mut Context<'_>,
        conns: &mut impl ServerConns,
    ) -> Poll<Result<Option<usize>, Stop>> {
        let (count, mut waits) = (self.all.len(), false);
        for n in (self.last..count).chain(0..self.last) {
            let (shard, stream) = &mut self.all[n];
            if stream.end().is_some() {
                continue;
            }
            let conn = match conns.server_conn(*shard) {
                Ok(conn) => conn,
                Err(stop) => return Poll::Ready(Err(stop)),
            };
            match stream.poll_next(cx, conn) {
                Poll::Ready(Ok(true)) => {
                    self.last = n;
                    return Poll::Ready(Ok(Some(n)));
                }
                Poll::Ready(Ok(false)) => {
                    if let Err(stop) = self.check_end(n, conns) {
                        return Poll::Ready(Err(stop));
                    }
                }
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e.into())),
                Poll::Pending => waits = true,
            }
        }
        match waits {
            true => Poll::Pending,
            false => Poll::Ready(Ok(None)),
        }
    }

    /// What ended without rows where rows were due is an error.
    fn check_end(&self, n: usize, conns: &mut impl ServerConns) -> Result<(), Stop> {
        let (shard, stream) = &self.all[n];
        match stream.end() {
            Some(StreamEnd::Rows(_)) => Ok(()),
            Some(StreamEnd::Err(err)) => Err(Stop::Server(err.clone())),
            _ => Err(conns
                .server_conn(*shard)?
                .broken("a SELECT without rows")
                .into()),
        }
    }
}
