//! Databases and the shard of their single tables.

use super::{App, Reply};
use crate::openapi::{Read, Resource, Schema};
use admin_types::database::DatabaseView;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/databases",
        answer: "Database[]",
        summary: "Databases",
    }],
    schemas: &[Schema {
        name: "Database",
        fields: &[
            ("name", "string"),
            ("default_shard", "string"),
            ("tables", "integer"),
        ],
    }],
    orders: &[],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/databases", get(list))
}

async fn list(State(app): State<App>) -> Reply<Vec<DatabaseView>> {
    let catalog = app.catalog();
    let view = |(name, d): (&String, &catalog::Database)| DatabaseView {
        name: name.clone(),
        default_shard: catalog.shard_name(d.default_shard).to_string(),
        tables: catalog
            .tables
            .keys()
            .filter(|t| t.database == *name)
            .count(),
    };
    Ok(Json(catalog.databases.iter().map(view).collect()))
}
