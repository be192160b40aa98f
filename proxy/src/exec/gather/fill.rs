//! Copies rows of every table into its stand-in.

mod batch;

use super::scratch::Scratch;
use super::source::Sources;
use crate::command::execute::Bound;
use crate::exec::streams::{ServerConns, Streams};
use crate::session::Stop;
use crate::session::branches::Branches;
use crate::session::client_state::ClientState;
use crate::worker::Worker;
use batch::Batch;
use catalog::TableName;
use errors::ReadError;
use router::Refusal;
use router::plan::filter::FilterText;
use router::plan::gather::GatherRoute;
use schema::shadow::shadow;
use shard::{RowStream, ServerConn};
use sql::ident::quote_name;
use wire::command::execute::ParamList;

/// Parameters of one INSERT, of at most 65,535.
const PARAMS_MAX: usize = 16_384;
/// Bytes of one INSERT, well below max_allowed_packet's default of 16 MiB.
const INSERT_BYTES_MAX: usize = 1 << 20;
/// A row longer than this cannot be copied.
const ROW_BYTES_MAX: usize = 15 << 20;
/// Overrides sql_select_limit.
const NO_LIMIT: &str = "LIMIT 18446744073709551615";

/// How much may be copied, and how much was.
struct Budget {
    bytes_max: usize,
    rows_max: u64,
    bytes: usize,
    rows: u64,
}

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), Stop> {
        (self.bytes, self.rows) = (self.bytes + bytes, self.rows + 1);
        let (what, setting, max) = if self.bytes > self.bytes_max {
            ("bytes", "gather_bytes_max", self.bytes_max as u64)
        } else if self.rows > self.rows_max {
            ("rows", "gather_rows_max", self.rows_max)
        } else {
            return Ok(());
        };
        Err(Refusal::from(ReadError::GatherLimit { max, what, setting }).into())
    }
}

/// Makes and fills the stand-ins of all tables; the bytes that were copied.
pub(super) async fn all(
    worker: &Worker,
    client: &ClientState,
    branches: &mut Branches,
    scratch: &mut Scratch,
    (route, bound): (&GatherRoute, Option<&Bound<'_>>),
) -> Result<usize, Stop> {
    let config = &worker.shared.pool;
    let mut budget = Budget {
        bytes_max: config.gather_bytes_max,
        rows_max: config.gather_rows_max,
        bytes: 0,
        rows: 0,
    };
    let filtered = route.tables.iter().any(|t| t.filter.is_some());
    let mut sources = Sources::new(worker, client, branches, (route.tables.len(), filtered));
    for copied in &route.tables {
        let Some(first) = copied.shards.first() else {
            continue;
        };
        let (table, name) = (&copied.table, &copied.table.name);
        let create = create_of(sources.conn(*first).await?, name).await?;
        let keeps = |c: &str| table.keeps(c);
        let shadow = shadow(&create, &name.database, &name.table, keeps).map_err(|why| {
            let table = name.to_string();
            Stop::from(Refusal::from(ReadError::GatherDefinition { table, why }))
        })?;
        scratch.create(name, &shadow.create).await?;
        let select = select_of(name, &shadow.columns, copied.filter.as_ref());
        let params = copied.filter.as_ref().map_or(&[][..], |f| &f.params);
        // All shards work at once, and their rows are taken as they come.
        let mut streams = Streams::default();
        for &shard in &copied.shards {
            let conn = sources.conn(shard).await?;
            streams.add(shard, start(conn, &select, (params, bound)).await?);
        }
        let batch = Batch::new(name, &shadow.columns);
        copy(&mut sources, &mut streams, scratch, batch, &mut budget).await?;
    }
    sources.close().await?;
    Ok(budget.bytes)
}

async fn create_of(conn: &mut ServerConn, name: &TableName) -> Result<String, Stop> {
    let (db, table) = (quote_name(&name.database), quote_name(&name.table));
    let answer = conn.run(&format!("SHOW CREATE TABLE {db}.{table}")).await?;
    let rows = answer.text_rows().map_err(|e| conn.broken(e))?;
    let create = rows.into_iter().next().and_then(|r| r.into_iter().nth(1));
    Ok(create.unwrap_or_default())
}

fn select_of(name: &TableName, columns: &[String], filter: Option<&FilterText>) -> Vec<u8> {
    let columns: Vec<String> = columns.iter().map(|c| quote_name(c)).collect();
    let (db, table) = (quote_name(&name.database), quote_name(&name.table));
    let mut out = format!("SELECT {} FROM {db}.{table} ", columns.join(", ")).into_bytes();
    if let Some(filter) = filter {
        out.extend_from_slice(b"WHERE ");
        out.extend_from_slice(&filter.text);
        out.push(b'\n');
    }
    out.extend_from_slice(NO_LIMIT.as_bytes());
    out
}

/// Sends a SELECT by the binary protocol, in which floats keep all their digits.
async fn start(
    conn: &mut ServerConn,
    select: &[u8],
    (numbers, bound): (&[u16], Option<&Bound<'_>>),
) -> Result<RowStream, Stop> {
    let prepared = conn.prepare(select).await?;
    let id = prepared.map_err(Stop::Server)?.id;
    let (mut params, mut long) = (ParamList::default(), Vec::new());
    for n in numbers {
        if let Some(bound) = bound {
            bound.copy_param(*n, &mut params, &mut long);
        }
    }
    conn.execute(&params.execution(id, 0), &long).await?;
    conn.flush().await?;
    conn.queue_close(id);
    Ok(RowStream::new(conn, ROW_BYTES_MAX))
}

async fn copy(
    sources: &mut Sources<'_>,
    streams: &mut Streams,
    scratch: &mut Scratch,
    mut batch: Batch,
    budget: &mut Budget,
) -> Result<(), Stop> {
    while let Some(n) = streams.next_of_any(sources).await? {
        let (shard, stream) = streams.get(n);
        let row = stream.row();
        budget.spend(row.len())?;
        if let Err(e) = batch.add(stream.columns(), row) {
            return Err(sources.server_conn(shard)?.broken(e).into());
        }
        if batch.is_full() {
            batch.send(scratch.conn()?).await?;
        }
    }
    batch.send(scratch.conn()?).await?;
    batch.finish(scratch.conn()?).await
}

/// Sends an execution.
trait Send {
    async fn send(self, conn: &mut ServerConn, id: u32) -> Result<(), Stop>;
}

impl Send for ParamList {
    async fn send(self, conn: &mut ServerConn, id: u32) -> Result<(), Stop> {
        conn.execute(&self.execution(id, 0), &[]).await?;
        Ok(conn.flush().await?)
    }
}
