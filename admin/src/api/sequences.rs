//! Next ids of tables whose ids come from the metadata service.

use super::{App, Reply, failed};
use crate::openapi::{Read, Resource, Schema, Variant};
use admin_types::sequence::{SequenceView, draws_ids};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use catalog::Table;
use std::sync::Arc;

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/sequences",
        answer: "Sequence[]",
        summary: "Next ids of tables",
    }],
    schemas: &[Schema {
        name: "Sequence",
        fields: &[
            ("database", "string"),
            ("table", "string"),
            ("next", "integer"),
        ],
    }],
    orders: &[Variant {
        name: "raise_sequence",
        fields: &[
            ("database", "string"),
            ("table", "string"),
            ("next", "integer"),
        ],
    }],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sequences", get(list))
}

async fn list(State(app): State<App>) -> Reply<Vec<SequenceView>> {
    let state = app.orders.meta().state().await.map_err(failed)?;
    let with_ids = state.catalog.tables.values().filter(|t| draws_ids(t));
    let view = |t: &Arc<Table>| SequenceView {
        database: t.name.database.clone(),
        table: t.name.table.clone(),
        next: state.sequences.get(&t.id.0).copied().unwrap_or(1),
    };
    Ok(Json(with_ids.map(view).collect()))
}
