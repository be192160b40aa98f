//! Tables and where they are.

use super::{App, Reply, failed};
use crate::openapi::{Read, Resource, Schema, Variant};
use admin_types::table::TableView;
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use catalog::Rejected;

pub(super) const RESOURCE: Resource = Resource {
    reads: &[
        Read {
            path: "/v1/tables",
            answer: "Table[]",
            summary: "Tables and where they are",
        },
        Read {
            path: "/v1/tables/{database}/{table}",
            answer: "Table",
            summary: "One table",
        },
    ],
    schemas: &[Schema {
        name: "Table",
        fields: &[
            ("database", "string"),
            ("table", "string"),
            ("kind", "string"),
            ("key", "string[]"),
            ("shards", "string[]"),
            ("group", "integer?"),
            ("id", "integer"),
            ("columns", "string[]"),
            ("auto_increment", "string?"),
        ],
    }],
    orders: &[
        Variant {
            name: "import_table",
            fields: &[
                ("database", "string"),
                ("table", "string"),
                ("clause", "string"),
            ],
        },
        Variant {
            name: "refresh_table",
            fields: &[("database", "string"), ("table", "string")],
        },
    ],
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/tables", get(list))
        .route("/v1/tables/{database}/{table}", get(one))
}

async fn list(State(app): State<App>) -> Reply<Vec<TableView>> {
    let catalog = app.catalog();
    let tables = catalog.tables.values();
    Ok(Json(tables.map(|t| TableView::new(&catalog, t)).collect()))
}

async fn one(
    State(app): State<App>,
    Path((database, table)): Path<(String, String)>,
) -> Reply<TableView> {
    let catalog = app.catalog();
    let Some(found) = catalog.table(&database, &table) else {
        let missing = Rejected::Missing(format!("table {database}.{table}"));
        return Err(failed(missing.into()));
    };
    Ok(Json(TableView::new(&catalog, found)))
}
