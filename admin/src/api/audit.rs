//! Changes and who made them, the newest first.

use super::{App, Reply, failed};
use crate::openapi::{Read, Resource, Schema};
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use catalog::state::AuditRecord;
use serde::Deserialize;

/// Records of one answer unless asked for more.
const RECORDS_DEFAULT: usize = 100;

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/audit",
        answer: "AuditRecord[]",
        summary: "Changes, the newest first",
    }],
    schemas: &[Schema {
        name: "AuditRecord",
        fields: &[
            ("number", "integer"),
            ("at_ms", "integer"),
            ("who", "string"),
            ("what", "string"),
            ("epoch", "integer"),
        ],
    }],
    orders: &[],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/audit", get(list))
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<usize>,
}

async fn list(State(app): State<App>, Query(l): Query<Limit>) -> Reply<Vec<AuditRecord>> {
    let state = app.orders.meta().state().await.map_err(failed)?;
    let newest = state.audit.into_iter().rev();
    let count = l.limit.unwrap_or(RECORDS_DEFAULT);
    Ok(Json(newest.take(count).collect()))
}
