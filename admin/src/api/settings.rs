//! Settings of the whole cluster.

use super::{App, Reply, failed};
use crate::openapi::{Read, Resource, Schema, Variant};
use admin_types::setting::SettingView;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use catalog::settings::{SETTINGS, Setting};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/settings",
        answer: "Setting[]",
        summary: "Settings of the cluster",
    }],
    schemas: &[Schema {
        name: "Setting",
        fields: &[
            ("name", "string"),
            ("value", "string"),
            ("default", "string"),
            ("range", "string"),
            ("help", "string"),
        ],
    }],
    orders: &[Variant {
        name: "set",
        fields: &[("name", "string"), ("value", "string?")],
    }],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/settings", get(list))
}

async fn list(State(app): State<App>) -> Reply<Vec<SettingView>> {
    let state = app.orders.meta().state().await.map_err(failed)?;
    let view = |s: &Setting| SettingView {
        name: s.name.to_string(),
        value: state.setting(s.name).unwrap_or(s.default).to_string(),
        default: s.default.to_string(),
        range: s.range(),
        help: s.help.to_string(),
    };
    Ok(Json(SETTINGS.iter().map(view).collect()))
}
