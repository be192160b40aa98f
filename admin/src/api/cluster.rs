//! The nodes of the metadata service.

use super::{App, Reply, failed};
use crate::openapi::{Read, Resource, Schema, Variant};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use meta_client::{ClusterView, MemberChange};

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/cluster",
        answer: "Cluster",
        summary: "Nodes of the metadata service",
    }],
    schemas: &[
        Schema {
            name: "Cluster",
            fields: &[
                ("node", "integer"),
                ("leader", "integer?"),
                ("term", "integer"),
                ("applied_index", "integer?"),
                ("epoch", "integer"),
                ("members", "Member[]"),
            ],
        },
        Schema {
            name: "Member",
            fields: &[
                ("id", "integer"),
                ("address", "string"),
                ("role", "string"),
                ("log_index", "integer?"),
            ],
        },
    ],
    orders: &[],
};

/// What POST /v1/members takes: one of these.
pub(crate) const MEMBER_CHANGES: [Variant; 3] = [
    Variant {
        name: "add",
        fields: &[("id", "integer"), ("address", "string")],
    },
    Variant {
        name: "promote",
        fields: &[("id", "integer")],
    },
    Variant {
        name: "remove",
        fields: &[("id", "integer")],
    },
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/cluster", get(status))
        .route("/v1/members", post(change))
}

async fn status(State(app): State<App>) -> Reply<ClusterView> {
    app.orders.meta().cluster().await.map(Json).map_err(failed)
}

async fn change(State(app): State<App>, Json(c): Json<MemberChange>) -> Reply<ClusterView> {
    let changed = app.orders.meta().change_members(c).await;
    changed.map(Json).map_err(failed)
}
