//! Orders: every change of the cluster but those of its nodes. Each resource describes its own.

use super::{App, Reply, failed};
use crate::openapi::{Resource, Schema};
use admin_types::order::{OrderReply, OrderRequest};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use meta_client::http::USER_HEADER;

pub(super) const RESOURCE: Resource = Resource {
    reads: &[],
    schemas: &[Schema {
        name: "OrderReply",
        fields: &[
            ("dry_run", "boolean"),
            ("answer", "any"),
            ("notes", "string[]"),
        ],
    }],
    orders: &[],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/orders", post(carry_out))
}

async fn carry_out(
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<OrderRequest>,
) -> Reply<OrderReply> {
    let who = headers.get(USER_HEADER).and_then(|v| v.to_str().ok());
    let done = app.orders.carry_out(who.unwrap_or("api"), request).await;
    done.map(Json).map_err(failed)
}
