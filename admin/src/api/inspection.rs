//! The health report.

use super::App;
use crate::openapi::{Read, Resource, Schema};
use admin_types::report::Report;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/inspect",
        answer: "Report",
        summary: "Health of everything",
    }],
    schemas: &[
        Schema {
            name: "Report",
            fields: &[("findings", "Finding[]")],
        },
        Schema {
            name: "Finding",
            fields: &[
                ("severity", "string"),
                ("subject", "string"),
                ("text", "string"),
                ("advice", "string"),
            ],
        },
    ],
    orders: &[],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/inspect", get(inspect))
}

async fn inspect(State(app): State<App>) -> Json<Report> {
    Json(app.orders.inspect().await)
}
