//! Sharding rules that wait for their table.

use super::{App, Reply};
use crate::openapi::{Read, Resource, Schema, Variant};
use admin_types::rule::RuleView;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use catalog::{PendingRule, TableName};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/rules",
        answer: "Rule[]",
        summary: "Rules that wait for their table",
    }],
    schemas: &[Schema {
        name: "Rule",
        fields: &[
            ("database", "string"),
            ("table", "string"),
            ("clause", "string"),
        ],
    }],
    orders: &[
        Variant {
            name: "put_rule",
            fields: &[
                ("database", "string"),
                ("table", "string"),
                ("clause", "string"),
            ],
        },
        Variant {
            name: "drop_rule",
            fields: &[("database", "string"), ("table", "string")],
        },
    ],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/rules", get(list))
}

async fn list(State(app): State<App>) -> Reply<Vec<RuleView>> {
    let view = |(name, rule): (&TableName, &PendingRule)| RuleView {
        database: name.database.clone(),
        table: name.table.clone(),
        clause: rule.clause.clone(),
    };
    Ok(Json(app.catalog().rules.iter().map(view).collect()))
}
