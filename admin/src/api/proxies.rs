//! Registered proxies.

use super::{App, Reply, failed};
use crate::openapi::{Read, Resource, Schema, Variant};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use meta_client::ProxyView;

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/proxies",
        answer: "Proxy[]",
        summary: "Registered proxies",
    }],
    schemas: &[
        Schema {
            name: "Proxy",
            fields: &[
                ("incarnation", "integer"),
                ("name", "string"),
                ("address", "string"),
                ("version", "string"),
                ("since_ms", "integer"),
                ("epoch", "integer?"),
                ("silent_ms", "integer?"),
                ("draining", "boolean"),
                ("peer", "PeerPort?"),
                ("number", "integer"),
            ],
        },
        Schema {
            name: "PeerPort",
            fields: &[("address", "string"), ("key", "string")],
        },
    ],
    orders: &[
        Variant {
            name: "drain",
            fields: &[("incarnation", "integer"), ("draining", "boolean")],
        },
        Variant {
            name: "fence",
            fields: &[("incarnation", "integer")],
        },
    ],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/proxies", get(list))
}

async fn list(State(app): State<App>) -> Reply<Vec<ProxyView>> {
    app.orders.meta().proxies().await.map(Json).map_err(failed)
}
