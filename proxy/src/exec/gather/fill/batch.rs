//! Rows of one INSERT into a stand-in. While the server takes it, the next rows are read.

use super::{INSERT_BYTES_MAX, PARAMS_MAX, Send};
use crate::session::Stop;
use catalog::TableName;
use shard::ServerConn;
use sql::ident::quote_name;
use wire::cells::RowShape;
use wire::column::{ResultColumn, column_type as t};
use wire::command::execute::ParamList;
use wire::framer::Expect;
use wire::resultset::RowFormat;

/// Rows of one INSERT.
pub(super) struct Batch {
    into: String,
    width: usize,
    rows: usize,
    rows_max: usize,
    params: ParamList,
    bytes: usize,
    /// The statement for a full batch, prepared once.
    full: Option<u32>,
    /// An INSERT is on its way.
    is_sent: bool,
}

impl Batch {
    pub(super) fn new(name: &TableName, columns: &[String]) -> Self {
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
            is_sent: false,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= self.rows_max || self.bytes >= INSERT_BYTES_MAX
    }

    pub(super) fn add(
        &mut self,
        columns: &[ResultColumn],
        row: &[u8],
    ) -> Result<(), wire::Malformed> {
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

    /// Sends the rows, once the server has taken those before them.
    pub(super) async fn send(&mut self, conn: &mut ServerConn) -> Result<(), Stop> {
        self.finish(conn).await?;
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
        self.is_sent = true;
        match full {
            true => self.full = Some(id),
            false => conn.queue_close(id),
        }
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Waits for the INSERT that is on its way.
    pub(super) async fn finish(&mut self, conn: &mut ServerConn) -> Result<(), Stop> {
        if !std::mem::take(&mut self.is_sent) {
            return Ok(());
        }
        let answer = conn.own_answer(Expect::Result).await?;
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
