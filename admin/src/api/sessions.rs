//! Clients' sessions at every proxy.

use super::App;
use crate::openapi::{Read, Resource, Schema};
use admin_types::session::SessionList;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/sessions",
        answer: "SessionList",
        summary: "Clients' sessions at every proxy, and the proxies that do not answer",
    }],
    schemas: &[
        Schema {
            name: "SessionList",
            fields: &[
                ("sessions", "ClientSession[]"),
                ("silent", "SilentProxy[]"),
                ("stale", "string?"),
            ],
        },
        Schema {
            name: "ClientSession",
            fields: &[
                ("proxy", "string"),
                ("id", "integer"),
                ("user", "string"),
                ("host", "string"),
                ("database", "string"),
                ("command", "string"),
                ("seconds", "integer"),
                ("statement", "string?"),
                ("in_transaction", "boolean"),
                ("pins", "string"),
            ],
        },
        Schema {
            name: "SilentProxy",
            fields: &[
                ("proxy", "string"),
                ("address", "string"),
                ("why", "string"),
            ],
        },
    ],
    orders: &[],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sessions", get(list))
}

async fn list(State(app): State<App>) -> Json<SessionList> {
    Json(app.orders.proxies().sessions().await)
}
