//! Counters of every proxy on one page.

use super::App;
use crate::openapi::{Read, Resource, Schema};
use admin_types::counters::CounterList;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/counters",
        answer: "CounterList",
        summary: "Counters of every proxy, and the proxies that do not answer",
    }],
    schemas: &[
        Schema {
            name: "CounterList",
            fields: &[
                ("proxies", "ProxyCounters[]"),
                ("silent", "SilentProxy[]"),
                ("stale", "string?"),
            ],
        },
        Schema {
            name: "ProxyCounters",
            fields: &[
                ("proxy", "string"),
                ("incarnation", "integer"),
                ("uptime_s", "integer"),
                ("sessions", "integer"),
                ("epoch", "integer"),
                ("counts", "any"),
            ],
        },
    ],
    orders: &[],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/counters", get(list))
}

async fn list(State(app): State<App>) -> Json<CounterList> {
    Json(app.orders.proxies().counters().await)
}
