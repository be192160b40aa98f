//! An analysis as text, for tests and for people: queries, blocks and their parts with what they use.

use crate::analyze::Analysis;
use crate::analyze::block::*;
use crate::analyze::instance::{Relation, TableInstanceId};
use sql::TokenRange;
use std::fmt::Write;

/// The queries and blocks of an analysis, one line a part.
pub fn outline_text(a: &Analysis<'_>, text: &str) -> String {
    let mut out = Text {
        a,
        text,
        out: String::new(),
    };
    for (id, block) in a.blocks.iter().enumerate() {
        if block.query.is_none() {
            out.block(id, 0);
        }
    }
    for id in 0..a.queries.len() {
        out.query(id);
    }
    if let Some(r) = &a.refusal {
        out.line(0, &format!("refused: {r}"));
    }
    out.out
}

struct Text<'s, 'a> {
    a: &'s Analysis<'a>,
    text: &'s str,
    out: String,
}

impl Text<'_, '_> {
    fn line(&mut self, depth: usize, text: &str) {
        // A string takes what is written.
        let _ = writeln!(self.out, "{}{text}", "  ".repeat(depth + 1));
    }

    /// The text of a place, in one line.
    fn quote(&self, tokens: Option<TokenRange>) -> String {
        match tokens.and_then(|t| self.text.get(t.bytes(self.a.tokens))) {
            Some(text) => format!(
                "`{}`",
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            ),
            None => "?".to_string(),
        }
    }

    fn aliases(&self, list: &[TableInstanceId]) -> String {
        let names = list.iter().map(|i| self.a.instances[*i].alias.as_str());
        names.collect::<Vec<_>>().join(" ")
    }

    fn piece(&self, piece: &Piece<'_>) -> String {
        let mut out = self.quote(piece.tokens);
        if piece.plain_column().is_some() {
            out += " column";
        }
        if !piece.instances.is_empty() {
            let _ = write!(out, " of {}", self.aliases(&piece.instances));
        }
        for column in &piece.columns {
            if let Meaning::Item(i) = column.meaning {
                let _ = write!(out, " item {}", i + 1);
            }
        }
        for call in piece.calls.iter().map(|c| &self.a.calls[*c]) {
            let what = match call.function {
                None => "unknown call",
                Some(_) if call.is_windowed => "window",
                Some(_) if call.is_aggregate() => "aggregate",
                Some(_) => "call",
            };
            let _ = write!(out, ", {what} {}", self.quote(call.tokens));
        }
        for q in &piece.queries {
            let _ = write!(out, ", query {q}");
        }
        for (yes, what) in [
            (piece.reads_variables, "variables"),
            (piece.has_unresolved, "unresolved"),
            (piece.is_odd, "odd"),
        ] {
            if yes {
                let _ = write!(out, ", {what}");
            }
        }
        out
    }

    fn pieces(&mut self, depth: usize, what: &str, pieces: &[Piece<'_>]) {
        for p in pieces {
            let text = format!("{what} {}", self.piece(p));
            self.line(depth, &text);
        }
    }

    fn query(&mut self, id: QueryId) {
        let q = &self.a.queries[id];
        let place = match q.place {
            Place::Statement => "statement".to_string(),
            Place::With(q) => format!("with of query {q}"),
            Place::From(i) => format!("table {}", self.a.instances[i].alias),
            Place::Operand(q) => format!("operand of query {q}"),
            Place::Expression(Some(b)) => format!("expression of block {b}"),
            Place::Expression(None) => "expression".to_string(),
        };
        let mut head = format!("query {id}: {place}");
        if !q.outer.is_empty() {
            let _ = write!(head, ", uses {} from outside", self.aliases(&q.outer));
        }
        if q.has_unresolved {
            head += ", unresolved";
        }
        if q.place != Place::Statement {
            let _ = write!(head, " {}", self.quote(q.tokens));
        }
        self.line(0, &head);
        for cte in &q.ctes {
            let text = format!("with {} {}", cte.alias.name.value, query_text(cte.query));
            self.line(1, &text);
        }
        self.body(&q.body, 1);
        self.order(&q.order_by, 1);
        self.pieces(1, "offset", q.offset.as_slice());
        self.pieces(1, "limit", q.limit.as_slice());
    }

    fn order(&mut self, list: &[OrderItem<'_>], depth: usize) {
        for o in list {
            let descending = if o.is_descending { " descending" } else { "" };
            let text = format!("order{descending} {}", self.piece(&o.value));
            self.line(depth, &text);
        }
    }

    fn body(&mut self, body: &Body<'_>, depth: usize) {
        match body {
            Body::Block(b) => self.block(*b, depth),
            Body::Query(q) => self.line(depth, &format!("query {q}")),
            Body::Set {
                operator,
                all,
                left,
                right,
            } => {
                let all = if *all { " all" } else { "" };
                self.line(depth, &format!("{operator}{all}"));
                self.body(left, depth + 1);
                self.body(right, depth + 1);
            }
            Body::Rows(pieces) => self.pieces(depth, "value", pieces),
            Body::Unknown => self.line(depth, "unknown"),
        }
    }

    fn block(&mut self, id: BlockId, depth: usize) {
        let b = &self.a.blocks[id];
        let kind = match b.kind {
            BlockKind::Select(_) if b.is_distinct() => "select distinct",
            BlockKind::Select(_) => "select",
            BlockKind::Update(_) => "update",
            BlockKind::Delete(_) => "delete",
        };
        let around = if b.aggregates_around {
            ", aggregates for a block around it"
        } else {
            ""
        };
        self.line(depth, &format!("block {id}: {kind}{around}"));
        let depth = depth + 1;
        for item in &b.from {
            self.from(item, depth);
        }
        for item in &b.items {
            let mut text = match &item.kind {
                ItemKind::Value(p) => format!("item {}", self.piece(p)),
                ItemKind::All => format!("all {}", self.quote(item.tokens)),
                ItemKind::AllOf(_) => format!("all of {}", self.quote(item.tokens)),
            };
            if let Some(alias) = item.alias {
                let _ = write!(text, ", named {}", alias.value);
            }
            self.line(depth, &text);
        }
        for a in &b.assignments {
            let column = a.column.last().map_or("?", |c| c.value.as_str());
            let text = format!("set {column} {}", self.piece(&a.value));
            self.line(depth, &text);
        }
        self.pieces(depth, "where", &b.conditions);
        self.pieces(depth, "group", &b.group_by);
        if b.has_rollup {
            self.line(depth, "rollup");
        }
        self.pieces(depth, "having", &b.having);
        self.pieces(depth, "window", &b.windows);
        self.order(&b.order_by, depth);
        self.pieces(depth, "limit", b.limit.as_slice());
    }

    fn from(&mut self, item: &FromItem<'_>, depth: usize) {
        match item {
            FromItem::Unknown => self.line(depth, "from unknown"),
            FromItem::Instance(i) => {
                let instance = &self.a.instances[*i];
                let relation = match &instance.relation {
                    Relation::Table(t) => format!("{} {}", t.placement.kind(), t.name),
                    Relation::Derived { query, .. } => query_text(*query),
                    Relation::Cte(q, at) => format!("with {at} of query {q}"),
                    Relation::InformationSchema(Some(o)) => {
                        format!("information_schema {}", o.name)
                    }
                    Relation::InformationSchema(None) => "information_schema".to_string(),
                    Relation::System => "system".to_string(),
                    Relation::Dual => "dual".to_string(),
                    Relation::Unknown => "unknown".to_string(),
                };
                let text = format!(
                    "from {}: {relation} {}",
                    instance.alias,
                    self.quote(instance.tokens)
                );
                self.line(depth, &text);
            }
            FromItem::Join(j) => {
                let natural = if j.is_natural { " natural" } else { "" };
                let using: Vec<_> = j.using.iter().map(|c| c.value.as_str()).collect();
                let mut text = format!("join {:?}{natural}", j.kind).to_lowercase();
                if !using.is_empty() {
                    let _ = write!(text, " using {}", using.join(" "));
                }
                self.line(depth, &text);
                self.from(&j.left, depth + 1);
                self.from(&j.right, depth + 1);
                self.pieces(depth + 1, "on", &j.on);
            }
        }
    }
}

fn query_text(query: Option<QueryId>) -> String {
    query.map_or("unread query".to_string(), |q| format!("query {q}"))
}
