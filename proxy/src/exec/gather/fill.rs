//! Copies rows of every table into its stand-in.

use super::scratch::Scratch;
use super::source::Sources;
use crate::session::Stop;
use crate::session::branches::Branches;
use crate::session::client_state::ClientState;
use crate::worker::Worker;
use catalog::TableName;
use errors::ReadError;
use router::Refusal;
use router::plan::gather::{GatherRoute, GatherTable};
use schema::shadow::shadow;
use shard::{RowStream, ServerConn, StreamEnd};
use sql::ident::quote_name;
use wire::cells::RowShape;
use wire::column::{ResultColumn, column_type as t};
use wire::command::execute::ParamList;
use wire::framer::Expect;
use wire::resultset::RowFormat;

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
    route: &GatherRoute,
) -> Result<usize, Stop> {
    let config = &worker.shared.pool;
    let mut budget = Budget {
        bytes_max: config.gather_bytes_max,
        rows_max: config.gather_rows_max,
        bytes: 0,
        rows: 0,
    };
    let mut sources = Sources::new(worker, client, branches, route.tables.len());
    for (table, shards) in &route.tables {
        let Some(first) = shards.first() else {
            continue;
        };
        let create = create_of(sources.conn(*first).await?, &table.name).await?;
        let (name, keeps) = (&table.name, |c: &str| table.keeps(c));
        let shadow = shadow(&create, &name.database, &name.table, keeps).map_err(|why| {
            let table = name.to_string();
            Stop::from(Refusal::from(ReadError::GatherDefinition { table, why }))
        })?;
        scratch.create(name, &shadow.create).await?;
        let select = select_of(table, &shadow.columns);
        // All shards work at once; their rows are taken one shard after the other.
        let mut streams = Vec::new();
        for &shard in shards {
            let conn = sources.conn(shard).await?;
            let stream = start(conn, &select).await?;
            streams.push((shard, stream));
        }
        for (shard, mut stream) in streams {
            let conn = sources.open(shard)?;
            copy(
                conn,
                &mut stream,
                scratch,
                table,
                &shadow.columns,
                &mut budget,
            )
            .await?;
        }
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

fn select_of(table: &GatherTable, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|c| quote_name(c)).collect();
    let (db, name) = (
        quote_name(&table.name.database),
        quote_name(&table.name.table),
    );
    format!("SELECT {} FROM {db}.{name} {NO_LIMIT}", columns.join(", "))
}

/// Sends a SELECT by the binary protocol, in which floats keep all their digits.
async fn start(conn: &mut ServerConn, select: &str) -> Result<RowStream, Stop> {
    let prepared = conn.prepare(select.as_bytes()).await?;
    let id = prepared.map_err(Stop::Server)?.id;
    ParamList::default().send(conn, id).await?;
    conn.queue_close(id);
    Ok(RowStream::new(conn, ROW_BYTES_MAX))
}

async fn copy(
    conn: &mut ServerConn,
    stream: &mut RowStream,
    scratch: &mut Scratch,
    table: &GatherTable,
    columns: &[String],
    budget: &mut Budget,
) -> Result<(), Stop> {
    let mut batch = Batch::new(&table.name, columns);
    while stream.next(conn).await? {
        let row = stream.row();
        budget.spend(row.len())?;
        batch
            .add(stream.columns(), row)
            .map_err(|e| conn.broken(e))?;
        if batch.is_full() {
            batch.send(scratch.conn()?).await?;
        }
    }
    batch.send(scratch.conn()?).await?;
    match stream.end() {
        Some(StreamEnd::Err(err)) => Err(Stop::Server(err.clone())),
        Some(StreamEnd::Rows(_)) => Ok(()),
        _ => Err(conn.broken("a SELECT without rows").into()),
    }
}

/// Rows of one INSERT.
struct Batch {
    into: String,
    width: usize,
    rows: usize,
    rows_max: usize,
    params: ParamList,
    bytes: usize,
    /// The statement for a full batch, prepared once.
    full: Option<u32>,
}

impl Batch {
    fn new(name: &TableName, columns: &[String]) -> Self {
        let (db, table) = (quote_name(&name.database), quote_name(&name.table));
        let list: Vec<String> = columns.iter().map(|c| quote_name(c)).collect();
        Self {
            into: format!("INSERT INTO {db}.{table} ({}) VALUES ", list.join(", ")),
            width: columns.len(),
            rows: 0,
            rows_max: (PARAMS_MAX / columns.len().max(1)).max(1),
            params: ParamList::default(),
            bytes: 0,
            full: None,
        }
    }

    fn is_full(&self) -> bool {
        self.rows >= self.rows_max || self.bytes >= INSERT_BYTES_MAX
    }

    fn add(&mut self, columns: &[ResultColumn], row: &[u8]) -> Result<(), wire::Malformed> {
        let shape = RowShape {
            columns,
            format: RowFormat::Binary,
        };
        let params = &mut self.params;
        let mut encoded = Vec::new();
        shape.each(row, |column, cell| {
            let kind = param_kind(column);
            match cell {
                Some(bytes) if is_text(kind[0]) => {
                    encoded.clear();
                    wire::read::put_lenenc_bytes(&mut encoded, bytes);
                    params.push(kind, Some(&encoded), false);
                }
                cell => params.push(kind, cell, false),
            }
        })?;
        (self.rows, self.bytes) = (self.rows + 1, self.bytes + row.len());
        Ok(())
    }

    async fn send(&mut self, conn: &mut ServerConn) -> Result<(), Stop> {
        if self.rows == 0 {
            return Ok(());
        }
        let (rows, full) = (self.rows, self.rows == self.rows_max);
        let known = self.full.filter(|_| full);
        let id = match known {
            Some(id) => id,
            None => {
                let values = vec![format!("({})", vec!["?"; self.width].join(",")); rows];
                let sql = format!("{}{}", self.into, values.join(","));
                conn.prepare(sql.as_bytes())
                    .await?
                    .map_err(Stop::Server)?
                    .id
            }
        };
        std::mem::take(&mut self.params).send(conn, id).await?;
        let answer = conn.own_answer(Expect::Result).await?;
        match full {
            true => self.full = Some(id),
            false => conn.queue_close(id),
        }
        (self.rows, self.bytes) = (0, 0);
        match answer.err {
            Some(err) => Err(Stop::Server(err)),
            None => Ok(()),
        }
    }
}

/// The type under which a value of a column is sent back.
fn param_kind(column: &ResultColumn) -> [u8; 2] {
    const UNSIGNED: u16 = 0x20;
    let kind = match column.kind {
        t::INT24 => t::LONG,
        t::YEAR => t::SHORT,
        t::TINY | t::SHORT | t::LONG | t::LONGLONG | t::FLOAT | t::DOUBLE => column.kind,
        t::DATE | t::DATETIME | t::TIMESTAMP | t::TIME | t::NEWDECIMAL => column.kind,
        // Bytes as they are, or text in the connection's character set.
        _ if column.collation == 63 => t::BLOB,
        _ => t::VAR_STRING,
    };
    let unsigned = column.flags & UNSIGNED != 0;
    [kind, if unsigned { 0x80 } else { 0 }]
}

fn is_text(kind: u8) -> bool {
    matches!(kind, t::NEWDECIMAL | t::BLOB | t::VAR_STRING)
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
