//! Users of the cluster and what they may do.

use super::{App, Reply, failed};
use crate::openapi::{Read, Resource, Schema, Variant};
use admin_types::user::{GrantView, UserView};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use catalog::{Rights, User};

/// Fields of the two orders that bring a password.
const PASSWORD: &[(&str, &str)] = &[("name", "string"), ("password", "string[]")];
/// Fields of the two orders about rights.
const RIGHTS: &[(&str, &str)] = &[
    ("name", "string"),
    ("database", "string"),
    ("rights", "string"),
];

pub(super) const RESOURCE: Resource = Resource {
    reads: &[Read {
        path: "/v1/users",
        answer: "User[]",
        summary: "Users of the cluster and what they may do",
    }],
    schemas: &[
        Schema {
            name: "User",
            fields: &[("name", "string"), ("grants", "Grant[]")],
        },
        Schema {
            name: "Grant",
            fields: &[("database", "string"), ("rights", "string")],
        },
    ],
    orders: &[
        Variant {
            name: "create_user",
            fields: PASSWORD,
        },
        Variant {
            name: "set_password",
            fields: PASSWORD,
        },
        Variant {
            name: "drop_user",
            fields: &[("name", "string")],
        },
        Variant {
            name: "grant",
            fields: RIGHTS,
        },
        Variant {
            name: "revoke",
            fields: RIGHTS,
        },
    ],
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/users", get(list))
}

async fn list(State(app): State<App>) -> Reply<Vec<UserView>> {
    // The newest, so that a DBA sees what another one did at another proxy.
    let state = app.orders.meta().state().await.map_err(failed)?;
    let grant = |(database, rights): (&String, &Rights)| GrantView {
        database: database.clone(),
        rights: *rights,
    };
    let view = |(name, user): (&String, &User)| UserView {
        name: name.clone(),
        grants: user.grants.iter().map(grant).collect(),
    };
    Ok(Json(state.catalog.users.iter().map(view).collect()))
}
