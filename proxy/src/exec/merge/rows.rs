//! The rows of several streams in one order, groups put together, sent to the client.

use super::End;
use super::fit::Fit;
use super::group::{Column, Group};
use super::sort::{Sorted, compare};
use super::value::Value;
use crate::exec::streams::{ServerConns, Streams};
use crate::registry::SessionInfo;
use crate::session::branches::Branches;
use crate::session::client_io::{ClientIo, OUT_BYTES_MAX};
use crate::session::waiting::unless_ended;
use crate::session::{Session, Stop};
use crate::worker::Worker;
use router::plan::merge::MergeRoute;
use wire::Malformed;
use wire::result_writer::ResultWriter;
use wire::resultset::RowFormat;

/// Merges the answers of one statement.
pub(super) struct Merge<'s> {
    worker: &'s Worker,
    io: &'s mut ClientIo,
    info: &'s SessionInfo,
    branches: &'s mut Branches,
    streams: &'s mut Streams,
    /// The keys of the row that each stream is at; `None` at its end.
    heads: Vec<Option<Vec<Value>>>,
    status: u16,
    writer: Option<ResultWriter>,
    /// The client has something of the answer.
    pub is_flushed: bool,
    /// Rows of the order so far, those left out among them.
    seen: u64,
    offset: u64,
    limit: Option<u64>,
    row: Vec<u8>,
}

impl<'s> Merge<'s> {
    /// At the start of the answers.
    pub(super) fn of(s: &'s mut Session, streams: &'s mut Streams, status: u16) -> Self {
        let Session {
            worker,
            io,
            client,
            branches,
            ..
        } = s;
        Self {
            worker,
            io,
            info: &client.info,
            branches,
            heads: vec![None; streams.len()],
            streams,
            status,
            writer: None,
            is_flushed: false,
            seen: 0,
            offset: 0,
            limit: None,
            row: Vec::new(),
        }
    }

    /// Merges all; the writer waits to be ended.
    pub(super) async fn run(
        &mut self,
        route: &MergeRoute,
        format: RowFormat,
    ) -> Result<ResultWriter, End> {
        (self.offset, self.limit) = (route.offset, route.limit);
        for n in 0..self.streams.len() {
            let opened = self.streams.open(n, self.branches);
            unless_ended(self.worker, self.io, self.info, opened).await??;
        }
        let columns = self.streams.get(0).1.columns().to_vec();
        let is_alike = |n| {
            let other = self.streams.get(n).1.columns();
            let mut pairs = other.iter().zip(&columns);
            other.len() == columns.len() && pairs.all(|(a, b)| a.kind == b.kind)
        };
        let alike = (1..self.streams.len()).all(is_alike);
        let fit = Fit::of(self.worker, route, &columns, format).await?;
        let fit = fit.filter(|_| alike).ok_or(End::Unfit)?;
        match (&fit.groups, fit.keys.is_empty()) {
            (None, true) => self.any_order(&fit).await?,
            (None, false) => self.sorted(&fit).await?,
            (Some(columns), _) if fit.leave.is_empty() => {
                self.grouped(&fit, columns, route, &mut None).await?;
            }
            (Some(columns), _) => {
                let keep = route.limit.map(|l| l.saturating_add(route.offset));
                let mut sorted = Some(Sorted::new(fit.leave.clone(), keep));
                self.grouped(&fit, columns, route, &mut sorted).await?;
                for row in sorted.into_iter().flat_map(Sorted::finish) {
                    self.send(&fit, &row).await?;
                }
            }
        }
        self.begin(&fit);
        self.writer.take().ok_or(End::Unfit)
    }

    /// Rows of one shard after those of another.
    async fn any_order(&mut self, fit: &Fit) -> Result<(), End> {
        self.begin(fit);
        for n in 0..self.streams.len() {
            while !self.is_over() {
                self.advance(fit, n).await?;
                if self.heads[n].is_none() {
                    break;
                }
                self.pass(fit, n).await?;
            }
        }
        Ok(())
    }

    /// Sorted streams.
    async fn sorted(&mut self, fit: &Fit) -> Result<(), End> {
        for n in 0..self.streams.len() {
            self.advance(fit, n).await?;
        }
        self.begin(fit);
        while let Some(n) = self.smallest(fit).filter(|_| !self.is_over()) {
            self.pass(fit, n).await?;
            self.advance(fit, n).await?;
        }
        Ok(())
    }

    /// Streams of groups, sorted by their keys.
    async fn grouped(
        &mut self,
        fit: &Fit,
        columns: &[(usize, Column)],
        route: &MergeRoute,
        sorted: &mut Option<Sorted>,
    ) -> Result<(), End> {
        let width = route.groups.as_ref().map_or(0, |g| g.keys);
        let by = fit.keys.get(..width).ok_or(End::Unfit)?;
        for n in 0..self.streams.len() {
            self.advance(fit, n).await?;
        }
        let mut group: Option<Group> = None;
        while let Some(n) = self.smallest(fit) {
            let keys = self.heads[n].take().unwrap_or_default();
            let row = self.streams.get(n).1.row();
            match &mut group {
                Some(g) if compare(by, &g.keys, &keys).is_eq() => {
                    let added = g.add(columns, &fit.shape(), row);
                    let alike = self.checked(n, added)?;
                    if !alike && !self.is_flushed {
                        return Err(End::Ambiguous);
                    }
                }
                _ => {
                    let next = Group::of(row, keys);
                    if let Some(done) = group.replace(next) {
                        self.leave(fit, columns, done, sorted).await?;
                    }
                    if sorted.is_none() && self.is_over() {
                        return Ok(());
                    }
                }
            }
            self.advance(fit, n).await?;
        }
        match group {
            Some(done) => self.leave(fit, columns, done, sorted).await,
            None => Ok(()),
        }
    }

    /// A group is whole.
    async fn leave(
        &mut self,
        fit: &Fit,
        columns: &[(usize, Column)],
        group: Group,
        sorted: &mut Option<Sorted>,
    ) -> Result<(), End> {
        let shape = fit.shape();
        for condition in &fit.having {
            let value = group.value(&condition.reader, columns, &shape);
            if !condition.holds(&self.checked(0, value)?) {
                return Ok(());
            }
        }
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        let put = group.put((columns, fit.visible), &shape, &mut row);
        self.checked(0, put)?;
        let Some(sorted) = sorted else {
            self.send(fit, &row).await?;
            self.row = row;
            return Ok(());
        };
        let keys = fit.leave.iter().map(|r| group.value(r, columns, &shape));
        let keys = keys.collect::<Result<Vec<_>, _>>();
        let keys = self.checked(0, keys)?;
        match sorted.add(keys, row) {
            true => Ok(()),
            false => Err(End::Unfit),
        }
    }

    /// The stream whose row comes first.
    fn smallest(&self, fit: &Fit) -> Option<usize> {
        let mut best: Option<(usize, &Vec<Value>)> = None;
        for (n, head) in self.heads.iter().enumerate() {
            let Some(keys) = head else { continue };
            let is_first = best.is_none_or(|(_, b)| compare(&fit.keys, keys, b).is_lt());
            if is_first {
                best = Some((n, keys));
            }
        }
        best.map(|(n, _)| n)
    }

    /// Moves a stream to its next row.
    async fn advance(&mut self, fit: &Fit, n: usize) -> Result<(), End> {
        let more = match self.streams.try_next_of(n, self.branches).await? {
            Some(more) => more,
            None => {
                // What is there goes out while this waits.
                if fit.groups.is_none() && self.writer.as_ref().is_some_and(|w| w.rows > 0) {
                    self.flush().await?;
                }
                let next = self.streams.next_of(n, self.branches);
                unless_ended(self.worker, self.io, self.info, next).await??
            }
        };
        self.heads[n] = match more {
            false => None,
            true => {
                let (row, shape) = (self.streams.get(n).1.row(), fit.shape());
                let values = fit.keys.iter().map(|k| k.value(&shape, row));
                let values = values.collect::<Result<Vec<_>, Malformed>>();
                Some(self.checked(n, values)?)
            }
        };
        Ok(())
    }

    fn checked<T>(&mut self, n: usize, result: Result<T, Malformed>) -> Result<T, End> {
        match result {
            Ok(value) => Ok(value),
            Err(e) => {
                let shard = self.streams.get(n).0;
                Err(self.branches.server_conn(shard)?.broken(e).into())
            }
        }
    }

    /// True if no row behind those seen is wanted.
    fn is_over(&self) -> bool {
        let end = self.limit.map(|l| self.offset.saturating_add(l));
        end.is_some_and(|end| self.seen >= end)
    }

    fn begin(&mut self, fit: &Fit) {
        if self.writer.is_some() {
            return;
        }
        let (caps, status) = (self.io.capabilities, self.status);
        let columns = fit.columns.get(..fit.visible).unwrap_or_default();
        let writer = &mut self.writer;
        self.io.put_packets(|out, seq| {
            *writer = Some(ResultWriter::begin(out, seq, columns, caps, status));
        });
    }

    /// Sends the row that a stream is at, without the columns that were added.
    async fn pass(&mut self, fit: &Fit, n: usize) -> Result<(), End> {
        self.seen += 1;
        if self.seen <= self.offset {
            return Ok(());
        }
        let Self {
            io,
            streams,
            writer: Some(writer),
            ..
        } = self
        else {
            return Err(End::Unfit);
        };
        let row = streams.get(n).1.row();
        let mut cut = Ok(());
        io.put_packets(|out, seq| match fit.visible == fit.columns.len() {
            true => writer.row(out, seq, row),
            false => writer.row_with(out, seq, |b| {
                cut = fit.shape().put_first(row, fit.visible, b);
            }),
        });
        self.checked(n, cut)?;
        self.flush_some().await
    }

    /// Sends a row, if it is wanted.
    async fn send(&mut self, fit: &Fit, row: &[u8]) -> Result<(), End> {
        self.begin(fit);
        if self.is_over() {
            return Ok(());
        }
        self.seen += 1;
        if self.seen <= self.offset {
            return Ok(());
        }
        if let Some(writer) = &mut self.writer {
            self.io.put_packets(|out, seq| writer.row(out, seq, row));
        }
        self.flush_some().await
    }

    async fn flush_some(&mut self) -> Result<(), End> {
        match self.io.queued() > OUT_BYTES_MAX {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        self.is_flushed = true;
        Ok(self.io.flush().await.map_err(|_| Stop::Gone)?)
    }
}
