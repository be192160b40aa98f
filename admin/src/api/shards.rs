//! Shards.

use super::{App, Reply};
use crate::openapi::{Read, Resource, Schema, Variant};
use admin_types::shard::ShardView;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use catalog::{Catalog, Placement, Shard};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/shards",
        answer: "Shard[]",
        summary: "Shards",
    }],
    schemas: &[Schema {
        name: "Shard",
        fields: &[
            ("name", "string"),
            ("host", "string"),
            ("port", "integer"),
            ("disabled", "boolean"),
            ("tables", "integer"),
        ],
    }],
    orders: &[
        Variant {
            name: "put_shard",
            fields: &[
                ("name", "string"),
                ("host", "string"),
                ("port", "integer"),
                ("force", "boolean?"),
            ],
        },
        Variant {
            name: "disable_shard",
            fields: &[("name", "string"), ("disabled", "boolean")],
        },
    ],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/shards", get(list))
}

async fn list(State(app): State<App>) -> Reply<Vec<ShardView>> {
    let catalog = app.catalog();
    let view = |s: &Shard| ShardView {
        name: s.name.clone(),
        host: s.primary().host.clone(),
        port: s.primary().port,
        disabled: s.disabled,
        tables: tables_on(&catalog, s),
    };
    Ok(Json(catalog.shards.values().map(view).collect()))
}

fn tables_on(catalog: &Catalog, shard: &Shard) -> usize {
    let there = |p: &Placement| match p {
        Placement::Single(s) | Placement::View(s) => *s == shard.id,
        Placement::Reference => true,
        Placement::Sharded(s) => s.shards().contains(&shard.id),
    };
    let tables = catalog.tables.values();
    tables.filter(|t| there(&t.placement)).count()
}
