//! Versions.

use super::{App, Reply};
use crate::openapi::{Read, Resource, Schema};
use admin_types::version::VersionView;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/version",
        answer: "Version",
        summary: "Version of the process and epoch of its catalog",
    }],
    schemas: &[Schema {
        name: "Version",
        fields: &[("version", "string"), ("epoch", "integer")],
    }],
    orders: &[],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/version", get(show))
}

async fn show(State(app): State<App>) -> Reply<VersionView> {
    Ok(Json(VersionView {
        version: env!("CARGO_PKG_VERSION").to_string(),
        epoch: app.catalog().epoch,
    }))
}
